# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Classes of equal hosts: what a filter says of one host holds for all that are alike in what it reads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

from .arrays import Mask, np
from .host_state import HostState

# Requests of one kind follow each other; this many kinds at a time are remembered.
_REMEMBERED = 512


class HostClasses:
    """The classes that one filter sees, and its verdicts on them by the signature of the request.

    Args:
        states: The hosts.
        key: Returns all that the filter reads of a host.
    """

    def __init__(self, states: Sequence[HostState], key: Callable[[HostState], Hashable]) -> None:
        numbers: dict[Hashable, int] = {}
        self._class_of = np.fromiter(
            (numbers.setdefault(key(state), len(numbers)) for state in states), dtype=np.intp, count=len(states)
        )
        self._examples: list[HostState] = []
        for state, number in zip(states, self._class_of, strict=True):
            if number == len(self._examples):
                self._examples.append(state)
        self._verdicts: OrderedDict[Hashable, Mask] = OrderedDict()
        self._answers: dict[tuple[Hashable, int], str] = {}

    def __len__(self) -> int:
        return len(self._examples)

    def mask(self, signature: Hashable, passes: Callable[[HostState], bool]) -> Mask:
        """Return which hosts pass.

        Args:
            signature: All that the filter reads of the request.
            passes: The filter's verdict on one host, for the request at hand.
        """
        mask = self._verdicts.get(signature)
        if mask is None:
            by_class = np.fromiter((passes(state) for state in self._examples), np.bool_, len(self._examples))
            mask = self._verdicts[signature] = by_class[self._class_of]
            if len(self._verdicts) > _REMEMBERED:
                self._verdicts.popitem(last=False)
        else:
            self._verdicts.move_to_end(signature)
        return mask

    def answer(self, signature: Hashable, row: int, ask: Callable[[], str]) -> str:
        """Return what `ask` says of the host in a row, asked once for its class and the signature."""
        key = (signature, int(self._class_of[row]))
        if key not in self._answers:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[key] = ask()
        return self._answers[key]
