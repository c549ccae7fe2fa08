# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances that are not where their fleet now wants them. They stay: moving is not built yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Finding

from ..fleet.fleet import Fleet, ServerGroup
from .observation import Observation
from .unmet_wishes import unmet_wishes

Placed = tuple[WantedInstance, str]


def find_strays(fleet: Fleet, placed: Iterable[Placed], reports: Mapping[str, HostReport]) -> list[Finding]:
    """Return a finding for each rule of the fleet that an instance breaks where it is.

    Args:
        placed: The wanted instances that are on a host, with the host, in the fleet's order.
        reports: What the hosts say of themselves.
    """
    placed = list(placed)
    groups: dict[str, list[Placed]] = {}
    for wanted, host in placed:
        if wanted.spec.server_group is not None:
            groups.setdefault(wanted.spec.server_group, []).append((wanted, host))
    zones = host_zones(fleet)
    findings = [finding for item in placed for finding in _misplaced(item, zones)]
    findings.extend(_stays(item, why) for item, why in unmet_wishes(fleet, placed, reports))
    for name, members in groups.items():
        findings.extend(_crowded(fleet.server_groups[name], members))
    return findings


def host_zones(fleet: Fleet) -> dict[str, str]:
    """Return the availability zone of each host that an aggregate gives one."""
    return {
        host: aggregate.availability_zone
        for aggregate in fleet.aggregates.values()
        if aggregate.availability_zone is not None
        for host in aggregate.hosts
    }


def unknown_hosts(fleet: Fleet, observation: Observation) -> list[str]:
    """Return a sentence for each host that the fleet names and the inventory does not have."""
    hosts = [*observation.reports, *observation.unreachable]
    named = [(f"aggregates.{item.name}.hosts", host) for item in fleet.aggregates.values() for host in item.hosts]
    named.extend((f"instances.{name}.host", item.host) for name, item in fleet.instances.items() if item.host)
    return [
        f"{place}: there is no host '{host}' in the inventory.{nearest(host, hosts)}"
        for place, host in named
        if host not in hosts
    ]


def _misplaced(placed: Placed, zones: Mapping[str, str]) -> Iterator[Finding]:
    wanted, host = placed
    zone = wanted.spec.availability_zone
    if wanted.host is not None and wanted.host != host:
        yield _stays(placed, f"though host: {wanted.host} is declared")
    if zone is not None and zones.get(host) != zone:
        yield _stays(placed, f"which is not in {zone}")


def _crowded(group: ServerGroup, members: list[Placed]) -> Iterator[Finding]:
    counts = Counter(host for _wanted, host in members)
    if group.policy == "affinity":
        home = counts.most_common(1)[0][0]
        for item in members:
            if item[1] != home:
                yield _stays(item, f"while most of group {group.name} (affinity) are on {home}")
        return
    if group.policy != "anti-affinity":
        return
    most = group.max_server_per_host
    present: Counter[str] = Counter()
    for item in members:
        present[item[1]] += 1
        if present[item[1]] > most:
            yield _stays(item, f"which has {counts[item[1]]} members of group {group.name}, of at most {most}")


def _stays(placed: Placed, why: str) -> Finding:
    wanted, host = placed
    return Finding(
        "unsupported", wanted.uuid, wanted.spec.name, f"stays on {host}, {why}: moving is not built yet", host
    )
