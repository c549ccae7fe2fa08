# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads predicates as a user writes them, and says what is wrong with them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, nearest

from .host_facts import NUMBERS, HostKey, key_fault
from .operators import OPERATORS
from .predicate import AllOf, AnyOf, Comparison, Not, Predicate

KEYS = ["key", "operator", "value", "any", "all", "not"]
_FORMS = ("key", "any", "all", "not")
_DEEPEST = 20
# An operator of these makes no sense of a number.
_NOT_OF_NUMBERS = ("contains", "matches")

Path = tuple["str | int", ...]


@dataclass(frozen=True)
class Fault:
    """What is wrong with the value at `path`, in one sentence."""

    path: Path
    sentence: str


def read_where(data: Any, where: str = "where") -> AllOf:
    """Return a list of predicates, all of which must hold.

    Args:
        where: How a message names the place.

    Raises:
        InvalidInput: They make no sense; the first fault is told.
    """
    faults: list[Fault] = []
    parts = _read_list(data, (), faults)
    if faults:
        place = where + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in faults[0].path)
        raise InvalidInput(f"{place}: {faults[0].sentence}")
    return AllOf(parts)


def faults_of(data: Any) -> list[Fault]:
    """Return all that is wrong with a list of predicates."""
    faults: list[Fault] = []
    _read_list(data, (), faults)
    return faults


def _read_list(data: Any, path: Path, faults: list[Fault]) -> tuple[Predicate, ...]:
    if not isinstance(data, list):
        faults.append(Fault(path, f"must be a list of predicates, not {_kind(data)}."))
        return ()
    if path and not data:
        faults.append(Fault(path, "must not be empty."))
    found = [_read(item, (*path, index), faults) for index, item in enumerate(data)]
    return tuple(item for item in found if item is not None)


def _read(data: Any, path: Path, faults: list[Fault]) -> Optional[Predicate]:
    if not isinstance(data, Mapping):
        faults.append(Fault(path, f"must be a mapping, not {_kind(data)}."))
        return None
    if len(path) > _DEEPEST:
        faults.append(Fault(path, "is nested too deep."))
        return None
    unknown = [key for key in data if key not in KEYS]
    faults.extend(
        Fault((*path, str(key)), f"unknown key.{nearest(str(key), KEYS)} Allowed: {', '.join(KEYS)}.")
        for key in unknown
    )
    forms = [form for form in _FORMS if form in data]
    if len(forms) != 1:
        # A key that was misspelt is not missed as well: one fault has one sentence.
        if forms or not unknown:
            faults.append(Fault(path, "needs exactly one of key, any, all and not."))
        return None
    form = forms[0]
    if form == "key":
        return None if unknown else _read_comparison(data, path, faults)
    faults.extend(
        Fault((*path, key), f"goes with key, not with {form}.") for key in ("operator", "value") if key in data
    )
    if form == "not" and isinstance(data[form], Mapping):
        part = _read(data[form], (*path, form), faults)
        return None if part is None else Not(part)
    parts = _read_list(data[form], (*path, form), faults)
    if form == "any":
        return AnyOf(parts)
    return AllOf(parts) if form == "all" else Not(AllOf(parts))


def _read_comparison(data: Mapping[str, Any], path: Path, faults: list[Fault]) -> Optional[Predicate]:
    key, operator = data["key"], data.get("operator")
    found = list(_comparison_faults(key, operator, data))
    faults.extend(Fault((*path, step), sentence) for step, sentence in found)
    if found:
        return None
    value = data.get("value", True)
    return Comparison(HostKey(str(key)), str(operator), tuple(value) if isinstance(value, list) else value)


def _comparison_faults(key: Any, operator: Any, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(key, str):
        yield "key", f"must be text, not {_kind(key)}."
        return
    fault = key_fault(key)
    if fault is not None:
        yield "key", fault
    if operator is None:
        yield "operator", f"required, but missing. It is one of {', '.join(OPERATORS)}."
        return
    if not isinstance(operator, str) or operator not in OPERATORS:
        hint = nearest(str(operator), list(OPERATORS))
        yield "operator", f"there is no operator '{operator!s:.60}'.{hint} Known: {', '.join(OPERATORS)}."
        return
    if key in NUMBERS and operator in _NOT_OF_NUMBERS:
        yield "operator", f"'{operator}' is for text, and {key} is a number."
        return
    takes = OPERATORS[operator].takes
    if "value" not in data and takes != "boolean":
        yield "value", "required, but missing."
        return
    sentence = _value_fault(takes, data.get("value", True), key in NUMBERS)
    if sentence is not None:
        yield "value", sentence


def _value_fault(takes: str, value: Any, must_be_numbers: bool) -> Optional[str]:
    if takes == "boolean":
        return None if isinstance(value, bool) else f"must be true or false, not {_kind(value)}."
    if takes == "text":
        return _pattern_fault(value)
    if takes == "list" and not isinstance(value, list):
        return f"must be a list, not {_kind(value)}."
    values = value if isinstance(value, list) and takes in ("list", "some") else [value]
    if not values:
        return "must not be empty."
    for item in values:
        is_number = isinstance(item, (int, float)) and not isinstance(item, bool)
        if is_number and not math.isfinite(item):
            return "must be a finite number."
        if not is_number and (must_be_numbers or takes == "number"):
            return f"must be a number, not {_kind(item)}."
        if not isinstance(item, (str, int, float)):
            return f"must be text, a number or a boolean, not {_kind(item)}."
    return None


def _pattern_fault(value: Any) -> Optional[str]:
    if not isinstance(value, str):
        return f"must be text, not {_kind(value)}."
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}."
    return None


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return f"the text '{value:.40}'" if value.isprintable() else "text"
    return "a mapping" if isinstance(value, Mapping) else "a list"
