# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewalls: which packets may reach a guest and leave it, as its security groups say, resolved to addresses."""

from dataclasses import dataclass, field
from typing import Optional

from .base import Record

INGRESS, EGRESS = "ingress", "egress"
IPV4, IPV6 = "IPv4", "IPv6"
ANY = "any"


@dataclass(frozen=True)
class FirewallRule(Record):
    """What some packets have in common. `remotes` are the other end's networks (CIDRs); none stand for any address.

    Ports are the ones that are called: the guest's for ingress, the other end's for egress. `remote_group` is the
    group whose members the remotes are.
    """

    direction: str
    ethertype: str = IPV4
    protocol: str = ANY
    port_min: Optional[int] = None
    port_max: Optional[int] = None
    remotes: list[str] = field(default_factory=list)
    remote_group: Optional[str] = None

    def describe(self) -> str:
        """Return it in words, but for the members of its group: ``ingress tcp 80 IPv4 from 10.0.0.0/8``."""
        words = [self.direction, self.protocol]
        if self.port_min is not None:
            words.append(str(self.port_min) if self.port_min == self.port_max else f"{self.port_min}-{self.port_max}")
        words.append(self.ethertype)
        remotes = ", ".join(self.remotes)
        if self.remote_group is not None:
            remotes = f"group {self.remote_group}"
        if remotes:
            words.append(f"{'from' if self.direction == INGRESS else 'to'} {remotes}")
        return " ".join(words)


@dataclass(frozen=True)
class Firewall(Record):
    """What a guest's packets go by. What the `provider_rules` describe is stopped; of the rest, `rules` let pass.

    Anything else is stopped, but for answers to what was let pass. `groups` are the security groups that it is of.
    """

    groups: list[str] = field(default_factory=list)
    rules: list[FirewallRule] = field(default_factory=list)
    provider_rules: list[FirewallRule] = field(default_factory=list)
