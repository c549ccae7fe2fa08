# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances that would be placed elsewhere now: their host does not, or does no longer, meet what they ask of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport

from ..fleet.fleet import Fleet
from ..scheduler.aggregate import Aggregate
from ..scheduler.host_facts import CHANGING
from ..scheduler.host_state import HostState
from ..scheduler.predicate import AllOf, Predicate, keys_of
from ..scheduler.predicate_reader import read_where

Placed = tuple[WantedInstance, str]


def unmet_wishes(
    fleet: Fleet, placed: Sequence[Placed], reports: Mapping[str, HostReport]
) -> Iterator[tuple[Placed, str]]:
    """Yield each placed instance whose predicates or hints its host does not meet, with the reason.

    Args:
        placed: The wanted instances that are on a host, with the host.
        reports: What the hosts say of themselves.
    """
    homes = {wanted.uuid: (wanted.spec.name, host) for wanted, host in placed}
    states: dict[str, HostState] = {}
    for item in placed:
        wanted, host = item
        if wanted.where and host in reports:
            if host not in states:
                states[host] = _state(fleet, reports[host])
            # What changes by itself, such as free memory, says nothing of an instance that has its share of it.
            lasting = AllOf(tuple(part for part in read_where(wanted.where).parts if _is_lasting(part)))
            if not lasting.holds(states[host]):
                yield item, f"which {lasting.complaint(states[host])}"
        yield from ((item, why) for why in _unmet_hints(wanted, host, homes))


def _is_lasting(predicate: Predicate) -> bool:
    return not any(key.name in CHANGING or key.root in ("stats", "metrics") for key in keys_of(predicate))


def _unmet_hints(wanted: WantedInstance, host: str, homes: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    hints = wanted.scheduler_hints
    near = [homes[uuid] for uuid in hints.get("same_host", ()) if uuid in homes]
    if near and all(home != host for _name, home in near):
        yield f"though {near[0][0]} (same_host) is on {near[0][1]}"
    for uuid in hints.get("different_host", ()):
        if uuid != wanted.uuid and uuid in homes and homes[uuid][1] == host:
            yield f"where {homes[uuid][0]} (different_host) is too"
            return


def _state(fleet: Fleet, report: HostReport) -> HostState:
    state = HostState(report.host, report.compute_node.hypervisor_hostname)
    state.update_from_compute_node(report.compute_node)
    state.aggregates = [
        Aggregate(item.name, list(item.hosts), item.availability_zone, dict(item.metadata))
        for item in fleet.aggregates.values()
        if report.host in item.hosts
    ]
    return state
