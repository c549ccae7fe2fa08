# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Predicates on hosts: ``{key: labels.rack, operator: in, value: [r1, r2]}``.

A predicate holds, does not hold, or cannot be told: of a host without the key nothing holds, and neither does its
opposite. Only a host of which it holds is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Optional, Union

from .host_facts import HostKey
from .host_state import HostState
from .operators import OPERATORS, show


@dataclass(frozen=True)
class Comparison:
    """A fact of a host, compared. `value` is a scalar, or a tuple of scalars."""

    key: HostKey
    operator: str
    value: Any

    def holds(self, host: HostState) -> Optional[bool]:
        """Return whether it does, or None where the host does not say."""
        found = self.key.read(host)
        if self.operator == "exists":
            is_there = found is not None and found != frozenset()
            return is_there is self.value
        return None if found is None else OPERATORS[self.operator].test(found, self.value)

    def complaint(self, host: HostState) -> str:
        """Return why it does not hold, to be read behind the host's name."""
        noun, found = self.key.noun, self.key.read(host)
        if found is None or found == frozenset() or (self.operator == "exists" and self.value):
            return f"has no {noun}"
        if self.operator == "exists":
            return f"has {noun} {show(found)}"
        return f"has {noun} {show(found)}, not {OPERATORS[self.operator].words}{show(self.value)}"

    def __str__(self) -> str:
        return f"{self.key.name} {self.operator} {show(self.value)}"


@dataclass(frozen=True)
class AllOf:
    """All of these must hold."""

    parts: tuple[Predicate, ...]

    def holds(self, host: HostState) -> Optional[bool]:
        verdicts = [part.holds(host) for part in self.parts]
        if False in verdicts:
            return False
        return None if None in verdicts else True

    def complaint(self, host: HostState) -> str:
        return " and ".join(part.complaint(host) for part in self.parts if not part.holds(host))

    def __str__(self) -> str:
        return " and ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """One of these must hold."""

    parts: tuple[Predicate, ...]

    def holds(self, host: HostState) -> Optional[bool]:
        verdicts = [part.holds(host) for part in self.parts]
        if True in verdicts:
            return True
        return None if None in verdicts else False

    def complaint(self, host: HostState) -> str:
        return " and ".join(part.complaint(host) for part in self.parts)

    def __str__(self) -> str:
        return " or ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True)
class Not:
    """This must not hold."""

    part: Predicate

    def holds(self, host: HostState) -> Optional[bool]:
        verdict = self.part.holds(host)
        return None if verdict is None else not verdict

    def complaint(self, host: HostState) -> str:
        if self.part.holds(host) is None:
            return self.part.complaint(host)
        return f"is ruled out by {self}"

    def __str__(self) -> str:
        return f"not ({self.part})"


Predicate = Union[Comparison, AllOf, AnyOf, Not]


def keys_of(predicate: Predicate) -> Iterator[HostKey]:
    """Yield every fact that a predicate looks at."""
    if isinstance(predicate, Comparison):
        yield predicate.key
    elif isinstance(predicate, Not):
        yield from keys_of(predicate.part)
    else:
        for part in predicate.parts:
            yield from keys_of(part)
