# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims: resources set aside on a host before they are used (Nova's Claim and its tests)."""

from __future__ import annotations

from collections.abc import Mapping

from ..objects.compute_node import ComputeNode, Usage, added
from ..objects.errors import ComputeResourcesUnavailable
from ..objects.instance import InstanceSpec
from .resource_fit import lacks
from .resource_request import ResourceRequest, requested_resources


def usage_of(spec: InstanceSpec) -> Usage:
    """Return what an instance takes of each resource class.

    Raises:
        InvalidInput: The extra specs of its flavor make no sense.
    """
    request = requested_resources(spec.flavor, spec.image)
    return Usage(request.vcpus, request.memory_mb, request.disk_gb, dict(request.custom))


def charge(node: ComputeNode, usage: Usage) -> ComputeNode:
    """Return the node with this usage counted."""
    return node.but(
        vcpus_used=node.vcpus_used + usage.vcpus,
        memory_mb_used=node.memory_mb_used + usage.memory_mb,
        local_gb_used=node.local_gb_used + usage.disk_gb,
        resources_used=added(node.resources_used, usage.custom),
    )


def check_claim(name: str, asked: ResourceRequest, node: ComputeNode, limits: Mapping[str, float]) -> None:
    """Test a claim against the host's limits: total × allocation ratio, the used amounts holding the reserved ones.

    The host applies its own ratios always, and the scheduler's limits (``vcpu``, ``memory_mb``, ``disk_gb``) where they
    are tighter. One instance never exceeds the physical amount, however far the host overcommits (Nova's claim
    tests and Placement's max_unit). What the operator declares as inventories is tested by Placement's arithmetic.

    Raises:
        ComputeResourcesUnavailable: It does not fit; every reason is named.
    """
    tests = (
        ("vCPUs", "vcpu", asked.vcpus, node.vcpus_used, node.vcpus, node.cpu_allocation_ratio),
        ("MB of memory", "memory_mb", asked.memory_mb, node.memory_mb_used, node.memory_mb, node.ram_allocation_ratio),
        ("GB of disk", "disk_gb", asked.disk_gb, node.local_gb_used, node.local_gb, node.disk_allocation_ratio),
    )
    reasons = []
    for unit, limit_name, wanted, used, total, ratio in tests:
        if not wanted:
            continue
        limit = min(total * ratio, limits.get(limit_name, float("inf")))
        free = limit - used
        if wanted > total:
            reasons.append(f"it wants {wanted} {unit}, the host has {total} in all")
        elif wanted > free:
            reasons.append(f"it wants {wanted} {unit}, {max(0, int(free))} are free")
    reasons.extend(f"the host {lack}" for lack in lacks(asked, node.inventories, node.resources_used))
    if reasons:
        raise ComputeResourcesUnavailable(
            f"{name} does not fit on {node.host}: {'; '.join(reasons)}.", host=node.host, reasons=reasons
        )
