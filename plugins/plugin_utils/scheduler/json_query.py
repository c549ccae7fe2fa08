# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small language of JsonFilter."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput

from .host_state import HostState

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_OPERATORS = (*_COMPARE, "in", "not", "or", "and")
_REMEDY = 'Write it as ["operator", argument, ...], such as [">=", "$free_ram_mb", 1024].'


@dataclass(frozen=True)
class Query:
    """An operator and its arguments: queries, variables such as ``$free_ram_mb``, and plain values."""

    operator: str
    arguments: list[Any]
    text: str

    def holds(self, host_state: HostState) -> bool:
        """Return whether it is true of a host.

        A variable that the host does not have, or that is null, is left out of the arguments. A comparison
        compares the first argument with each of the others, and is false without any others.

        Raises:
            InvalidInput: It compares two things that have no order.
        """
        values = [value for item in self.arguments if (value := _value(item, host_state)) is not None]
        if self.operator == "and":
            return all(values)
        if self.operator == "or":
            return any(values)
        if self.operator == "not":
            return any(not value for value in values)
        if len(values) < 2:
            return False
        first, *others = values
        if self.operator == "in":
            return first in others
        try:
            return all(_COMPARE[self.operator](first, other) for other in others)
        except TypeError:
            shown = ", ".join(f"{value!r:.60}" for value in values)
            raise InvalidInput(
                f"The scheduler hint query has {self.text:.120}, which compares things that have no order: {shown} "
                f"(on host {host_state.host}).",
            ) from None

    def failing(self, host_state: HostState) -> Query:
        """Return the part of it that is to blame where it does not hold: of an ``and``, the first that does not."""
        if self.operator == "and":
            for item in self.arguments:
                if isinstance(item, Query) and not item.holds(host_state):
                    return item.failing(host_state)
        return self

    def variables(self, host_state: HostState) -> dict[str, Any]:
        """Return the variables in it, each with the host's value; None where it has none."""
        found: dict[str, Any] = {}
        for item in self.arguments:
            if isinstance(item, Query):
                found.update(item.variables(host_state))
            elif isinstance(item, str) and item.startswith("$"):
                found[item] = _value(item, host_state)
        return found


@functools.lru_cache(maxsize=512)
def read_query(text: str) -> Query:
    """Return the query that a JSON text holds. An empty one holds everywhere.

    Raises:
        InvalidInput: The text is no JSON, or no query.
    """
    try:
        return _build(json.loads(text))
    except (ValueError, RecursionError) as exc:
        problem = exc if isinstance(exc, ValueError) else "it is nested too deeply"
        raise InvalidInput(f"The scheduler hint query, {text!r:.60}, is no JSON: {problem}.", _REMEDY) from None


def _build(data: Any) -> Query:
    if data is None or data == "" or data == []:
        return Query("and", [], "[]")
    text = json.dumps(data)
    if not isinstance(data, list):
        raise InvalidInput(f"The scheduler hint query must be a list, not {text:.60}.", _REMEDY)
    name = data[0]
    if not isinstance(name, str) or name not in _OPERATORS:
        raise InvalidInput(
            f"The scheduler hint query has the unknown operator {json.dumps(name):.60}.",
            f"Known are {' '.join(_OPERATORS)}.",
        )
    return Query(name, [_build(item) if isinstance(item, list) else item for item in data[1:]], text)


def _value(item: Any, host_state: HostState) -> Any:
    if isinstance(item, Query):
        return item.holds(host_state)
    if not isinstance(item, str):
        return item
    if not item.startswith("$"):
        return item or None
    first, *path = item[1:].split(".")
    value = vars(host_state).get(first)
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
