# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads YAML safely, keeping the line of every key.

The events of PyYAML's parser are read one by one, so that a file that nests or repeats itself without end is
left early, and so that a key that is written twice is seen. Plain values are read as Ansible reads them
(YAML 1.1), except where that would surprise: then the user is asked to write what is meant.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from .bounds import check_count, check_depth, number_fault, text_fault
from .faults import Faults, Place
from .marks import Mark
from .unreadable import Unreadable

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD = "tag:yaml.org,2002:"
_TRUE = ("yes", "true", "on")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?")


class _Merge:
    """Stands for the key ``<<``."""


class _Wrong:
    """Stands for a key that is a list or a mapping."""


class YamlReader:
    """Reads one file.

    Args:
        name: How messages name it.
        position: Its position among the parts of the fleet.
        faults: Takes what is wrong, where reading can go on.
    """

    def __init__(self, name: str, position: int, faults: Faults) -> None:
        self._name = name
        self._position = position
        self._faults = faults
        self._loader: Any = None
        self._path: list[str | int] = []
        self._anchors: dict[str, tuple[Any, Mark, int, int]] = {}
        self._count = 0
        self._deepest = 0

    def read(self, text: str) -> tuple[Any, Mark | None]:
        """Return the content and the marks of its lines; None for both where the file is empty.

        Raises:
            Unreadable: It is not YAML, holds several documents, or more than it may.
        """
        try:
            self._loader = _Loader(text)
            return self._document()
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 0
            raise Unreadable(f"is not valid YAML: {error.problem or error.context}.", line) from error
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise Unreadable(f"is not valid YAML: {error.reason}.", line) from error
        finally:
            if self._loader is not None:
                self._loader.dispose()

    def _next(self) -> Any:
        return self._loader.get_event()

    def _document(self) -> tuple[Any, Mark | None]:
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None, None
        content, mark = self._node(self._next(), 0)
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise Unreadable("holds several YAML documents; a fleet file is one.", _line(event))
        return content, mark

    def _node(self, event: Any, depth: int) -> tuple[Any, Mark]:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth, line)
        self._count += 1
        check_count(self._count, line)
        check_depth(depth, line)
        before, outer, self._deepest = self._count, self._deepest, depth
        if event.tag is not None:
            self._refuse_tag(event)
        value: Any
        children: dict[str, Mark] | list[Mark] | None = None
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value, children = self._sequence(depth)
        else:
            value, children = self._mapping(depth)
        mark = Mark(line, children)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, mark, self._count - before + 1, self._deepest - depth
        self._deepest = max(outer, self._deepest)
        return value, mark

    def _alias(self, event: Any, depth: int, line: int) -> tuple[Any, Mark]:
        if event.anchor not in self._anchors:
            raise Unreadable(f"the alias *{event.anchor} stands for nothing before it.", line)
        value, mark, count, height = self._anchors[event.anchor]
        self._count += count
        check_count(self._count, line)
        check_depth(depth + height, line)
        self._deepest = max(self._deepest, depth + height)
        return value, Mark(line, mark.children)

    def _sequence(self, depth: int) -> tuple[list[Any], list[Mark]]:
        values: list[Any] = []
        marks: list[Mark] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            self._path.append(len(values))
            value, mark = self._node(event, depth + 1)
            self._path.pop()
            values.append(value)
            marks.append(mark)
        return values, marks

    def _mapping(self, depth: int) -> tuple[dict[str, Any], dict[str, Mark]]:
        values: dict[str, Any] = {}
        marks: dict[str, Mark] = {}
        merged: list[tuple[Any, Mark]] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            line = _line(event)
            key = self._key(event, depth)
            self._path.append(key if isinstance(key, str) else "<<")
            value, mark = self._node(self._next(), depth + 1)
            if key is _Merge:
                merged.append((value, mark))
            elif key in values:
                first = Place(self._position, marks[key].line, self._name)
                self._add_fault(line, f"is defined twice; first at {first}", " ")
            elif key is not _Wrong:
                values[key] = value
                marks[key] = Mark(line, mark.children)
            self._path.pop()
        for value, mark in merged:
            values, marks = self._merge(values, marks, value, mark)
        return values, marks

    def _merge(
        self, values: dict[str, Any], marks: dict[str, Mark], merged: Any, mark: Mark
    ) -> tuple[dict[str, Any], dict[str, Mark]]:
        """Put what ``<<`` brings before the mapping's own keys, which win."""
        sources: list[tuple[Any, Mark]] = [(merged, mark)]
        if isinstance(merged, list) and isinstance(mark.children, list):
            sources = list(zip(merged, mark.children, strict=True))
        for value, origin in sources:
            if isinstance(value, dict) and isinstance(origin.children, dict):
                values = {**value, **values}
                marks = {**origin.children, **marks}
            else:
                self._path.append("<<")
                self._add_fault(origin.line, "must be a mapping, or a list of mappings.")
                self._path.pop()
        return values, marks

    def _key(self, event: Any, depth: int) -> Any:
        if not isinstance(event, yaml.ScalarEvent):
            self._add_fault(_line(event), "every key must be text.")
            self._node(event, depth + 1)
            return _Wrong
        self._count += 1
        check_count(self._count, _line(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = event.value, Mark(_line(event)), 1, 0
        tag = self._tag(event)
        if tag == "merge":
            return _Merge
        if event.tag is not None or tag not in ("str", "value"):
            self._path.append(event.value)
            self._add_fault(_line(event), "YAML does not read this key as text: quote it.")
            self._path.pop()
        return event.value

    def _scalar(self, event: Any) -> Any:
        tag = self._tag(event)
        text: str = event.value
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() in _TRUE
        if tag == "int":
            # 0512 is an octal and 1:30 a sexagesimal number in YAML 1.1, which nobody means.
            if _DECIMAL.fullmatch(text) is None:
                return self._refuse(event, "YAML reads this as a number that is not decimal: write it so, or quote it.")
            return self._sound(event, int(text), number_fault(int(text)))
        if tag == "float":
            if _FLOAT.fullmatch(text) is None:
                return self._refuse(event, "must be a finite decimal number; if it is text, quote it.")
            return self._sound(event, float(text), number_fault(float(text)))
        if tag == "timestamp":
            return self._refuse(event, "YAML reads this as a date: quote it.")
        return self._sound(event, text, text_fault(text))

    def _tag(self, event: Any) -> str:
        if not event.implicit[0]:
            return "str"
        return str(self._loader.resolve(yaml.ScalarNode, event.value, (True, False))).removeprefix(_STANDARD)

    def _sound(self, event: Any, value: Any, fault: str | None) -> Any:
        return value if fault is None else self._refuse(event, fault)

    def _refuse(self, event: Any, sentence: str) -> None:
        self._add_fault(_line(event), sentence)

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace(_STANDARD, "!!")
        remedy = "Give encrypted values as inventory variables." if tag == "!vault" else "Write a plain value."
        self._add_fault(_line(event), f"the tag {tag} is not allowed in a fleet file. {remedy}")

    def _add_fault(self, line: int, sentence: str, joint: str = ": ") -> None:
        self._faults.add(Place(self._position, line, self._name), tuple(self._path), sentence, joint)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
