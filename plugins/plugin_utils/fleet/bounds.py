# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much a fleet may hold, and which numbers and texts it may hold. The same for files and variables.

The bounds stand far above any real fleet. They make a hostile or runaway one fail quickly, with one sentence.
"""

from __future__ import annotations

import math

from .unreadable import Unreadable

MOST_VALUES = 200_000
DEEPEST = 50
_LARGEST = 10**15


def check_depth(depth: int, line: int = 0) -> None:
    """Refuse what is nested deeper than `DEEPEST`.

    Raises:
        Unreadable: It is.
    """
    if depth > DEEPEST:
        raise Unreadable(f"is nested deeper than {DEEPEST} levels.", line)


def check_count(count: int, line: int = 0) -> None:
    """Refuse more than `MOST_VALUES` values, those that aliases repeat included.

    Raises:
        Unreadable: There are more.
    """
    if count > MOST_VALUES:
        raise Unreadable(f"holds more than {MOST_VALUES:,} values, counting what its aliases repeat.", line)


def number_fault(value: int | float) -> str | None:
    """Return what is wrong with a number, or None."""
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number."
    return "is too large a number." if abs(value) > _LARGEST else None


def text_fault(value: str) -> str | None:
    """Return what is wrong with a text, or None."""
    if value.isascii():
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode text."
    return None
