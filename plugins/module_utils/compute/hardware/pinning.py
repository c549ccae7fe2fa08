# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host CPU each dedicated vCPU of a cell gets (Nova's _pack_instance_onto_cores)."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from ...objects.numa import InstanceNUMACell, NUMACell

Core = frozenset[int]


@dataclass(frozen=True)
class Pinning:
    """Pairs of vCPU and host CPU, and the host CPUs for the emulator's threads."""

    pairs: tuple[tuple[int, int], ...]
    reserved: frozenset[int]


def pin_cell(host_cell: NUMACell, cell: InstanceNUMACell, reserved: int) -> Optional[Pinning]:
    """Choose CPUs, as the cell's thread policy wants them, or return None where it cannot be satisfied.

    - isolate: one vCPU per core, the core's other threads stay idle. As in Nova, a host with threads can do so only
      where its shared and its dedicated CPUs are the same.
    - require: only threads of cores that have another free thread.
    - prefer, or none: the same if possible, and else any free CPU.

    Nova: which of a core's threads comes first hangs on how Python orders a set. Here it is the lowest.

    Args:
        reserved: How many more CPUs the emulator's threads take.
    """
    free = [core & host_cell.free_dedicated_cpus for core in host_cell.cores]
    threads_per_core = max((len(core) for core in host_cell.cores), default=1)
    if cell.cpu_thread_policy == "isolate":
        if threads_per_core > 1 and host_cell.dedicated_cpus != host_cell.shared_cpus:
            return None
        pairs = _pair(cell.dedicated_vcpus, 1, _with_threads(free, threads_per_core))
        return _pinning(pairs, free, reserved, whole_cores=True) if pairs else None
    for threads, cores in _ways(free, threads_per_core, cell.cpu_thread_policy == "require"):
        pairs = _pair(cell.dedicated_vcpus, threads, cores)
        pinning = None if pairs is None else _pinning(pairs, free, reserved, whole_cores=False)
        if pinning is not None:
            return pinning
    return None


def _ways(free: Sequence[Core], threads_per_core: int, siblings_only: bool) -> Iterator[tuple[int, list[Core]]]:
    """Yield ways to take CPUs, best first: how many threads of a core, and which cores."""
    for threads in range(threads_per_core, 1 if siblings_only else 0, -1):
        yield threads, _with_threads(free, threads)
    if not siblings_only:
        yield 1, [frozenset([cpu]) for core in free for cpu in sorted(core)]


def _with_threads(free: Sequence[Core], threads: int) -> list[Core]:
    return [core for core in free if len(core) >= threads]


def _pair(vcpus: Collection[int], threads: int, cores: Sequence[Core]) -> Optional[tuple[tuple[int, int], ...]]:
    if threads * len(cores) < len(vcpus):
        return None
    usable = itertools.chain.from_iterable(sorted(core)[:threads] for core in cores)
    return tuple(zip(sorted(vcpus), usable))


def _pinning(
    pairs: tuple[tuple[int, int], ...], free: Sequence[Core], reserved: int, whole_cores: bool
) -> Optional[Pinning]:
    """Add the CPUs for the emulator's threads to a choice."""
    if not reserved:
        return Pinning(pairs, frozenset())
    taken = {cpu for pair in pairs for cpu in pair[1:]}
    left = [core for core in free if not (core & taken)] if whole_cores else [core - taken for core in free]
    chosen = [cpu for core in left for cpu in sorted(core)][:reserved]
    # The emulator's threads stay near vCPUs; without any there is no place for them.
    return Pinning(pairs, frozenset(chosen)) if pairs and chosen else None
