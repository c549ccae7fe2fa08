# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""libvirt's networks that are Novella's: their XML, and the reservations in it."""

from __future__ import annotations

import ipaddress
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Optional

from ...objects.errors import InvalidInput
from ...objects.network import HostSubnet, Network
from .interface_xml import add_bridge_kind

NAMESPACE = "https://novella.dev/xmlns/network/1"
FORWARD = {"nat": "nat", "routed": "route", "bridge": "bridge"}


@dataclass(frozen=True)
class Reservation:
    """An address that the network's DHCP server keeps for a MAC address. `index` is that of the subnet's element."""

    mac_address: str
    address: str
    name: Optional[str] = None
    index: int = 0

    def as_element(self) -> ET.Element:
        told = {"mac": self.mac_address, "name": self.name, "ip": self.address}
        return ET.Element("host", {key: value for key, value in told.items() if value is not None})


def build_network(network: Network, before: Optional[ET.Element] = None) -> ET.Element:
    """Build the network.

    Args:
        before: What it was; its reservations, the name of its bridge and its identity stay.
    """
    ET.register_namespace("novella-network", NAMESPACE)
    tree = ET.Element("network")
    ET.SubElement(tree, "name").text = network.libvirt_name
    uuid = None if before is None else before.findtext("uuid")
    if uuid is not None:
        ET.SubElement(tree, "uuid").text = uuid
    record = ET.SubElement(ET.SubElement(tree, "metadata"), f"{{{NAMESPACE}}}network")
    record.text = json.dumps(network.as_document(), separators=(",", ":"))
    if network.mode in FORWARD:
        forward = ET.SubElement(tree, "forward", mode=FORWARD[network.mode])
        if network.mode == "nat" and any(":" in subnet.cidr for subnet in network.subnets):
            ET.SubElement(forward, "nat", ipv6="yes")
    if network.mode == "bridge":
        ET.SubElement(tree, "bridge", name=network.bridge or "")
        add_bridge_kind(tree, network.virtualport, network.vlan)
        return tree
    old = None if before is None else before.find("bridge")
    names = {} if old is None or not old.get("name") else {"name": old.get("name", "")}
    ET.SubElement(tree, "bridge", {**names, "stp": "off", "delay": "0"})
    if network.mtu is not None:
        ET.SubElement(tree, "mtu", size=str(network.mtu))
    if network.dns_domain is not None:
        ET.SubElement(tree, "domain", name=network.dns_domain, localOnly="yes")
    servers = list(dict.fromkeys(server for subnet in network.subnets for server in subnet.dns))
    if servers:
        dns = ET.SubElement(tree, "dns")
        for server in servers:
            ET.SubElement(dns, "forwarder", addr=server)
    kept = [] if before is None else read_reservations(before)
    for subnet in network.subnets:
        tree.append(_subnet_element(subnet, kept))
    return tree


def read_network(tree: ET.Element) -> Optional[Network]:
    """Return what Novella has said of a network, or None: then it is not Novella's."""
    text = tree.findtext(f"metadata/{{{NAMESPACE}}}network")
    try:
        return None if text is None else Network.from_document(json.loads(text))
    except (ValueError, InvalidInput):
        return None


def read_reservations(tree: ET.Element) -> list[Reservation]:
    """Return the reservations of a network."""
    return [
        Reservation(host.get("mac", "").lower(), host.get("ip", ""), host.get("name"), index)
        for index, subnet in enumerate(tree.iterfind("ip"))
        for host in subnet.iterfind("dhcp/host")
    ]


def find_subnet(tree: ET.Element, address: str) -> Optional[tuple[int, str]]:
    """Return which subnet of a network has an address, and the host's own address there."""
    for index, subnet in enumerate(tree.iterfind("ip")):
        own = subnet.get("address", "")
        width = subnet.get("prefix") or subnet.get("netmask") or "32"
        if ipaddress.ip_address(address) in ipaddress.ip_network(f"{own}/{width}", strict=False):
            return index, own
    return None


def _subnet_element(subnet: HostSubnet, kept: list[Reservation]) -> ET.Element:
    cidr = ipaddress.ip_network(subnet.cidr)
    element = ET.Element("ip", address=subnet.host_address, prefix=str(cidr.prefixlen), family=f"ipv{cidr.version}")
    if subnet.dhcp:
        # No range: who has no reservation is given nothing.
        dhcp = ET.SubElement(element, "dhcp")
        dhcp.extend(item.as_element() for item in kept if ipaddress.ip_address(item.address) in cidr)
    return element
