# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host offers to instances, and what of it is taken: without what is reserved on either side."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport


@dataclass(frozen=True)
class Offer:
    """capacity = total × allocation ratio - reserved, and used less reserved."""

    vcpus: int
    vcpus_used: int
    memory_mb: int
    memory_mb_used: int


def read_offer(report: HostReport) -> Offer:
    """Return what the report says of vCPUs and memory (MiB)."""
    node = report.compute_node
    cpus, memory_mb = node.reserved_host_cpus, node.reserved_host_memory_mb
    return Offer(
        vcpus=int(node.vcpus * node.cpu_allocation_ratio) - cpus,
        vcpus_used=node.vcpus_used - cpus,
        memory_mb=int(node.memory_mb * node.ram_allocation_ratio) - memory_mb,
        memory_mb_used=node.memory_mb_used - memory_mb,
    )
