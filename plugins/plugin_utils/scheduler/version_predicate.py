# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests versions against predicates such as ``>=6.0,<8``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput

Version = tuple[int, ...]

_COMPARE: dict[str, Callable[[Version, Version], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "!=": operator.ne,
}
_PART = re.compile(r"\s*(<=|>=|<|>|!=|==)\s*([0-9]{1,9}(?:\.[0-9]{1,9})*)\s*")


@dataclass(frozen=True)
class VersionPredicate:
    """Comparisons that a version must satisfy, all of them."""

    parts: tuple[tuple[str, Version], ...]

    def satisfied_by(self, version: Version) -> bool:
        """Return whether a version satisfies them; trailing zeros do not count."""
        return all(_COMPARE[name](_trimmed(version), wanted) for name, wanted in self.parts)


def read_version_predicate(text: str, where: str) -> VersionPredicate:
    """Return the predicate that a text holds: comparisons with versions, separated by commas.

    Args:
        where: How a message names the place.

    Raises:
        InvalidInput: The text is no such predicate.
    """
    parts = []
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise InvalidInput(
                f"{where} has {part.strip()!r:.60}, which compares with no version.", "Write it as '>=6.0,<8'."
            )
        parts.append((match[1], _trimmed(tuple(int(number) for number in match[2].split(".")))))
    return VersionPredicate(tuple(parts))


def split_version(number: int) -> Version:
    """Return the parts of a version that is kept as a number, three digits per part: 6002000 is 6.2.0."""
    parts: list[int] = []
    while number:
        number, part = divmod(number, 1000)
        parts.insert(0, part)
    return tuple(parts)


def _trimmed(version: Version) -> Version:
    while version and version[-1] == 0:
        version = version[:-1]
    return version
