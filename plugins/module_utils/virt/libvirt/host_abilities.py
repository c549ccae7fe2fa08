# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a host can give a guest its shape: its machines, its firmware, its TPMs."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any

from ...objects.errors import NotSupported, nearest
from ..shape.firmware import REQUIRED
from ..shape.guest_shape import Shape
from .connection import Connection
from .domain_xml import GuestPlatform

# What depends on the host's packages, so that it is asked.
_DEPENDENT = ("firmware_type", "secure_boot", "tpm_version")


@dataclass(frozen=True)
class HostAbilities:
    """What libvirt says of guests of one machine type."""

    has_uefi: bool = False
    has_secure_boot: bool = False
    has_tpm: bool = False


def read_abilities(raw: Any, arch: str, machine: str, kind: str) -> HostAbilities:
    """Read what guests of a machine type can have here."""
    tree = ET.fromstring(raw.getDomainCapabilities(None, arch, machine, kind, 0))  # noqa: S314 - libvirtd is trusted

    def lists(path: str, name: str, value: str) -> bool:
        return any(found.text == value for found in tree.iterfind(f"{path}/enum[@name='{name}']/value"))

    return HostAbilities(
        has_uefi=lists("os", "firmware", "efi"),
        has_secure_boot=lists("os/loader", "secure", "yes"),
        has_tpm=lists("devices/tpm", "backendModel", "emulator"),
    )


def platform_for(shape: Shape, platform: GuestPlatform, connection: Connection) -> GuestPlatform:
    """Return what a guest of that shape runs on here; libvirt is asked only where the shape depends on the host.

    Raises:
        NotSupported: The host cannot give a guest that shape.
    """
    machine = shape.get("machine_type", "q35")
    if platform.machines and machine not in platform.machines:
        raise NotSupported(
            f"This host has no machine '{machine}' (hw_machine_type).{nearest(machine, list(platform.machines))}",
            "Use one that every host has, such as q35.",
        )
    if not any(name in shape for name in _DEPENDENT):
        return platform
    abilities = connection.read(
        "read what guests can have", lambda raw: read_abilities(raw, platform.arch, machine, platform.kind)
    )
    check_abilities(shape, abilities)
    return dataclasses.replace(platform, can_secure_boot=abilities.has_secure_boot)


def check_abilities(shape: Shape, abilities: HostAbilities) -> None:
    """Refuse what the host's packages cannot give.

    Raises:
        NotSupported: It lacks a firmware or swtpm.
    """
    if shape.get("firmware_type") == "uefi" and not abilities.has_uefi:
        raise NotSupported(
            "This host has no UEFI firmware for guests (hw_firmware_type).",
            "Install ovmf there (edk2-ovmf), and restart libvirtd.",
        )
    if shape.get("secure_boot") == REQUIRED and not abilities.has_secure_boot:
        raise NotSupported(
            "This host has no UEFI firmware that can secure boot.",
            "Install ovmf there (edk2-ovmf), and restart libvirtd.",
        )
    if "tpm_version" in shape and not abilities.has_tpm:
        raise NotSupported(
            "This host cannot emulate a TPM (hw:tpm_version).",
            "Install swtpm and swtpm-tools there, and restart libvirtd.",
        )
