# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import InstanceGroup, RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import whole_values
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Mask, NDArray, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class Domains(NamedTuple):
    """The failure domain of each host, as a number; -1 stands for none, and is the last of `names`."""

    number: NDArray[np.intp]
    names: list[str]


class ServerGroupSpreadFilter(BaseHostFilter):
    """At most `max_per_domain` members of a group in a failure domain, such as a rack. Nova: has nothing of the kind.

    A group's `spread_over` names what makes the domain: a label of the hosts, or for a host without it the metadata
    key of that name of its aggregates. A host of which neither tells one domain is refused: it may be in any. The
    rule goes with every policy. The instance itself does not count, so that it may move within its domain.
    """

    def concerns(self, spec: RequestSpec) -> bool:
        return spec.instance_group is not None and spec.instance_group.spread_over is not None

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        group = spec.instance_group
        if group is None or group.spread_over is None:
            return None
        domains = _domains(columns, group.spread_over)
        is_full = _members(columns, group, spec.instance_uuid) >= group.max_per_domain
        mask: Mask = (domains.number >= 0) & ~is_full[domains.number]
        return mask

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        # One host alone does not tell how many members share its domain; `refusal_among` does.
        group = spec.instance_group
        if group is None or group.spread_over is None:
            return None
        found = _found(host_state, group.spread_over)
        if len(found) == 1:
            return None
        if found:
            return Reason(f"has several values of {group.spread_over}, {' and '.join(sorted(found))}")
        return Reason(f"has no label {group.spread_over}")

    def refusal_among(self, columns: HostColumns, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        group = spec.instance_group
        alone = self.refusal(host_state, spec)
        if alone is not None or group is None or group.spread_over is None:
            return alone
        domains = _domains(columns, group.spread_over)
        number = domains.number[columns.row_of[host_state.host]]
        here = int(_members(columns, group, spec.instance_uuid)[number])
        if here < group.max_per_domain:
            return None
        place = f"{group.spread_over} {domains.names[number]}"
        return Reason(
            f"is in {place}, which already has {here} of at most {group.max_per_domain} of group {group.name}",
            remedy=f"spread of group {group.name} allows {here + 1} per {group.spread_over}",
        )


def _members(columns: HostColumns, group: InstanceGroup, but: str) -> NDArray[np.intp]:
    """Return how many members of the group but this one each domain has, by its number."""
    domains = _domains(columns, group.spread_over or "")
    members = np.zeros(len(domains.names), dtype=np.intp)
    for row, here in columns.homes(group.members).items():
        members[domains.number[row]] += here
    if but in group.members:
        for row in columns.homes([but]):
            members[domains.number[row]] -= 1
    return members


def _domains(columns: HostColumns, key: str) -> Domains:
    domains: Domains = columns.derived((ServerGroupSpreadFilter, key), lambda states: _number(states, key))
    return domains


def _number(states: Sequence[HostState], key: str) -> Domains:
    numbers: dict[str, int] = {}
    number = np.full(len(states), -1, dtype=np.intp)
    for row, state in enumerate(states):
        found = _found(state, key)
        if len(found) == 1:
            number[row] = numbers.setdefault(next(iter(found)), len(numbers))
    return Domains(number, [*numbers, ""])


def _found(state: HostState, key: str) -> set[str]:
    return {state.labels[key]} if key in state.labels else whole_values(state.aggregates, key)
