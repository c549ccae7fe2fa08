# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's machine, its firmware, its clocks and its TPM."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ...shape.devices import is_pc
from ...shape.firmware import DISABLED, OPTIONAL, REQUIRED
from ...shape.guest_shape import Shape
from .tree import drop, have, yes_no

# What Windows knows of Hyper-V (Nova's list).
HYPERV = ("relaxed", "vapic", "vpindex", "runtime", "synic", "reset", "frequencies", "tlbflush", "ipi")
SPINLOCKS = 8191


def apply(domain: ET.Element, shape: Shape, can_secure_boot: bool) -> None:
    """Have the machine be as it is wanted.

    Args:
        can_secure_boot: The host's firmware can, so what is optional is given.
    """
    os, devices = have(domain, "os"), have(domain, "devices")
    if "machine_type" in shape:
        have(os, "type").set("machine", shape["machine_type"])
    if is_pc(shape):
        drop(devices, "controller[@type='pci']")
        ET.SubElement(devices, "controller", type="pci", index="0", model="pci-root")
    if shape.get("boot_menu"):
        ET.SubElement(os, "bootmenu", enable="yes")
    if shape.get("firmware_type") == "uefi":
        _add_uefi(domain, os, shape, can_secure_boot)
    if "tpm_version" in shape:
        tpm = ET.SubElement(devices, "tpm", model=shape.get("tpm_model", "tpm-tis"))
        ET.SubElement(tpm, "backend", type="emulator", version=shape["tpm_version"])
    clock = have(domain, "clock")
    if "time_hpet" in shape:
        ET.SubElement(clock, "timer", name="hpet", present=yes_no(shape["time_hpet"]))
    if shape.get("os_type") == "windows":
        clock.set("offset", "localtime")
        if domain.get("type") == "kvm":
            _add_hyperv(domain, clock)


def _add_uefi(domain: ET.Element, os: ET.Element, shape: Shape, can_secure_boot: bool) -> None:
    """Have libvirt choose the firmware.

    The variables lie in a file of the domain's name, which stays, however often the domain is defined anew.
    """
    os.set("firmware", "efi")
    wish = shape.get("secure_boot")
    loader = {}
    if shape.get("firmware_stateless"):
        loader["stateless"] = "yes"
    if wish == REQUIRED or (wish == OPTIONAL and can_secure_boot and not is_pc(shape)):
        features = ET.SubElement(os, "firmware")
        for name in ("secure-boot", "enrolled-keys"):
            ET.SubElement(features, "feature", enabled="yes", name=name)
        loader["secure"] = "yes"
        ET.SubElement(have(domain, "features"), "smm", state="on")
    elif wish == DISABLED:
        ET.SubElement(ET.SubElement(os, "firmware"), "feature", enabled="no", name="secure-boot")
    if loader:
        ET.SubElement(os, "loader", loader)


def _add_hyperv(domain: ET.Element, clock: ET.Element) -> None:
    hyperv = ET.SubElement(have(domain, "features"), "hyperv")
    for name in HYPERV:
        ET.SubElement(hyperv, name, state="on")
    ET.SubElement(hyperv, "spinlocks", state="on", retries=str(SPINLOCKS))
    ET.SubElement(clock, "timer", name="hypervclock", present="yes")
