# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The libvirt network filter of an instance, built as a tree, and how its interfaces refer to it.

libvirt's own filter ``clean-traffic`` keeps MAC, ARP and IPv4 addresses from being spoofed. Rules about ports and
addresses are libvirt's stateful ones: what is let pass one way may be answered.
"""

from __future__ import annotations

import ipaddress
import uuid as uuids
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from typing import Optional

from ...objects.errors import NotSupported
from ...objects.firewall import ANY, EGRESS, INGRESS, IPV4, Firewall, FirewallRule

PREFIX = "novella-"
ANTI_SPOOFING = "clean-traffic"
_NAMESPACE = uuids.UUID("5d0f2f0e-1d3b-5f2a-8c64-3a8b1f6f2a10")
# libvirt's element of each protocol, over IPv4 and over IPv6. It can match no others.
PROTOCOLS: dict[str, tuple[Optional[str], Optional[str]]] = {
    ANY: ("all", "all-ipv6"),
    "tcp": ("tcp", "tcp-ipv6"),
    "udp": ("udp", "udp-ipv6"),
    "sctp": ("sctp", "sctp-ipv6"),
    "udplite": ("udplite", "udplite-ipv6"),
    "esp": ("esp", "esp-ipv6"),
    "ah": ("ah", "ah-ipv6"),
    "icmp": ("icmp", None),
    "icmpv6": (None, "icmpv6"),
}
# Lower ones come first. What every guest needs stands before all that a fleet says.
NEEDED, PROVIDER, ACCEPTED, REST = "50", "100", "500", "1000"
BEFORE_REST_OF_FRAMES = "-400"
LINK_LOCAL, UNSPECIFIED = ("fe80::", "10"), "::"
# Kinds of ICMPv6 by which neighbours and routers are found: those a guest may be sent, and those it may send.
# An advertisement of a router (134) is not a guest's to send.
NEIGHBOURS_IN, NEIGHBOURS_OUT = (130, 131, 132, 134, 135, 136), (131, 132, 133, 135, 136, 143)
DHCP_PORTS = (("udp", "68", "67"), ("udp-ipv6", "546", "547"))


def filter_name(uuid: str) -> str:
    """Return the name of an instance's filter."""
    return f"{PREFIX}{uuid}"


def filter_uuid(uuid: str) -> str:
    """Return the uuid of an instance's filter: libvirt takes one of that name as changed only where it is the same."""
    return str(uuids.uuid5(_NAMESPACE, uuid))


def build_filter(uuid: str, firewall: Firewall, mark: str) -> ET.Element:
    """Build the filter.

    Args:
        uuid: The instance's.
        mark: Any word. libvirt makes the rules on the host anew only where the filter has changed.

    Raises:
        NotSupported: A rule is about a protocol that libvirt cannot match.
    """
    root = ET.Element("filter", name=filter_name(uuid), chain="root")
    ET.SubElement(root, "uuid").text = filter_uuid(uuid)
    ET.SubElement(root, "filterref", filter=ANTI_SPOOFING)
    _add_ipv6_frames(root)
    _add_needed(root)
    for rule in firewall.provider_rules:
        _add_rule(root, "drop", PROVIDER, rule)
    for rule in firewall.rules:
        _add_rule(root, "accept", ACCEPTED, rule)
    for tag in ("all", "all-ipv6"):
        ET.SubElement(_rule(root, "drop", "inout", REST), tag, comment=f"novella {mark}")
    return root


def mark_of(tree: ET.Element) -> str:
    """Return the mark of a filter that was built here."""
    element = tree.find("rule/all[@comment]")
    return "" if element is None else element.get("comment", "").partition(" ")[2]


def filter_reference(uuid: str, addresses: Iterable[str]) -> ET.Element:
    """Return what an interface says of its filter.

    Args:
        uuid: The instance's.
        addresses: Those that the interface may use. Without one for IPv4, it may use what a DHCP server gives it from
            then on.
    """
    element = ET.Element("filterref", filter=filter_name(uuid))
    known = [ipaddress.ip_address(address) for address in addresses]
    ipv4 = [str(address) for address in known if address.version == 4]
    # The unspecified address is always allowed, and libvirt wants a value.
    ipv6 = [UNSPECIFIED, *(str(address) for address in known if address.version == 6)]
    if not ipv4:
        ET.SubElement(element, "parameter", name="CTRL_IP_LEARNING", value="dhcp")
    for name, values in (("IP", ipv4), ("IPV6", ipv6)):
        for value in values:
            ET.SubElement(element, "parameter", name=name, value=value)
    return element


