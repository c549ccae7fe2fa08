# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fits the cells of an instance onto those of a host (Nova's numa_fit_instance_to_host)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from ...objects.cpu_spec import format_cpu_spec
from ...objects.numa import InstanceNUMACell, InstanceNUMATopology, NUMACell, NUMATopology, NUMATopologyLimits
from ...objects.pci import PciRequest
from .pci_pools import allot
from .pinning import pin_cell
from .wishes import ANY, LARGE, SMALL


@dataclass(frozen=True)
class Misfit:
    """Why it does not fit: read behind the host's name. `margin` is what lacks, as a share of what is asked for."""

    text: str
    margin: float = math.inf


def fit(
    host: Optional[NUMATopology],
    asked: InstanceNUMATopology,
    limits: NUMATopologyLimits,
    requests: Sequence[PciRequest] = (),
    pools: Sequence[dict[str, Any]] = (),
) -> Union[InstanceNUMATopology, Misfit]:
    """Return the instance's cells on host cells, pinned, or why they do not fit.

    Host cells are tried in Nova's order: with more of them than asked for, those with the most PCI devices first, or
    the fewest where none is asked for; then those with the most free CPUs, then with the most free memory; the fullest
    first with `limits.packing`. The first arrangement in which all cells fit is taken.

    Nova: it remembers which pairs of cells fit under a number that changes on the way, and a page size that one cell
    has chosen binds the next try. With several cells it so refuses some instances that fit, and takes some that do not.
    Here every pair of cells is tried for itself.

    Args:
        limits: How far shared vCPUs overcommit a cell, and which cells come first.
        requests: PCI devices that must be as near as their policy says.
        pools: The host's free devices.
    """
    if host is None:
        return Misfit("has no NUMA cells, which the instance asks for")
    wanted, here = len(asked.cells), len(host.cells)
    if here < wanted:
        return Misfit(f"has {here} NUMA cell{'s' * (here != 1)}, of {wanted} asked for", (wanted - here) / wanted)
    host_cells = _in_order(host.cells, asked, limits.packing, requests, pools)
    isolated = asked.emulator_threads_policy == "isolate"
    tries = [
        [fit_cell(host_cell, cell, limits, int(isolated and number == 0)) for host_cell in host_cells]
        for number, cell in enumerate(asked.cells)
    ]
    for cells in _arrangements(tries, ()):
        if not requests or allot(pools, requests, cells, host) is not None:
            return InstanceNUMATopology(cells, asked.emulator_threads_policy)
    return _best_misfit(tries)


def fit_cell(
    host_cell: NUMACell, cell: InstanceNUMACell, limits: NUMATopologyLimits, reserved: int = 0
) -> Union[InstanceNUMACell, Misfit]:
    """Return a cell of an instance on a host cell, pinned, or why it does not fit (Nova's _numa_fit_instance_cell).

    Pinned cells and named page sizes never overcommit memory. No cell overcommits against itself.
    """
    placed = _fit_memory(host_cell, cell)
    if isinstance(placed, Misfit):
        return placed
    where = f"in NUMA cell {host_cell.id}"
    if cell.is_pinned:
        wanted, free = len(cell.dedicated_vcpus) + reserved, len(host_cell.free_dedicated_cpus)
        if wanted > free:
            return Misfit(f"has {free} of {wanted} dedicated CPUs free {where}", (wanted - free) / wanted)
    if cell.cpu_policy != "dedicated":
        wanted, there = len(cell.shared_vcpus), len(host_cell.shared_cpus)
        if wanted > there:
            return Misfit(f"has {there} of {wanted} shared CPUs {where}", (wanted - there) / wanted)
    if cell.is_pinned:
        pinning = pin_cell(host_cell, cell, reserved)
        if pinning is None:
            policy = f"hw:cpu_thread_policy={cell.cpu_thread_policy}" if cell.cpu_thread_policy else "its CPU threads"
            return Misfit(f"cannot give {len(cell.dedicated_vcpus)} dedicated CPUs with {policy} {where}")
        placed = placed.but(cpu_pinning=pinning.pairs, cpuset_reserved=format_cpu_spec(pinning.reserved))
    if cell.cpu_policy != "dedicated":
        overcommitted = _overcommitted(host_cell, cell, limits)
        if overcommitted is not None:
            return overcommitted
    return placed.but(id=host_cell.id)


