# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Classes of hosts that are alike in something that placements change, such as what is free of their NUMA cells."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Optional

from .arrays import Column, np
from .columns import HostColumns
from .host_state import HostState

# Requests of one kind follow each other; the answers to this many kinds at a time are remembered.
_REMEMBERED = 64


class ChangingClasses:
    """Hosts by what a filter reads of them, brought up to date before each request.

    Args:
        columns: The hosts.
        key: Returns all that the filter reads of a host.
    """

    def __init__(self, columns: HostColumns, key: Callable[[HostState], Hashable]) -> None:
        self._columns = columns
        self._key = key
        self._numbers: dict[Hashable, int] = {}
        self._class_of = np.full(len(columns), -1, dtype=np.intp)
        self._seen: Optional[int] = None
        self._answers: dict[Hashable, dict[int, float]] = {}

    def margins(self, signature: Hashable, judge: Callable[[HostState], float]) -> Column:
        """Return what `judge` says of each host; it is asked once per class.

        Args:
            signature: All that the filter reads of the request.
            judge: By how much a host fails the request at hand, 0 where it passes.
        """
        self._refresh()
        if signature not in self._answers and len(self._answers) >= _REMEMBERED:
            self._answers.clear()
        known = self._answers.setdefault(signature, {})
        numbers, rows, places = np.unique(self._class_of, return_index=True, return_inverse=True)
        for number, row in zip(map(int, numbers), map(int, rows), strict=True):
            if number not in known:
                known[number] = judge(self._columns.states[row])
        answers: Column = np.array([known[int(number)] for number in numbers], dtype=np.float64)[places]
        return answers

    def _refresh(self) -> None:
        placed = self._columns.placed
        rows = range(len(self._columns)) if self._seen is None else set(placed[self._seen :])
        for row in rows:
            key = self._key(self._columns.states[row])
            self._class_of[row] = self._numbers.setdefault(key, len(self._numbers))
        self._seen = len(placed)
