# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which CPUs of a host are for shared and which for dedicated use (Nova's cpu_shared_set and cpu_dedicated_set)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from ...objects.cpu_spec import format_cpu_spec, parse_cpu_spec
from ...objects.errors import InvalidInput, OptionInvalid
from ...objects.numa import NUMACell, NUMATopology


@dataclass(frozen=True)
class CpuSets:
    """The two sets; they have nothing in common. `shared` is None where instances float over all CPUs."""

    shared: Optional[frozenset[int]] = None
    dedicated: frozenset[int] = frozenset()


def read_cpu_sets(
    cells: Sequence[NUMACell], cpu_shared_set: Optional[str], cpu_dedicated_set: Optional[str]
) -> CpuSets:
    """Return the CPUs that the operator sets apart.

    With a dedicated set alone nothing is left for shared CPUs, as in Nova.

    Nova: without a dedicated set, pinned guests may get any CPU, and those of others float over it. Here a host
    without one takes no pinned guests.

    Args:
        cells: The host's; their `cpuset` names all CPUs that are online.

    Raises:
        OptionInvalid: A set is malformed, names a CPU that is not online, or both name the same CPU.
    """
    if cpu_shared_set is None and cpu_dedicated_set is None:
        return CpuSets()
    online = frozenset(cpu for cell in cells for cpu in cell.shared_cpus)
    shared = _read("cpu_shared_set", cpu_shared_set, online)
    dedicated = _read("cpu_dedicated_set", cpu_dedicated_set, online)
    both = shared & dedicated
    if both:
        raise OptionInvalid(
            f"cpu_shared_set and cpu_dedicated_set both name {format_cpu_spec(both)}.", "Give each CPU to one of them."
        )
    return CpuSets(shared, dedicated)


def host_topology(cells: Sequence[NUMACell], sets: CpuSets) -> Optional[NUMATopology]:
    """Return the host's cells with the CPUs that instances may use, or None where the host tells of no cells."""
    return NUMATopology(tuple(_share_out(cell, sets) for cell in cells)) if cells else None


def _share_out(cell: NUMACell, sets: CpuSets) -> NUMACell:
    online = cell.shared_cpus
    shared = online if sets.shared is None else online & sets.shared
    dedicated = online & sets.dedicated
    cores = (core & (shared | dedicated) for core in cell.cores)
    siblings = sorted((core for core in cores if core), key=min)
    smallest = min((pages.size_kb for pages in cell.mempages), default=0)
    return cell.but(
        cpuset=format_cpu_spec(shared),
        pcpuset=format_cpu_spec(dedicated),
        siblings=tuple(format_cpu_spec(core) for core in siblings),
        # Most hosts know sizes of which they have no page.
        mempages=tuple(pages for pages in cell.mempages if pages.total or pages.size_kb == smallest),
    )


def _read(name: str, text: Optional[str], online: frozenset[int]) -> frozenset[int]:
    try:
        cpus = parse_cpu_spec(text or "")
    except InvalidInput as error:
        raise OptionInvalid(f"{name}: {error.message}", error.remedy) from None
    if cpus - online:
        raise OptionInvalid(
            f"{name} names {format_cpu_spec(cpus - online)}, which the host does not have online.",
            f"There are {format_cpu_spec(online) or 'none that libvirt tells of'}.",
        )
    return cpus
