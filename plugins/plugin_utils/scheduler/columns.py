# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts' figures as columns, one row per host, beside the HostState objects."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from .arrays import Column, Mask, np
from .host_state import HostState

# Whole numbers are exact in a float up to 2**53, far beyond any host.
FIGURES = (
    "free_ram_mb",
    "total_usable_ram_mb",
    "free_disk_mb",
    "total_usable_disk_gb",
    "vcpus_total",
    "vcpus_used",
    "shared_vcpus_used",
    "cpu_allocation_ratio",
    "ram_allocation_ratio",
    "disk_allocation_ratio",
    "instance_overhead_memory_mb",
    "num_instances",
    "num_io_ops",
    "failed_builds",
    "hypervisor_version",
    "free_pci_devices",
)

_figures = operator.attrgetter(*FIGURES)


class HostColumns:
    """What filters and weighers read of all hosts at once.

    A consume changes the figures of one row (`refresh`). Everything else about hosts, such as their aggregates,
    is fixed for the life of these columns, so what is derived from it is derived once.

    Args:
        states: The hosts; row i is the i-th of them.

    Attributes:
        placed: The rows that took an instance since, in order: what counts instances need look at no other.
    """

    def __init__(self, states: Iterable[HostState]) -> None:
        self.states: list[HostState] = list(states)
        self.row_of = {state.host: row for row, state in enumerate(self.states)}
        rows = [_figures(state) for state in self.states]
        self._figures = np.array(rows, dtype=np.float64).reshape(-1, len(FIGURES)).T.copy()
        self._columns = dict(zip(FIGURES, self._figures, strict=True))
        self.placed: list[int] = []
        self._used: dict[str, Column] = {}
        self._homes: dict[str, list[int]] = {}
        self._derived: dict[Hashable, Any] = {}
        for row, state in enumerate(self.states):
            for uuid in state.instances:
                self._homes.setdefault(uuid, []).append(row)

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, figure: str) -> Column:
        """Return one column, for reading only."""
        return self._columns[figure]

    def used(self, resource_class: str) -> Column:
        """Return how much of a custom resource class the instances of each host take, for reading only."""
        if resource_class not in self._used:
            amounts = [state.resources_used.get(resource_class, 0) for state in self.states]
            self._used[resource_class] = np.array(amounts, dtype=np.float64)
        return self._used[resource_class]

    def refresh(self, row: int) -> None:
        """Take over the figures of one host after its state has changed."""
        state = self.states[row]
        self._figures[:, row] = _figures(state)
        for resource_class, column in self._used.items():
            column[row] = state.resources_used.get(resource_class, 0)

    def place(self, uuid: str, row: int) -> None:
        """Take note of an instance that is new on a host, and of the host's new figures."""
        homes = self._homes.setdefault(uuid, [])
        if row not in homes:
            homes.append(row)
        self.placed.append(row)
        self.refresh(row)

    def homes(self, uuids: Iterable[str]) -> dict[int, int]:
        """Return the rows that hold any of these instances, each with how many of them."""
        count: dict[int, int] = {}
        for uuid in uuids:
            for row in self._homes.get(uuid, ()):
                count[row] = count.get(row, 0) + 1
        return count

    def rows_of(self, hosts: Iterable[str]) -> list[int]:
        """Return the rows of the named hosts; unknown ones have none."""
        return [row for host in hosts if (row := self.row_of.get(host)) is not None]

    def all(self) -> Mask:
        """Return a mask of all hosts."""
        return np.ones(len(self.states), dtype=np.bool_)

    def only(self, rows: Iterable[int]) -> Mask:
        """Return a mask of these rows."""
        mask = np.zeros(len(self.states), dtype=np.bool_)
        mask[list(rows)] = True
        return mask

    def derived(self, key: Hashable, make: Callable[[Sequence[HostState]], Any]) -> Any:
        """Return what `make` derives from the hosts. It is made once per key, so no consume may change it."""
        if key not in self._derived:
            self._derived[key] = make(self.states)
        return self._derived[key]
