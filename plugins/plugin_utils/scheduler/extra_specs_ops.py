# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operators that an extra spec's requirement may begin with."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput

Test = Callable[[str], bool]

# "=" means "at least" in Nova, and has done for too long to be mended.
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
    "<in>": operator.contains,
}


@functools.lru_cache(maxsize=1024)
def read_requirement(key: str, requirement: str) -> Test:
    """Return the test that a requirement sets to a host's value (Nova's extra_specs_ops.match).

    A requirement that begins with no operator must equal the value as it is. Of all operators but ``<or>`` and
    ``<all-in>`` only the first word counts; without any they match nothing. Nova: a value that is no number, where a
    number is compared, stops the request; here it does not match.

    Args:
        key: The extra spec's name, for messages.
        requirement: Its value, such as ``>= 4`` or ``<or> a <or> b``.

    Raises:
        InvalidInput: The requirement compares with something that is no number, or names no alternatives.
    """
    words = requirement.split()
    name, operands = (words[0], words[1:]) if words else ("", [])
    if name == "<or>":
        if not operands:
            raise _malformed(key, requirement, "names no alternatives", "Write it as '<or> a <or> b'.")
        alternatives = frozenset(operands[::2])
        return lambda value: value in alternatives
    if name == "<all-in>":
        return lambda value: bool(operands) and all(word in value for word in operands)
    if name in _TEXTUAL:
        compare = _TEXTUAL[name]
        return lambda value: bool(operands) and compare(value, operands[0])
    if name in _NUMERIC:
        return _numeric(key, requirement, _NUMERIC[name], operands)
    return lambda value: value == requirement


def _numeric(key: str, requirement: str, compare: Callable[[float, float], bool], operands: list[str]) -> Test:
    if not operands:
        return lambda _value: False
    try:
        wanted = float(operands[0])
    except ValueError:
        remedy = "Write a number, or compare text with one of s==, s!=, s<, s<=, s>, s>=."
        raise _malformed(key, requirement, f"compares with {operands[0]!r:.60}, which is no number", remedy) from None

    def test(value: str) -> bool:
        try:
            return compare(float(value), wanted)
        except ValueError:
            return False

    return test


def _malformed(key: str, requirement: str, problem: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"The extra spec {key}, {requirement!r:.60}, {problem}.", remedy, key=key, value=requirement)
