# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of a fleet, collected so that a user sees all of them at once, in the order of the files."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid

from .wording import Path, dotted

MOST_SHOWN = 20


@dataclass(frozen=True, order=True)
class Place:
    """Where something was written. `part` is the position among the parts of the fleet; line 0 is unknown."""

    part: int
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.name}:{self.line}" if self.line else self.name


class Faults:
    """What was found so far.

    Only the first fault of a path counts: what is wrong with a value that could not even be read says nothing.
    """

    def __init__(self) -> None:
        self._found: dict[Path, tuple[Place, str]] = {}
        self._unreadable: list[tuple[Place, str]] = []

    def add(self, place: Place, path: Path, sentence: str, joint: str = ": ") -> None:
        """Add a fault.

        Args:
            path: The keys and positions that lead to the value; empty for the whole.
            sentence: What is wrong and what to do.
            joint: What stands between path and sentence.
        """
        if path not in self._found:
            self._found[path] = place, f"{place}: {dotted(path)}{joint}{sentence}" if path else f"{place}: {sentence}"

    def add_unreadable(self, place: Place, sentence: str) -> None:
        """Add a fault that leaves a part of the fleet unknown, so that further checks would mislead."""
        self._unreadable.append((place, f"{place}: {sentence}"))

    def raise_if_unreadable(self) -> None:
        """Raise what was found if a part could not be read.

        Raises:
            FleetInvalid: A part could not be read.
        """
        if self._unreadable:
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raise what was found.

        Raises:
            FleetInvalid: There are faults. At most `MOST_SHOWN` are named.
        """
        # Then by text: the validator goes through keys in no fixed order, and the same fleet shall read the same.
        faults = sorted([*self._unreadable, *self._found.values()])
        if faults:
            raise FleetInvalid([text for _place, text in faults[:MOST_SHOWN]], len(faults))
