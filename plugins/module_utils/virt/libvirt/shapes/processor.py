# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's processor and memory."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ...shape.guest_shape import Shape
from ...shape.processor import LEVELS, choose_topology
from .tree import have, on_off


def apply(domain: ET.Element, shape: Shape, vcpus: int) -> None:
    """Add what is wanted of them."""
    cpu, features = have(domain, "cpu"), have(domain, "features")
    topology = choose_topology(vcpus, shape)
    if topology is not None:
        ET.SubElement(cpu, "topology", {level: str(part) for level, part in zip(LEVELS, topology)})
    if "maxphysaddr_mode" in shape:
        width = ET.SubElement(cpu, "maxphysaddr", mode=shape["maxphysaddr_mode"])
        if "maxphysaddr_bits" in shape:
            width.set("bits", str(shape["maxphysaddr_bits"]))
    if "pmu" in shape:
        ET.SubElement(features, "pmu", state=on_off(shape["pmu"]))
    if shape.get("hide_hypervisor_id"):
        ET.SubElement(have(features, "kvm"), "hidden", state="on")
    if shape.get("locked_memory"):
        ET.SubElement(have(domain, "memoryBacking"), "locked")
