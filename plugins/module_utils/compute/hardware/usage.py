# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What instances use of a host's cells (Nova's numa_usage_from_instance_numa)."""

from __future__ import annotations

from typing import Optional

from ...objects.cpu_spec import format_cpu_spec, parse_cpu_spec
from ...objects.numa import InstanceNUMACell, InstanceNUMATopology, NUMACell, NUMATopology


def with_usage(
    host: Optional[NUMATopology], instance: Optional[InstanceNUMATopology], sign: int = 1
) -> Optional[NUMATopology]:
    """Return the host's cells with a fitted instance added, or taken away again with a `sign` of -1.

    Nova: it refuses to pin a CPU twice here. A claim has seen to that before; what an audit finds twice, it counts
    once. And Nova breaks off on a host whose cells tell of no page sizes. Here there are no pages to count then.
    """
    if host is None or instance is None:
        return host
    cells = host.cells
    for cell in instance.cells:
        cells = tuple(_charge(host_cell, cell, sign) if host_cell.id == cell.id else host_cell for host_cell in cells)
    return NUMATopology(cells)


def pinned_cpus(host_cell: NUMACell, cell: InstanceNUMACell) -> frozenset[int]:
    """Return the host CPUs that a fitted cell takes for itself; with `isolate` the idle threads as well."""
    taken = frozenset(pair[1] for pair in cell.cpu_pinning) | parse_cpu_spec(cell.cpuset_reserved)
    if cell.cpu_thread_policy != "isolate":
        return taken
    return frozenset(cpu for core in host_cell.cores if core & taken for cpu in core)


def _charge(host_cell: NUMACell, cell: InstanceNUMACell, sign: int) -> NUMACell:
    pinned = parse_cpu_spec(host_cell.pinned_cpus)
    if cell.is_pinned:
        taken = pinned_cpus(host_cell, cell)
        pinned = pinned | taken if sign > 0 else pinned - taken
    size_kb = cell.pagesize or min((pages.size_kb for pages in host_cell.mempages), default=0)
    mempages = tuple(
        pages.but(used=max(0, pages.used + sign * (cell.memory * 1024 // size_kb)))
        if pages.size_kb == size_kb
        else pages
        for pages in host_cell.mempages
    )
    return host_cell.but(
        cpu_usage=max(0, host_cell.cpu_usage + sign * len(cell.shared_vcpus)),
        memory_usage=max(0, host_cell.memory_usage + sign * cell.memory),
        pinned_cpus=format_cpu_spec(pinned),
        mempages=mempages,
    )
