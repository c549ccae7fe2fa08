# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From security groups to firewalls: names of groups become the addresses of their members, over the whole fleet."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.firewall import (
    EGRESS,
    INGRESS,
    IPV4,
    Firewall,
    FirewallRule,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import ObservedInstance

from ..fleet.expansion import names_of
from ..fleet.fleet import DeclaredInstance, Fleet
from ..fleet.security_groups import DEFAULT_GROUP, IMPLICIT_DEFAULT, SecurityGroup, SecurityRule
from .observation import Observation


@dataclass(frozen=True)
class Members:
    """Who is in a group: the addresses that are known, and whether some member's are not."""

    addresses: list[str] = field(default_factory=list)
    is_complete: bool = True


def with_firewalls(fleet: Fleet, wanted: Sequence[WantedInstance], observation: Observation) -> list[WantedInstance]:
    """Give the wanted instances the firewalls that their security groups come down to.

    A fleet without security groups and provider rules, where no instance names a group, has no firewalls.
    """
    if not _has_firewalls(fleet):
        return list(wanted)
    entries = {name: entry for entry in fleet.instances.values() for name in names_of(entry)}
    groups = {DEFAULT_GROUP: IMPLICIT_DEFAULT, **fleet.security_groups}
    seen = {item.instance.uuid: item for report in observation.reports.values() for item in report.instances}
    members = _find_members(wanted, entries, groups, seen)
    provider_rules = [rule for item in fleet.provider_rules for rule in _resolve(item, {}, {})]
    return [
        item
        if (names := _groups_of(entries[item.spec.name])) is None
        else replace(
            item,
            spec=item.spec.but(
                firewall=_firewall(
                    [groups[name] for name in names], provider_rules, members, _applied(seen.get(item.uuid))
                )
            ),
        )
        for item in wanted
    ]


def _has_firewalls(fleet: Fleet) -> bool:
    return bool(
        fleet.security_groups
        or fleet.provider_rules
        or any(entry.security_groups is not None for entry in fleet.instances.values())
    )


def _groups_of(entry: DeclaredInstance) -> tuple[str, ...] | None:
    """Return the groups of an instance of a fleet that has firewalls; None where its packets pass unseen."""
    if not entry.port_security:
        return None
    return (DEFAULT_GROUP,) if entry.security_groups is None else entry.security_groups


def _find_members(
    wanted: Iterable[WantedInstance],
    entries: Mapping[str, DeclaredInstance],
    groups: Mapping[str, SecurityGroup],
    seen: Mapping[str, ObservedInstance],
) -> dict[str, Members]:
    """Return the members of the groups that rules refer to."""
    referred = {rule.remote_group for group in groups.values() for rule in group.rules if rule.remote_group}
    found: dict[str, set[str]] = {name: set() for name in groups}
    incomplete: set[str] = set()
    for item in wanted:
        names = referred.intersection(_groups_of(entries[item.spec.name]) or ())
        addresses = _addresses(item, seen.get(item.uuid)) if names else []
        for name in names & set(groups):
            found[name].update(addresses)
            if not addresses and item.spec.networks:
                incomplete.add(name)
    return {
        name: Members(sorted(addresses, key=lambda item: ipaddress.ip_address(item).packed), name not in incomplete)
        for name, addresses in found.items()
    }


def _addresses(item: WantedInstance, seen: ObservedInstance | None) -> list[str]:
    """Return the addresses of an instance, as they are declared or else as its host has seen them."""
    fixed = [address.address for request in item.spec.networks for address in request.addresses]
    return fixed or [address for address in ([] if seen is None else seen.addresses) if _is_address(address)]


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_link_local
    except ValueError:
        return False


def _firewall(
    groups: Sequence[SecurityGroup],
    provider_rules: list[FirewallRule],
    members: Mapping[str, Members],
    applied: Firewall | None,
) -> Firewall:
    held = {} if applied is None else {rule.describe(): rule.remotes for rule in applied.rules}
    rules: dict[str, FirewallRule] = {}
    for group in groups:
        declared = list(group.rules)
        if all(rule.direction == INGRESS for rule in declared):
            declared.append(SecurityRule(direction=EGRESS))
        for item in declared:
            rules.update({rule.describe(): rule for rule in _resolve(item, members, held)})
    # Whoever writes the same in another order changes nothing.
    return Firewall(sorted(group.name for group in groups), [rules[text] for text in sorted(rules)], provider_rules)


def _resolve(rule: SecurityRule, members: Mapping[str, Members], held: Mapping[str, list[str]]) -> list[FirewallRule]:
    """Return what a rule comes down to, one for each ethertype.

    Args:
        members: By group.
        held: The addresses that the instance's rules have now, by what the rules say of themselves. Where the address
            of a member is not known, as that of one on a host that does not answer, it is not taken away.
    """
    resolved = []
    for ethertype in rule.ethertypes:
        made = FirewallRule(
            rule.direction, ethertype, rule.protocol, rule.port_min, rule.port_max, [], rule.remote_group
        )
        if rule.cidr is not None:
            made = made.but(remotes=[rule.cidr])
        if rule.remote_group is not None:
            group = members[rule.remote_group]
            addresses = [item for item in group.addresses if (":" not in item) == (ethertype == IPV4)]
            if not group.is_complete:
                addresses += [item for item in held.get(made.describe(), []) if item not in addresses]
            if not addresses:
                continue
            made = made.but(remotes=addresses)
        resolved.append(made)
    return resolved


def _applied(seen: ObservedInstance | None) -> Firewall | None:
    return None if seen is None else seen.instance.spec.firewall
