# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is plugged into a domain, by its live definition."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Optional

from ...objects.device import Device

# Where libvirt says what a disk's data are, or what an interface hangs on, by the type of either.
SOURCES = ("file", "dev", "dir", "volume", "name", "network", "bridge", "path")


def read_devices(domain: Any) -> list[Device]:
    """Return the disks, network interfaces and host devices of a domain, in the order in which it has them."""
    tree = ET.fromstring(domain.XMLDesc())  # noqa: S314 - libvirtd is trusted
    return [
        *map(_disk, tree.findall("devices/disk")),
        *map(_nic, tree.findall("devices/interface")),
        *map(_hostdev, tree.findall("devices/hostdev")),
    ]


def _disk(disk: ET.Element) -> Device:
    target = disk.find("target")
    return Device(
        type="disk",
        name=_get(target, "dev"),
        kind=disk.get("device", "disk"),
        bus=_get(target, "bus"),
        address=_address(disk.find("address")),
        source=_source(disk.find("source")),
        serial=disk.findtext("serial"),
        read_only=disk.find("readonly") is not None,
    )


def _nic(nic: ET.Element) -> Device:
    return Device(
        type="nic",
        name=_get(nic.find("target"), "dev"),
        kind=_get(nic.find("model"), "type"),
        bus="pci",
        address=_address(nic.find("address")),
        source=_source(nic.find("source")),
        mac=_get(nic.find("mac"), "address"),
        is_linked=_get(nic.find("link"), "state") != "down",
    )


def _hostdev(hostdev: ET.Element) -> Device:
    kind = hostdev.get("type")
    return Device(type="hostdev", kind=kind, bus=kind, address=_address(hostdev.find("source/address")))


def _get(element: Optional[ET.Element], attribute: str) -> Optional[str]:
    return None if element is None else element.get(attribute)


def _source(source: Optional[ET.Element]) -> Optional[str]:
    if source is None:
        return None
    return next((source.get(name) for name in SOURCES if source.get(name)), None)


def _address(address: Optional[ET.Element]) -> Optional[str]:
    """Return a PCI address as Nova writes it. Others (a drive on a controller) are no use to anybody."""
    if address is None or address.get("type", "pci") != "pci" or address.get("bus") is None:
        return None
    domain, bus, slot, function = (int(address.get(part, "0"), 16) for part in ("domain", "bus", "slot", "function"))
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"
