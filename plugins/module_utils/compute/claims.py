# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims: resources set aside on a host before they are used (Nova's Claim and its tests)."""

from __future__ import annotations

from collections.abc import Mapping

from ..objects.compute_node import ComputeNode, Usage
from ..objects.errors import ComputeResourcesUnavailable
from ..objects.instance import InstanceSpec


def usage_of(spec: InstanceSpec) -> Usage:
    """Return what an instance takes: vCPUs, memory, root + ephemeral + swap, whole GiB rounded up."""
    flavor = spec.flavor
    return Usage(flavor.vcpus, flavor.memory_mb, flavor.root_gb + flavor.ephemeral_gb + -(-flavor.swap_mb // 1024))


def check_claim(name: str, asked: Usage, node: ComputeNode, limits: Mapping[str, float]) -> None:
    """Test a claim against the host's limits: total × allocation ratio, the used amounts holding the reserved ones.

    The host applies its own ratios always, and the scheduler's limits (``vcpu``, ``memory_mb``, ``disk_gb``) where they
    are tighter. One instance never exceeds the physical amount, however far the host overcommits (Nova's claim
    tests and Placement's max_unit).

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
        limit = min(total * ratio, limits.get(limit_name, float("inf")))
        free = limit - used
        if wanted > total:
            reasons.append(f"it wants {wanted} {unit}, the host has {total} in all")
        elif wanted > free:
            reasons.append(f"it wants {wanted} {unit}, {max(0, int(free))} are free")
    if reasons:
        raise ComputeResourcesUnavailable(
            f"{name} does not fit on {node.host}: {'; '.join(reasons)}.", host=node.host, reasons=reasons
        )
