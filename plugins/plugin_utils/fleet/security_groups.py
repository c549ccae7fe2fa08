# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security groups as a fleet declares them, and what a rule's words mean."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.firewall import ANY, INGRESS, IPV4, IPV6

# Whoever names no group is in this one, as in Nova. It is there without being declared.
DEFAULT_GROUP = "default"
NUMBERS = {1: "icmp", 6: "tcp", 17: "udp", 50: "esp", 51: "ah", 58: "icmpv6", 132: "sctp", 136: "udplite"}
NAMES = (ANY, *NUMBERS.values())
WITH_PORTS = ("tcp", "udp", "sctp")
# Those that exist over one of the two only.
FAMILY_OF = {"icmp": IPV4, "icmpv6": IPV6}
MOST_PORT = 65535


@dataclass(frozen=True)
class SecurityRule:
    """What some packets have in common. None of `cidr` and `remote_group` is set for any address, else one of them."""

    direction: str = INGRESS
    protocol: str = ANY
    port_min: int | None = None
    port_max: int | None = None
    cidr: str | None = None
    remote_group: str | None = None
    ethertype: str | None = None

    @property
    def ethertypes(self) -> tuple[str, ...]:
        """The one or two that it is about."""
        of_network = None if self.cidr is None else family_of(self.cidr)
        found = self.ethertype or of_network or FAMILY_OF.get(self.protocol)
        return (IPV4, IPV6) if found is None else (found,)


@dataclass(frozen=True)
class SecurityGroup:
    """Rules that let packets pass."""

    name: str
    rules: tuple[SecurityRule, ...] = ()
    description: str = ""


# As Nova's: members may reach each other, and anybody.
IMPLICIT_DEFAULT = SecurityGroup(DEFAULT_GROUP, (SecurityRule(remote_group=DEFAULT_GROUP),))


def read_group(name: str, body: Mapping[str, Any]) -> SecurityGroup:
    """Return the group that a body declares."""
    return SecurityGroup(name, tuple(map(read_rule, body["rules"])), body.get("description", ""))


def read_rule(body: Mapping[str, Any]) -> SecurityRule:
    """Return the rule that a body declares. The body has passed every check."""
    keys = dict(body)
    protocol, ports = protocol_of(keys.pop("protocol", ANY)) or ANY, ports_of(keys.pop("ports", None))
    return SecurityRule(protocol=protocol, port_min=ports[0], port_max=ports[1], **keys)


def protocol_of(word: str | int | float) -> str | None:
    """Return a protocol's name, or its number as text where it has none here; None where it is no protocol."""
    text = str(int(word)) if isinstance(word, (int, float)) else word
    if re.fullmatch(r"[0-9]{1,3}", text):
        return NUMBERS.get(int(text), str(int(text))) if int(text) < 256 else None
    return text if text in NAMES else None


def ports_of(word: str | float | None) -> tuple[int | None, int | None]:
    """Return the first and the last port; two times None for all of them, or where it is no range of ports."""
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", str(int(word)) if isinstance(word, float) else str(word))
    if match is None:
        return None, None
    first, last = int(match[1]), int(match[2] or match[1])
    return (first, last) if 1 <= first <= last <= MOST_PORT else (None, None)


def family_of(cidr: str) -> str:
    """Return the ethertype of a network."""
    return IPV4 if ipaddress.ip_network(cidr).version == 4 else IPV6
