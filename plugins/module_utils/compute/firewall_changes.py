# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an instance's firewall has changed, as a plan tells it."""

from __future__ import annotations

from typing import Optional

from ..objects.firewall import Firewall, FirewallRule
from ..objects.plan import FieldChange

GROUPS = "security_groups"


def compare_firewalls(applied: Optional[Firewall], wanted: Optional[Firewall]) -> list[FieldChange]:
    """Return what differs: groups, their rules, their members, and provider rules."""
    if applied == wanted:
        return []
    before, after = applied or Firewall(), wanted or Firewall()
    changes = []
    if (applied is None) != (wanted is None) or before.groups != after.groups:
        changes.append(FieldChange(GROUPS, _groups(applied), _groups(wanted)))
    changes += _compare_rules(f"{GROUPS}.rules", before.rules, after.rules)
    changes += _compare_rules("provider_rules", before.provider_rules, after.provider_rules)
    changes += _compare_members(before.rules, after.rules)
    return changes


def why_it_changes(changes: list[FieldChange]) -> str:
    """Return the changes in a few words: rules may be many."""
    names = {change.field.partition("[")[0]: change for change in changes}
    told = []
    if GROUPS in names:
        change = names[GROUPS]
        told.append(f"{GROUPS} {_show(change.before)} -> {_show(change.after)}")
    elif f"{GROUPS}.rules" in names:
        told.append("rules of its security groups have changed")
    if "provider_rules" in names and GROUPS not in names:
        told.append("the provider rules have changed")
    members = [change.field.partition("[")[2].rstrip("]") for change in changes if change.field.startswith("members[")]
    if members and not told:
        told.append(f"other addresses are of security group {' and '.join(members)}")
    return "; ".join(told)


def _compare_rules(name: str, before: list[FirewallRule], after: list[FirewallRule]) -> list[FieldChange]:
    old, new = ([rule.describe() for rule in rules] for rules in (before, after))
    gone, come = [text for text in old if text not in new], [text for text in new if text not in old]
    return [FieldChange(name, gone or None, come or None)] if gone or come else []


def _compare_members(before: list[FirewallRule], after: list[FirewallRule]) -> list[FieldChange]:
    old, new = _members(before), _members(after)
    return [
        FieldChange(f"members[{group}]", old[group] or None, new[group] or None)
        for group in old
        if group in new and old[group] != new[group]
    ]


def _members(rules: list[FirewallRule]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for rule in rules:
        if rule.remote_group is not None:
            found.setdefault(rule.remote_group, set()).update(rule.remotes)
    return {group: sorted(addresses) for group, addresses in sorted(found.items())}


def _groups(firewall: Optional[Firewall]) -> Optional[list[str]]:
    return None if firewall is None else list(firewall.groups)


def _show(groups: Optional[list[str]]) -> str:
    return "none" if groups is None else ", ".join(groups) or "an empty list"