def is_same_reference(one: Optional[ET.Element], other: Optional[ET.Element]) -> bool:
    """Return whether two references, of which libvirt may have ordered one, say the same."""
    return _told(one) == _told(other)


def _told(reference: Optional[ET.Element]) -> tuple[Optional[str], list[tuple[Optional[str], Optional[str]]]]:
    if reference is None:
        return None, []
    parameters = [(item.get("name"), item.get("value")) for item in reference.findall("parameter")]
    return reference.get("filter"), sorted(item for item in parameters if item[0] != "MAC")


def _add_ipv6_frames(root: ET.Element) -> None:
    """Let IPv6 through where only ARP and IPv4 would be, from addresses that are the guest's."""
    for address, mask in (LINK_LOCAL, ("$IPV6", "128")):
        frame = _rule(root, "accept", "out", BEFORE_REST_OF_FRAMES)
        ET.SubElement(frame, "ipv6", srcipaddr=address, srcipmask=mask)
    ET.SubElement(_rule(root, "accept", "in", BEFORE_REST_OF_FRAMES), "mac", protocolid="ipv6")


def _add_needed(root: ET.Element) -> None:
    """Let a guest ask for addresses and find its neighbours; what servers and routers say is not its to say."""
    for tag, client, server in DHCP_PORTS:
        ET.SubElement(_rule(root, "drop", "out", NEEDED), tag, srcportstart=server)
        question = _rule(root, "accept", "out", NEEDED, stateless=True)
        ET.SubElement(question, tag, srcportstart=client, dstportstart=server)
        answer = _rule(root, "accept", "in", NEEDED, stateless=True)
        ET.SubElement(answer, tag, srcportstart=server, dstportstart=client)
    ET.SubElement(_rule(root, "drop", "out", NEEDED), "icmpv6", type="134")
    for direction, kinds in (("in", NEIGHBOURS_IN), ("out", NEIGHBOURS_OUT)):
        for kind in kinds:
            ET.SubElement(_rule(root, "accept", direction, NEEDED, stateless=True), "icmpv6", type=str(kind))
    # Such as that a packet was too large: without it, connections hang.
    for direction in ("in", "out"):
        for tag in ("icmp", "icmpv6"):
            ET.SubElement(_rule(root, "accept", direction, NEEDED), tag, state="RELATED")


def _add_rule(root: ET.Element, action: str, priority: str, rule: FirewallRule) -> None:
    tag = PROTOCOLS.get(rule.protocol, (None, None))[0 if rule.ethertype == IPV4 else 1]
    if tag is None:
        raise NotSupported(
            f"libvirt's network filters cannot match protocol {rule.protocol} over {rule.ethertype} "
            f"(rule '{rule.describe()}').",
            f"They know {', '.join(sorted(PROTOCOLS))}.",
        )
    direction = "in" if rule.direction == INGRESS else "out"
    for remote in _remotes(rule):
        attributes = dict(remote)
        if rule.port_min is not None:
            attributes["dstportstart"] = str(rule.port_min)
            attributes["dstportend"] = str(rule.port_max)
        ET.SubElement(_rule(root, action, direction, priority), tag, attributes)


def _remotes(rule: FirewallRule) -> Iterator[dict[str, str]]:
    """Yield the attributes that match the other end."""
    side = "dst" if rule.direction == EGRESS else "src"
    for remote in rule.remotes:
        network = ipaddress.ip_network(remote)
        yield {f"{side}ipaddr": str(network.network_address), f"{side}ipmask": str(network.prefixlen)}
    if not rule.remotes and rule.remote_group is None:
        yield {}


def _rule(root: ET.Element, action: str, direction: str, priority: str, stateless: bool = False) -> ET.Element:
    element = ET.SubElement(root, "rule", action=action, direction=direction, priority=priority)
    if stateless:
        element.set("statematch", "false")
    return element
