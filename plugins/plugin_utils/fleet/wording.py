# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How messages show paths and values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import nearest

Path = tuple["str | int", ...]

_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_LONGEST = 60

_EXPECTED = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def dotted(path: Path) -> str:
    """Return the path as ``instances.web.networks[0]``; a key that is no plain word stands in brackets."""
    words = []
    for step in path:
        if isinstance(step, int):
            words.append(f"[{step}]")
        elif _SIMPLE_KEY.fullmatch(step):
            words.append(f".{step}" if words else step)
        else:
            words.append(f"[{quoted(step)}]")
    return "".join(words)


def quoted(text: str) -> str:
    """Return text in quotes, on one line, and cut where it is long."""
    short = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return f"'{short}'" if short.isprintable() else ascii(short)


def show(value: Any) -> str:
    """Return a value as a message names it. Collections show their kind only."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "the boolean " + ("true" if value else "false")
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def wrong_type(expected: str | list[str], value: Any) -> str:
    """Return the sentence for a value of the wrong type.

    Args:
        expected: The type, or several, as JSON Schema names them.
    """
    if isinstance(expected, list):
        return f"must be {' or '.join(_EXPECTED[name] for name in expected)}, not {show(value)}."
    sentence = f"must be {_EXPECTED[expected]}, not {show(value)}."
    if expected == "string" and isinstance(value, bool):
        return f"{sentence} YAML reads unquoted on, off, yes, no, true and false as booleans: quote it."
    if expected == "string" and isinstance(value, (int, float)):
        return f'{sentence} Quote it: "{value}".'
    if expected in ("integer", "number") and isinstance(value, str) and _is_number(value):
        return f"{sentence} Remove the quotes."
    return sentence


def missing_name(kind: str, name: str, known: Collection[str]) -> str:
    """Return the sentence for a reference to something that is not declared."""
    hint = nearest(name, list(known))
    if not hint:
        names = sorted(known)
        hint = f" Known: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}." if names else " None is declared."
    return f"there is no {kind} {quoted(name)}.{hint}"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text) is not None
