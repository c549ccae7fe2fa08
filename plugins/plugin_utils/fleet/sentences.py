# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what a JSON Schema validator found in the words of someone who writes a fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import nearest

from .wording import Path, quoted, show, wrong_type

_SECRETS = ("user_data", "content", "cloud-init", "passphrase")
_MOST_LISTED = 20


@dataclass(frozen=True)
class Sentence:
    """What is wrong with the value at `path`. `joint` stands between the two."""

    path: Path
    text: str
    joint: str = ": "


def translate(error: Any) -> Iterator[Sentence]:
    """Yield the sentences for one `jsonschema.ValidationError`."""
    path = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        yield Sentence((*path, error.instance), error.schema["patternErrorMessage"], " ")
    else:
        yield from _KEYWORDS[error.validator](error, path)


def _type(error: Any, path: Path) -> Iterator[Sentence]:
    value = error.instance
    if path and path[-1] in _SECRETS:
        yield Sentence(path, "must be text. If it is text, quote it or write it as a block (|).")
    else:
        yield Sentence(path, wrong_type(error.validator_value, value))


def _unknown_keys(error: Any, path: Path) -> Iterator[Sentence]:
    allowed = list(error.schema["properties"])
    for key in _unknown(error):
        hint = nearest(key, allowed)
        # Many names hide the one that was meant.
        known = "" if hint and len(allowed) > _MOST_LISTED else f" Allowed: {', '.join(allowed)}."
        yield Sentence((*path, key), f"unknown key.{hint}{known}")


def _required(error: Any, path: Path) -> Iterator[Sentence]:
    unknown = _unknown(error)
    for key in error.validator_value:
        # A key that was misspelt is not missed as well: one fault has one sentence.
        if key not in error.instance and not nearest(key, unknown):
            yield Sentence((*path, key), f"required, but missing. {error.schema.get('errorMessage', '')}".rstrip())


def _one_of(error: Any, path: Path) -> Iterator[Sentence]:
    names = [name for branch in error.validator_value for name in branch["required"]]
    if not any(nearest(name, _unknown(error)) for name in names):
        yield Sentence(path, error.schema["errorMessage"], " ")


def _not(error: Any, path: Path) -> Iterator[Sentence]:
    yield Sentence((*path, error.validator_value["required"][-1]), error.schema["errorMessage"], " ")


def _enum(error: Any, path: Path) -> Iterator[Sentence]:
    known = error.validator_value
    if isinstance(error.instance, str):
        hint = nearest(error.instance, known)
        yield Sentence(path, f"{quoted(error.instance)} is none of {', '.join(known)}.{hint}")


def _pattern(error: Any, path: Path) -> Iterator[Sentence]:
    yield Sentence(path, f"{quoted(error.instance)} {error.schema['patternErrorMessage']}")


def _minimum(error: Any, path: Path) -> Iterator[Sentence]:
    yield Sentence(path, f"must be at least {error.validator_value}, not {error.instance}.")


def _maximum(error: Any, path: Path) -> Iterator[Sentence]:
    yield Sentence(path, f"must be at most {error.validator_value}, not {error.instance}.")


def _min_length(error: Any, path: Path) -> Iterator[Sentence]:
    yield Sentence(path, "must not be empty.")


def _max_length(error: Any, path: Path) -> Iterator[Sentence]:
    yield Sentence(path, f"must have at most {error.validator_value} characters, not {len(error.instance)}.")


def _max_items(error: Any, path: Path) -> Iterator[Sentence]:
    yield Sentence(path, f"must have at most {error.validator_value} items, not {len(error.instance)}.")


def _unique(error: Any, path: Path) -> Iterator[Sentence]:
    items = error.instance
    for index, item in enumerate(items):
        if item in items[:index]:
            yield Sentence((*path, index), f"{show(item)} stands in the list twice.")


def _unknown(error: Any) -> list[str]:
    known = error.schema.get("properties")
    if known is None or not isinstance(error.instance, dict):
        return []
    return [key for key in error.instance if key not in known]


_KEYWORDS: dict[str, Callable[[Any, Path], Iterator[Sentence]]] = {
    "type": _type,
    "additionalProperties": _unknown_keys,
    "required": _required,
    "oneOf": _one_of,
    "not": _not,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "maxLength": _max_length,
    "maxItems": _max_items,
    "uniqueItems": _unique,
}
