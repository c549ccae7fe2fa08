# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NUMA: the cells that a host has, what of them is used, and the cells that an instance has.

Sets of CPUs are written as people write them, ``0-3,8``: reports stay small and can be written by hand. All that is
here can be hashed, so that equal hosts are found out by their content.
"""

from dataclasses import dataclass
from typing import Optional

from .base import Record
from .cpu_spec import parse_cpu_spec


@dataclass(frozen=True)
class NUMAPages(Record):
    """Memory pages of one size on one cell (Nova's NUMAPagesTopology). `size_kb` is in KiB, the others count pages."""

    size_kb: int
    total: int
    used: int = 0
    reserved: int = 0

    @property
    def free(self) -> int:
        return self.total - self.used - self.reserved


@dataclass(frozen=True)
class NUMACell(Record):
    """One cell of a host (Nova's NUMACell).

    `cpuset` are its CPUs for shared use, `pcpuset` those that are given to one vCPU each; `cpu_usage` counts the
    vCPUs on the former, `pinned_cpus` names the taken ones of the latter. `memory` and `memory_usage` are MiB.
    `siblings` are the sets of CPUs that are threads of one core. `socket` is None where it cannot be told.
    """

    id: int
    cpuset: str = ""
    pcpuset: str = ""
    memory: int = 0
    socket: Optional[int] = None
    cpu_usage: int = 0
    memory_usage: int = 0
    pinned_cpus: str = ""
    siblings: tuple[str, ...] = ()
    mempages: tuple[NUMAPages, ...] = ()

    @property
    def free_memory(self) -> int:
        return self.memory - self.memory_usage

    @property
    def shared_cpus(self) -> frozenset[int]:
        return parse_cpu_spec(self.cpuset)

    @property
    def dedicated_cpus(self) -> frozenset[int]:
        return parse_cpu_spec(self.pcpuset)

    @property
    def free_dedicated_cpus(self) -> frozenset[int]:
        return self.dedicated_cpus - parse_cpu_spec(self.pinned_cpus)

    @property
    def cores(self) -> list[frozenset[int]]:
        """Return the threads of each core. A cell that names no siblings has cores of one thread."""
        if not self.siblings:
            return [frozenset([cpu]) for cpu in sorted(self.shared_cpus | self.dedicated_cpus)]
        return [parse_cpu_spec(threads) for threads in self.siblings]


@dataclass(frozen=True)
class NUMATopology(Record):
    """The cells of a host."""

    cells: tuple[NUMACell, ...] = ()


@dataclass(frozen=True)
class NUMATopologyLimits(Record):
    """How far cells may be overcommitted by shared vCPUs (Nova's NUMATopologyLimits); None is no limit.

    `packing` is ``[compute] packing_host_numa_cells_allocation_strategy``: the fullest cells first.
    """

    cpu_allocation_ratio: Optional[float] = None
    ram_allocation_ratio: Optional[float] = None
    packing: bool = False


@dataclass(frozen=True)
class InstanceNUMACell(Record):
    """One cell of an instance (Nova's InstanceNUMACell).

    `id` is the guest's own number of the cell, and the host cell's once it is fitted. `cpuset` are its shared vCPUs,
    `pcpuset` its dedicated ones. `memory` is MiB. `pagesize` is KiB; -1 small, -2 large, -3 any; None as it comes.
    `cpu_pinning` holds pairs of vCPU and host CPU, `cpuset_reserved` the host CPUs for the emulator's threads.
    """

    id: int
    memory: int
    cpuset: str = ""
    pcpuset: str = ""
    pagesize: Optional[int] = None
    cpu_policy: Optional[str] = None
    cpu_thread_policy: Optional[str] = None
    cpu_pinning: tuple[tuple[int, ...], ...] = ()
    cpuset_reserved: str = ""

    @property
    def shared_vcpus(self) -> frozenset[int]:
        return parse_cpu_spec(self.cpuset)

    @property
    def dedicated_vcpus(self) -> frozenset[int]:
        return parse_cpu_spec(self.pcpuset)

    @property
    def is_pinned(self) -> bool:
        """Return whether its policy gives host CPUs to single vCPUs."""
        return self.cpu_policy in ("dedicated", "mixed")


@dataclass(frozen=True)
class InstanceNUMATopology(Record):
    """The cells of an instance. `emulator_threads_policy` is share, isolate or None."""

    cells: tuple[InstanceNUMACell, ...] = ()
    emulator_threads_policy: Optional[str] = None
