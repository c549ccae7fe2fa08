# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be said of a guest's machine, its firmware and its TPM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...objects.errors import InvalidInput, NotSupported
from .devices import is_pc
from .wish import Contradiction, Unreadable, Wish, flag, image_wins, one_of

SYSTEMS = ("linux", "windows")
REQUIRED, OPTIONAL, DISABLED = "required", "optional", "disabled"


def read_machine(text: str) -> str:
    """Read a machine type of x86."""
    name = text.strip()
    if name not in ("pc", "q35") and not name.startswith(("pc-q35-", "pc-i440fx-")):
        raise Unreadable("It is q35 or pc, or one version of these, such as pc-q35-7.2.")
    return name


def read_secure_boot(text: str) -> str:
    """Read what a flavor says of secure boot."""
    return str(one_of(REQUIRED, OPTIONAL, DISABLED)(text))


def secure_boot(flavor: str, image: str) -> str:
    """What one requires the other must not forbid (Nova's get_secure_boot_constraint)."""
    said = {flavor, image} - {OPTIONAL}
    if len(said) > 1:
        raise Contradiction
    return said.pop() if said else OPTIONAL


WISHES = (
    Wish(
        "machine_type",
        "The machine.",
        read_machine,
        prop="hw_machine_type",
        values="q35 (default), pc, or one version that the host has, such as pc-q35-7.2",
    ),
    Wish(
        "firmware_type",
        "The firmware. A guest with UEFI has a file of variables (NVRAM), which stays until it is deleted.",
        one_of("bios", "uefi"),
        prop="hw_firmware_type",
        values="bios (default), uefi",
    ),
    Wish(
        "firmware_stateless",
        "The guest's firmware forgets what it is told. It needs uefi.",
        flag,
        prop="hw_firmware_stateless",
    ),
    Wish(
        "secure_boot",
        "Nothing boots that is not signed. It needs uefi and q35; `optional` (of images): where the host can.",
        read_secure_boot,
        "os:secure_boot",
        "os_secure_boot",
        secure_boot,
        "required, optional, disabled",
    ),
    Wish(
        "tpm_version",
        "A TPM, where the host has swtpm.",
        one_of("1.2", "2.0"),
        "hw:tpm_version",
        "hw_tpm_version",
        values="1.2, 2.0",
    ),
    Wish(
        "tpm_model",
        "Its model; it needs `tpm_version`.",
        one_of("tpm-tis", "tpm-crb"),
        "hw:tpm_model",
        "hw_tpm_model",
        values="tpm-tis (default), tpm-crb",
    ),
    Wish(
        "boot_menu",
        "The firmware offers a menu of what to boot.",
        flag,
        "hw:boot_menu",
        "hw_boot_menu",
        image_wins,
    ),
    Wish("time_hpet", "The clock HPET, or none.", flag, prop="hw_time_hpet"),
    Wish(
        "os_type",
        "`windows`: the clock has local time, and on KVM the guest has what Windows knows of Hyper-V.",
        lambda text: text.strip().lower(),
        prop="os_type",
        values="linux, windows, or any other",
    ),
)


def check_firmware(shape: Mapping[str, Any]) -> None:
    """Refuse what makes no sense together.

    Raises:
        InvalidInput: Such as secure boot with a BIOS.
        NotSupported: No such machine can be built.
    """
    is_uefi = shape.get("firmware_type") == "uefi"
    if shape.get("secure_boot") == REQUIRED and not is_uefi:
        raise InvalidInput("Secure boot is required, and the image has no UEFI.", "Give it hw_firmware_type 'uefi'.")
    if shape.get("firmware_stateless") and not is_uefi:
        raise InvalidInput("hw_firmware_stateless needs hw_firmware_type 'uefi'.", "Give both.")
    if shape.get("secure_boot") == REQUIRED and is_pc(shape):
        raise NotSupported("Secure boot needs the machine q35.", "Leave out hw_machine_type.")
    if "tpm_model" in shape and "tpm_version" not in shape:
        raise InvalidInput("hw:tpm_model needs hw:tpm_version.", "Give both.")
    if shape.get("tpm_model") == "tpm-crb" and shape.get("tpm_version") == "1.2":
        raise InvalidInput("A TPM of model 'tpm-crb' is of version 2.0.", "Correct hw:tpm_version or hw:tpm_model.")
