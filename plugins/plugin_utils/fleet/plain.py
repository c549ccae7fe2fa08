# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads inventory variables into plain data. Ansible's containers and texts are tagged, lazy subclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from .bounds import check_count, check_depth, number_fault, text_fault
from .faults import Faults, Place
from .wording import Path, quoted


class PlainReader:
    """Reads one mapping. Faults name `place`, as variables have no lines."""

    def __init__(self, place: Place, faults: Faults) -> None:
        self._place = place
        self._faults = faults
        self._count = 0

    def read(self, variables: Mapping[Any, Any]) -> dict[str, Any]:
        """Return the content in plain dicts, lists, texts and numbers.

        Raises:
            Unreadable: It holds too much, or itself.
        """
        return self._mapping(variables, ())

    def _mapping(self, value: Mapping[Any, Any], path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in value.items():
            if isinstance(key, str):
                result[str(key)] = self._value(item, (*path, str(key)))
            else:
                self._faults.add(self._place, (*path, str(key)), "keys must be text: quote it.")
        return result

    def _value(self, value: Any, path: Path) -> Any:
        self._count += 1
        check_count(self._count)
        check_depth(len(path))
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._sound(str(value), text_fault(value), path)
        if isinstance(value, int):
            return self._sound(int(value), number_fault(value), path)
        if isinstance(value, float):
            return self._sound(float(value), number_fault(value), path)
        if isinstance(value, Mapping):
            return self._mapping(value, path)
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
            return [self._value(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, date):
            return self._sound(None, "YAML reads this as a date: quote it.", path)
        return self._sound(None, f"must be plain data, not {quoted(type(value).__name__)}.", path)

    def _sound(self, value: Any, fault: str | None, path: Path) -> Any:
        if fault is None:
            return value
        self._faults.add(self._place, path, fault)
        return None