def _fit_memory(host_cell: NUMACell, cell: InstanceNUMACell) -> Union[InstanceNUMACell, Misfit]:
    """Return the cell with its page size chosen, where one was asked for."""
    where = f"in NUMA cell {host_cell.id}"
    if cell.pagesize is not None:
        for size in _page_sizes(host_cell, cell.pagesize):
            if _pages_hold(host_cell, size, cell.memory, free_only=True):
                return cell.but(pagesize=size)
        size_name = {SMALL: "small", LARGE: "large", ANY: "any"}.get(cell.pagesize, f"{cell.pagesize} KiB")
        return Misfit(f"lacks {cell.memory} MB of free memory {where} in pages of size {size_name}")
    free, total = host_cell.free_memory, host_cell.memory
    if host_cell.mempages:
        smallest = min(page.size_kb for page in host_cell.mempages)
        if _pages_hold(host_cell, smallest, cell.memory, free_only=cell.is_pinned):
            return cell
        pages = next(page for page in host_cell.mempages if page.size_kb == smallest)
        free, total = pages.free * smallest // 1024, pages.total * smallest // 1024
    elif cell.memory <= (free if cell.is_pinned else total):
        return cell
    there, kind = (free, "free ") if cell.is_pinned else (total, "")
    return Misfit(
        f"has {there} of {cell.memory} MB of {kind}memory {where}", max(0, cell.memory - there) / max(1, cell.memory)
    )


def _page_sizes(host_cell: NUMACell, asked: int) -> list[int]:
    """Return the sizes that will do, largest first."""
    sizes = sorted((page.size_kb for page in host_cell.mempages), reverse=True)
    return {SMALL: sizes[-1:], LARGE: sizes[:-1], ANY: sizes}.get(asked, [asked])


def _pages_hold(host_cell: NUMACell, size_kb: int, memory_mb: int, free_only: bool) -> bool:
    for pages in host_cell.mempages:
        if pages.size_kb == size_kb:
            there = (pages.free if free_only else pages.total) * size_kb
            return memory_mb * 1024 <= there and memory_mb * 1024 % size_kb == 0
    return False


def _overcommitted(host_cell: NUMACell, cell: InstanceNUMACell, limits: NUMATopologyLimits) -> Optional[Misfit]:
    where = f"in NUMA cell {host_cell.id}"
    vcpus, cpu_limit = len(cell.shared_vcpus), _times(len(host_cell.shared_cpus), limits.cpu_allocation_ratio)
    if host_cell.cpu_usage + vcpus > cpu_limit:
        lacking = host_cell.cpu_usage + vcpus - cpu_limit
        return Misfit(f"lacks {math.ceil(lacking)} shared vCPUs {where}", lacking / max(1, vcpus))
    memory_limit = _times(host_cell.memory, limits.ram_allocation_ratio)
    if host_cell.memory_usage + cell.memory > memory_limit:
        lacking = host_cell.memory_usage + cell.memory - memory_limit
        return Misfit(f"lacks {math.ceil(lacking)} MB of memory {where}", lacking / max(1, cell.memory))
    return None


def _times(amount: int, ratio: Optional[float]) -> float:
    return math.inf if ratio is None else amount * ratio


def _in_order(
    cells: Sequence[NUMACell],
    asked: InstanceNUMATopology,
    packing: bool,
    requests: Sequence[PciRequest],
    pools: Sequence[dict[str, Any]],
) -> list[NUMACell]:
    ordered = list(cells)
    if len(cells) == len(asked.cells):
        return ordered
    ordered.sort(key=lambda cell: cell.free_memory, reverse=not packing)
    if asked.cells[0].is_pinned:
        ordered.sort(key=lambda cell: len(cell.free_dedicated_cpus), reverse=not packing)
    else:
        ordered.sort(key=lambda cell: cell.cpu_usage, reverse=packing)
    devices: dict[Optional[int], int] = {}
    for pool in pools:
        devices[pool.get("numa_node")] = devices.get(pool.get("numa_node"), 0) + pool["count"]
    ordered.sort(key=lambda cell: devices.get(cell.id, 0), reverse=bool(requests))
    return ordered


def _arrangements(
    tries: Sequence[Sequence[Union[InstanceNUMACell, Misfit]]], used: tuple[int, ...]
) -> Iterator[tuple[InstanceNUMACell, ...]]:
    """Yield all ways to put each cell on a host cell of its own, in the order of permutations."""
    if len(used) == len(tries):
        yield ()
        return
    for place, outcome in enumerate(tries[len(used)]):
        if place not in used and isinstance(outcome, InstanceNUMACell):
            for rest in _arrangements(tries, (*used, place)):
                yield (outcome, *rest)


def _best_misfit(tries: Sequence[Sequence[Union[InstanceNUMACell, Misfit]]]) -> Misfit:
    for outcomes in tries:
        misfits = [outcome for outcome in outcomes if isinstance(outcome, Misfit)]
        if len(misfits) == len(outcomes):
            return min(misfits, key=lambda misfit: misfit.margin)
    return Misfit("has no set of NUMA cells that takes all of the instance's cells and PCI devices at once")
