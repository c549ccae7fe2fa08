# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of instances: of an entry, and of what a hint means by one."""

from __future__ import annotations

from collections.abc import Mapping

# How many instances an entry makes; None for one of the entry's own name.
Counts = Mapping[str, "int | None"]


def member_names(name: str, count: int | None) -> list[str]:
    """Return the instance names of an entry: its own, or with a count ``name-1`` to ``name-N``."""
    if count is None:
        return [name]
    return [f"{name}-{number}" for number in range(1, count + 1)]


def entry_of(word: str, counts: Counts) -> str | None:
    """Return the entry that a word means, by its own name or by that of one of its instances, or None."""
    if word in counts:
        return word
    stem, hyphen, number = word.rpartition("-")
    count = counts.get(stem)
    return stem if hyphen and count is not None and is_member_number(number, count) else None


def names_meant(word: str, counts: Counts) -> list[str]:
    """Return the instances that a word means: all of an entry, or one."""
    return member_names(word, counts[word]) if word in counts else [word]


def is_member_number(number: str, count: int) -> bool:
    """Return whether this is the number of one of so many."""
    return number.isascii() and number.isdigit() and number[0] != "0" and len(number) < 9 and int(number) <= count
