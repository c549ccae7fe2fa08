# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A NIC in a domain's XML. It is known by its MAC address."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Optional

from ...objects.ingredients import NetworkRequest
from ...objects.network import Bandwidth


def interface_element(request: NetworkRequest) -> ET.Element:
    """Return the interface."""
    element = ET.Element("interface", type="network" if request.bridge is None else "bridge")
    ET.SubElement(element, "mac", address=request.mac_address)
    if request.bridge is None:
        ET.SubElement(element, "source", network=request.libvirt_network or "")
    else:
        ET.SubElement(element, "source", bridge=request.bridge)
    add_bridge_kind(element, request.virtualport, request.vlan)
    if request.bandwidth is not None:
        element.append(bandwidth_element(request.bandwidth))
    ET.SubElement(element, "model", type=request.model)
    if request.mtu is not None:
        ET.SubElement(element, "mtu", size=str(request.mtu))
    return element


def add_bridge_kind(parent: ET.Element, virtualport: Optional[str], vlan: Optional[int]) -> None:
    """Say what kind of bridge it is, and the VLAN there."""
    if virtualport is not None:
        ET.SubElement(parent, "virtualport", type=virtualport)
    if vlan is not None:
        ET.SubElement(ET.SubElement(parent, "vlan"), "tag", id=str(vlan))


def bandwidth_element(limits: Bandwidth) -> ET.Element:
    """Return the limits. libvirt counts in KiB, too."""
    element = ET.Element("bandwidth")
    for direction in ("inbound", "outbound"):
        values = {
            "average": getattr(limits, f"{direction}_kibps"),
            "peak": getattr(limits, f"{direction}_peak_kibps"),
            "burst": getattr(limits, f"{direction}_burst_kib"),
        }
        told = {name: str(value) for name, value in values.items() if value is not None}
        if told:
            ET.SubElement(element, direction, told)
    return element


def find_interface(domain: ET.Element, mac_address: str) -> Optional[ET.Element]:
    """Return the interface with a MAC address, or None."""
    for interface in domain.iterfind("devices/interface"):
        mac = interface.find("mac")
        if mac is not None and mac.get("address", "").lower() == mac_address:
            return interface
    return None


def mac_addresses(domain: ET.Element) -> list[str]:
    """Return the MAC addresses of a domain's interfaces."""
    return [mac.get("address", "").lower() for mac in domain.iterfind("devices/interface/mac")]
