# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reports as they will be when new instances are placed: without what is deleted first, with what is brought back.

A host deletes before it claims, so the room of what goes is free for what comes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible_collections.novella.compute.plugins.module_utils.compute.claims import charge, usage_of
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Usage, added
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, ObservedInstance

from .hardware import charge_cells, free_hardware


def forecast(
    reports: Mapping[str, HostReport],
    leaving: Collection[str],
    coming: Mapping[str, list[Instance]],
    building: Mapping[str, list[Instance]],
) -> list[HostReport]:
    """Return the reports after the deletes and the creates that need no choice of a host.

    Args:
        reports: As they were observed.
        leaving: Uuids of instances to be deleted.
        coming: By host, instances whose root disk is there and which will be built on it.
        building: By host, instances that another run is building. Their claims count as used already, but server
            groups must know of them.
    """
    return [_foresee(report, leaving, coming.get(host, []), building.get(host, [])) for host, report in reports.items()]


def _foresee(
    report: HostReport, leaving: Collection[str], coming: list[Instance], building: list[Instance]
) -> HostReport:
    gone = [seen for seen in report.instances if seen.instance.uuid in leaving]
    if not gone and not coming and not building:
        return report
    node = report.compute_node
    for seen in gone:
        node = free_hardware(give_back(node, usage_of(seen.instance.spec)), seen.instance)
    for instance in coming:
        node = charge_cells(charge(node, usage_of(instance.spec)), instance.spec)
    stays = [seen for seen in report.instances if seen.instance.uuid not in leaving]
    present = {seen.instance.uuid for seen in stays}
    arrives = [ObservedInstance(item, "nostate") for item in [*coming, *building] if item.uuid not in present]
    counted = node.stats.get("num_instances")
    if isinstance(counted, int):
        # What another run is building is counted already, as a claim.
        more = sum(item.uuid not in present for item in coming) - len(gone)
        node = node.but(stats={**node.stats, "num_instances": counted + more})
    return report.but(compute_node=node, instances=stays + arrives)


def give_back(node: ComputeNode, usage: Usage) -> ComputeNode:
    """Return the node without this usage, and the hypervisor's overhead with it."""
    usage = usage.with_overhead(node.instance_overhead_memory_mb)
    # Used starts at what is reserved, and never falls below it.
    return node.but(
        vcpus_used=max(node.reserved_host_cpus, node.vcpus_used - usage.vcpus),
        memory_mb_used=max(node.reserved_host_memory_mb, node.memory_mb_used - usage.memory_mb),
        local_gb_used=max(-(-node.reserved_host_disk_mb // 1024), node.local_gb_used - usage.disk_gb),
        resources_used=added(node.resources_used, usage.custom, sign=-1),
    )
