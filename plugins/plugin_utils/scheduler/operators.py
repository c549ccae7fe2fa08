# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operators of predicates."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Operator:
    """How a fact of a host is compared.

    Args:
        takes: What it compares with: ``one`` value, ``some`` (one or a list), a ``list``, a ``number``, ``text``, or a
            ``boolean``.
        words: How a complaint says what was wanted.
        test: Answers whether a fact meets a value; None where that cannot be told.
    """

    takes: str
    words: str
    test: Callable[[Any, Any], Optional[bool]]


def show(value: Any) -> str:
    """Return a fact or a value as people read it."""
    words = [text_of(item) for item in items_of(value)]
    if isinstance(value, frozenset):
        words.sort()
    if len(words) > 5:
        words[5:] = [f"{len(words) - 5} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "none"


def text_of(value: Any) -> str:
    """Return a value as a host would say it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def items_of(value: Any) -> Iterable[Any]:
    """Return the values of a fact that may have several."""
    return value if isinstance(value, (tuple, frozenset)) else (value,)


def number_of(value: Any) -> Optional[float]:
    """Return a number, whether it is written as one or as text, or None."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _is_one_of(found: Any, wanted: Any) -> bool:
    return any(_same(item, value) for item in items_of(found) for value in items_of(wanted))


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(found, str):
        return all(text_of(value) in found for value in items_of(wanted))
    return all(_is_one_of(found, value) for value in items_of(wanted))


def _matches(found: Any, pattern: str) -> bool:
    return any(re.fullmatch(pattern, text_of(item)) for item in items_of(found))


def _same(found: Any, wanted: Any) -> bool:
    # Hosts say many a number as text, and a user need not know which.
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        return number_of(found) == wanted
    return text_of(found) == text_of(wanted)


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[Any, Any], Optional[bool]]:
    def test(found: Any, wanted: Any) -> Optional[bool]:
        numbers = [number for number in map(number_of, items_of(found)) if number is not None]
        # What is no number is neither above nor below one.
        return any(compare(number, wanted) for number in numbers) if numbers else None

    return test


OPERATORS = {
    "==": Operator("one", "", _is_one_of),
    "!=": Operator("one", "other than ", lambda found, wanted: not _is_one_of(found, wanted)),
    "<": Operator("number", "less than ", _ordered(operator.lt)),
    "<=": Operator("number", "at most ", _ordered(operator.le)),
    ">": Operator("number", "more than ", _ordered(operator.gt)),
    ">=": Operator("number", "at least ", _ordered(operator.ge)),
    "in": Operator("list", "one of ", _is_one_of),
    "not_in": Operator("list", "other than ", lambda found, wanted: not _is_one_of(found, wanted)),
    "contains": Operator("some", "with ", _contains),
    "matches": Operator("text", "like ", _matches),
    "exists": Operator("boolean", "", lambda found, wanted: wanted),
}
