# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims: resources set aside on a host before they are used (Nova's Claim and its tests)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Optional

from ..objects.compute_node import ComputeNode, Service, Usage, added
from ..objects.errors import ComputeResourcesUnavailable, InvalidInput
from ..objects.instance import InstanceSpec
from .resource_fit import lacks
from .resource_request import ResourceRequest, requested_resources
from .volume_sizes import own_flavor

_MIB = 1 << 20


def usage_of(spec: InstanceSpec) -> Usage:
    """Return what an instance takes of each resource class.

    Raises:
        InvalidInput: The extra specs of its flavor make no sense.
    """
    request = requested_resources(own_flavor(spec), spec.image)
    return Usage(request.vcpus, request.memory_mb, request.disk_gb, dict(request.custom))


def charge(node: ComputeNode, usage: Usage) -> ComputeNode:
    """Return the node with this usage counted, and the hypervisor's overhead with it."""
    usage = usage.with_overhead(node.instance_overhead_memory_mb)
    return node.but(
        vcpus_used=node.vcpus_used + usage.vcpus,
        memory_mb_used=node.memory_mb_used + usage.memory_mb,
        local_gb_used=node.local_gb_used + usage.disk_gb,
        resources_used=added(node.resources_used, usage.custom),
    )


def limit_of(node: ComputeNode, ratio_name: str, total: int, given: Optional[float]) -> float:
    """Return how much of a resource may be used in all.

    The host's own limit is total × allocation ratio. The scheduler's replaces it, which is how an aggregate's ratio
    reaches the host; but a ratio that the operator has fixed for the host is never exceeded. Nova takes no limit for
    "unlimited"; here the host's own holds then.

    Args:
        given: The scheduler's limit, or None.

    Raises:
        InvalidInput: That is no number.
    """
    own: float = total * getattr(node, ratio_name)
    if given is None:
        return own
    if not isinstance(given, (int, float)) or math.isnan(given):
        raise InvalidInput(f"A limit of the plan must be a number, not {given!r:.60}.", "Make the plan anew.")
    return min(own, given) if ratio_name in node.fixed_allocation_ratios else given


def check_service(name: str, host: str, service: Service) -> None:
    """Test that the host takes instances at all.

    Raises:
        ComputeResourcesUnavailable: It is disabled.
    """
    if service.refusal is not None:
        raise ComputeResourcesUnavailable(f"{name} does not fit on {host}: it {service.refusal}.")


def check_claim(name: str, asked: ResourceRequest, node: ComputeNode, limits: Mapping[str, float]) -> None:
    """Test a claim against the host's limits; the used amounts hold the reserved ones (Nova's claim tests).

    One instance never exceeds the physical amount, however far the host overcommits (Placement's max_unit). What the
    operator declares as inventories is tested by Placement's arithmetic.

    Args:
        limits: The scheduler's: ``vcpu``, ``memory_mb``, ``disk_gb``.

    Raises:
        ComputeResourcesUnavailable: It does not fit; every reason is named.
        InvalidInput: A limit is no number.
    """
    memory_mb = asked.memory_with(node.instance_overhead_memory_mb)
    tests = (
        ("vCPUs", "vcpu", asked.vcpus, node.vcpus_used, node.vcpus, "cpu_allocation_ratio"),
        ("MB of memory", "memory_mb", memory_mb, node.memory_mb_used, node.memory_mb, "ram_allocation_ratio"),
        ("GB of disk", "disk_gb", asked.disk_gb, node.local_gb_used, node.local_gb, "disk_allocation_ratio"),
    )
    reasons = []
    for unit, limit_name, wanted, used, total, ratio_name in tests:
        if not wanted:
            continue
        free = limit_of(node, ratio_name, total, limits.get(limit_name)) - used
        if wanted > total:
            reasons.append(f"it wants {wanted} {unit}, the host has {total} in all")
        elif wanted > free:
            reasons.append(f"it wants {wanted} {unit}, {max(0, int(free))} are free")
    reasons.extend(f"the host {lack}" for lack in lacks(asked, node.inventories, node.resources_used))
    if reasons:
        raise _unavailable(name, node, reasons)


def check_free_disk(
    name: str, disk_gb: int, node: ComputeNode, free_bytes: int, unwritten_gb: int, minimum_mb: int
) -> None:
    """Test that the pool keeps its hard reserve. Disks are thin, and other files lie there: it may be fuller than what
    has been given out says.

    Args:
        disk_gb: What the instance may write.
        free_bytes: What is free in the pool now.
        unwritten_gb: What other claims may still write.
        minimum_mb: What is to stay free (``minimum_free_disk_mb``).

    Raises:
        ComputeResourcesUnavailable: Less would stay free.
    """
    left_mb = free_bytes // _MIB - 1024 * (unwritten_gb + disk_gb)
    if left_mb >= minimum_mb:
        return
    others = f", {unwritten_gb} GB of it for others that are being built" if unwritten_gb else ""
    reason = (
        f"it may write {disk_gb} GB, the pool has {free_bytes // _MIB} MB free{others}, and {minimum_mb} MB are to "
        "stay free (minimum_free_disk_mb)"
    )
    raise _unavailable(name, node, [reason])


def _unavailable(name: str, node: ComputeNode, reasons: list[str]) -> ComputeResourcesUnavailable:
    return ComputeResourcesUnavailable(
        f"{name} does not fit on {node.host}: {'; '.join(reasons)}.", host=node.host, reasons=reasons
    )
