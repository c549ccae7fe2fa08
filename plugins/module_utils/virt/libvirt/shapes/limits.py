# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much a guest may take: cputune, iotune and bandwidth."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection

from ...shape.guest_shape import Shape
from ...shape.limits import CPU_LIMITS, DISK_LIMITS, NIC_DIRECTIONS, NIC_PARTS
from .disks import own_disks
from .tree import have


def apply(domain: ET.Element, shape: Shape, volumes: Collection[str]) -> None:
    """Add what it may take, but for its network interfaces. A volume's limits are the volume's."""
    for limit in CPU_LIMITS:
        if f"quota_cpu_{limit}" in shape:
            ET.SubElement(have(domain, "cputune"), limit).text = str(shape[f"quota_cpu_{limit}"])
    disk = {limit: str(shape[f"quota_disk_{limit}"]) for limit in DISK_LIMITS if f"quota_disk_{limit}" in shape}
    if disk:
        for element in own_disks(domain, volumes):
            iotune = ET.SubElement(element, "iotune")
            for limit, value in disk.items():
                ET.SubElement(iotune, limit).text = value


def limit_interface(interface: ET.Element, shape: Shape) -> None:
    """Add how much may pass through a network interface; one that has limits of its own keeps these."""
    if interface.find("bandwidth") is not None:
        return
    for direction in NIC_DIRECTIONS:
        keys = {part: f"quota_vif_{direction}_{part}" for part in NIC_PARTS}
        given = {part: str(shape[key]) for part, key in keys.items() if key in shape}
        if given:
            ET.SubElement(have(interface, "bandwidth"), direction, given)
