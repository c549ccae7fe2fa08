# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's Stats: how many instances of which kind a host has, and how busy they keep it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, Optional

from ..objects.instance import Instance
from ..virt.hypervisor import Domain
from .states import BUILDING, DELETED, SHELVED_OFFLOADED, SPAWNING

# What keeps the host's disks busy, besides building. A live migration does not, nor does the upload of an image.
IO_TASKS = (
    "resize_migrating",
    "rebuilding",
    "resize_prep",
    "image_snapshot",
    "image_backup",
    "rescuing",
    "unshelving",
)

_RUNNING = ("running", "paused", "suspended")


def is_resource_free(domain: Domain, instance: Optional[Instance]) -> bool:
    """Return whether an instance takes nothing of its host (Nova's ALLOW_RESOURCE_REMOVAL).

    Nova goes by the record alone. A guest that has memory takes it here, whatever its record says.
    """
    if instance is None or domain.power_state in _RUNNING:
        return False
    is_offloaded = instance.vm_state == SHELVED_OFFLOADED and instance.task_state != SPAWNING
    return instance.vm_state == DELETED or is_offloaded


def count_stats(
    seen: Iterable[tuple[Domain, Optional[Instance]]], claimed: Collection[str], failed_builds: int
) -> dict[str, Any]:
    """Return the counts by Nova's names.

    Those of foreign domains are in ``num_instances`` only. An instance that has a claim is being built, whether it has
    its domain yet or not: its record is written once, as it will be.

    Args:
        seen: The host's domains, each with its record where it is ours.
        claimed: Uuids of the instances that have a claim.
        failed_builds: Since the last build that did not fail; left out where it is 0.
    """
    stats: Counter[str] = Counter(num_instances=0, io_workload=0)
    waiting = set(claimed)
    for domain, instance in seen:
        waiting.discard(domain.uuid)
        if is_resource_free(domain, instance):
            continue
        stats["num_instances"] += 1
        if instance is None:
            continue
        is_building = domain.uuid in claimed
        stats[f"num_vm_{BUILDING if is_building else instance.vm_state}"] += 1
        stats[f"num_task_{SPAWNING if is_building else instance.task_state}"] += 1
        stats[f"num_proj_{instance.spec.project_id}"] += 1
        os_type = instance.spec.image.properties.get("os_type") if instance.spec.image else None
        if os_type:
            stats[f"num_os_type_{os_type}"] += 1
    for key in ("num_instances", f"num_vm_{BUILDING}", f"num_task_{SPAWNING}"):
        if waiting:
            stats[key] += len(waiting)
    stats["io_workload"] = stats[f"num_vm_{BUILDING}"] + sum(stats[f"num_task_{task}"] for task in IO_TASKS)
    if failed_builds:
        stats["failed_builds"] = failed_builds
    return {key: count for key, count in stats.items() if count or key in ("num_instances", "io_workload")}


def count_workload(stats: dict[str, Any]) -> int:
    """Return Nova's current_workload: the instances that something is being done to."""
    return sum(count for key, count in stats.items() if key.startswith("num_task_") and key != "num_task_None")
