# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks security groups beyond what a schema can: names, protocols, ports and networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.firewall import ANY

from .draft import Draft
from .faults import Faults
from .security_groups import (
    DEFAULT_GROUP,
    FAMILY_OF,
    MOST_PORT,
    NAMES,
    WITH_PORTS,
    family_of,
    ports_of,
    protocol_of,
)
from .wording import Path, missing_name, quoted


def check_security_groups(draft: Draft, faults: Faults) -> None:
    """Add a fault for every rule that cannot be meant so, and for every group that is not declared."""
    groups = {*draft.section("security_groups"), DEFAULT_GROUP}
    for path, rule in _rules(draft):
        _check_rule(draft, path, rule, groups, faults)
    for name, body in draft.section("instances").items():
        named = body.get("security_groups")
        for index, group in enumerate(named if isinstance(named, list) else []):
            if isinstance(group, str) and group not in groups:
                step: Path = ("instances", name, "security_groups", index)
                faults.add(draft.place(step), step, missing_name("security group", group, groups))
        if body.get("port_security") is False and "security_groups" in body:
            step = ("instances", name, "security_groups")
            faults.add(draft.place(step), step, "cannot go together with port_security: false.")


def _rules(draft: Draft) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for name, body in draft.section("security_groups").items():
        yield from _items(("security_groups", name, "rules"), body.get("rules"))
    yield from _items(("provider_rules",), draft.content.get("provider_rules"))


def _items(path: Path, rules: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict):
            yield (*path, index), rule


def _check_rule(draft: Draft, path: Path, rule: Mapping[str, Any], groups: Collection[str], faults: Faults) -> None:
    for key, sentence in _complaints(rule, groups):
        step = (*path, key)
        faults.add(draft.place(step), step, sentence)


def _complaints(rule: Mapping[str, Any], groups: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule, each with the key that it is about. Values of a wrong type are passed over."""
    word, ports, cidr, group = (rule.get(key) for key in ("protocol", "ports", "cidr", "remote_group"))
    protocol = ANY if word is None or not _is_word(word) else protocol_of(word)
    if protocol is None:
        hint = nearest(str(word), list(NAMES)) or f" Known: {', '.join(NAMES)}, or a number below 256."
        yield "protocol", f"there is no protocol {quoted(str(word))}.{hint}"
    if _is_word(ports):
        if protocol is not None and protocol not in WITH_PORTS:
            yield "ports", f"go with protocol {', '.join(WITH_PORTS)} only, and this rule is about {protocol}."
        elif ports_of(ports) == (None, None):
            told = f'a port nor a range such as "8000-8100" within 1-{MOST_PORT}'
            yield "ports", f"{quoted(str(ports))} is neither {told}."
    if isinstance(group, str) and group not in groups:
        yield "remote_group", missing_name("security group", group, groups)
    families = {"ethertype": rule.get("ethertype"), "protocol": FAMILY_OF.get(protocol or "")}
    if isinstance(cidr, str):
        wrong = _wrong_network(cidr)
        if wrong is not None:
            yield "cidr", wrong
        else:
            families["cidr"] = family_of(cidr)
    known = {key: family for key, family in families.items() if isinstance(family, str)}
    if len(set(known.values())) > 1:
        told = " and ".join(f"{key} {rule[key]} is {family}" for key, family in known.items())
        yield [*known][-1], f"contradicts another key: {told}."


def _wrong_network(cidr: str) -> str | None:
    try:
        ipaddress.ip_network(cidr)
    except ValueError:
        try:
            meant = ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            return f'{quoted(cidr)} is no network. Write it as "10.0.0.0/8" or "2001:db8::/32".'
        return f"{quoted(cidr)} is an address in a network. Write {meant} for the network, or the address alone."
    return None


def _is_word(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)
