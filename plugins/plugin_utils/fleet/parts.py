# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts a fleet is given in: files, a folder of files, inventory variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from .faults import Faults, Place
from .marks import Mark
from .plain import PlainReader
from .regular_file import read_bytes
from .unreadable import Unreadable
from .wording import Path, wrong_type
from .yaml_reader import YamlReader

MOST_BYTES = 8 * 1024 * 1024
_SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True)
class Part:
    """One source of a fleet, read. `folder` is where relative paths start; None for inventory variables."""

    name: str
    position: int
    content: dict[str, Any]
    mark: Mark | None = None
    folder: FilePath | None = None

    def place(self, path: Path) -> Place:
        """Return where the value at `path` was written, or where the nearest thing around it was."""
        return Place(self.position, self.mark.line_of(path) if self.mark else 0, self.name)


def read_parts(
    source: str | os.PathLike[str] | Mapping[str, Any] | None,
    inventory: Mapping[str, Any] | None,
    where: str,
    faults: Faults,
) -> list[Part]:
    """Read all parts in order: the source's files by name, then the inventory variables."""
    parts: list[Part] = []
    if isinstance(source, Mapping):
        parts.append(_read_variables(source, where if inventory is None else "variable fleet", 0, faults))
    elif isinstance(source, (str, os.PathLike)):
        for position, file in enumerate(_files(FilePath(str(source)), faults)):
            parts.append(_read_file(file, position, faults))
    elif source is not None:
        faults.add_unreadable(Place(0, 0, where), f"the fleet {wrong_type('object', source)}")
    if inventory is not None:
        parts.append(_read_variables(inventory, where, len(parts), faults))
    return parts


def _files(source: FilePath, faults: Faults) -> list[FilePath]:
    if not source.is_dir():
        return [source]
    # A broken link is taken along, so that it is reported and not passed over.
    files = [
        file
        for file in sorted(source.iterdir())
        if file.suffix in _SUFFIXES and not file.name.startswith(".") and not file.is_dir()
    ]
    if not files:
        faults.add_unreadable(Place(0, 0, str(source)), "the folder holds no *.yml or *.yaml file.")
    return files


def _read_file(file: FilePath, position: int, faults: Faults) -> Part:
    name = str(file)
    try:
        text = read_bytes(file, MOST_BYTES).decode("utf-8-sig")
        content, mark = YamlReader(name, position, faults).read(text)
    except UnicodeDecodeError as error:
        faults.add_unreadable(Place(position, error.object.count(b"\n", 0, error.start) + 1, name), "is not UTF-8.")
        return Part(name, position, {})
    except Unreadable as error:
        faults.add_unreadable(Place(position, error.line, name), error.message)
        return Part(name, position, {})
    if content is None:
        content = {}
    if not isinstance(content, dict):
        faults.add_unreadable(Place(position, mark.line if mark else 0, name), wrong_type("object", content))
        return Part(name, position, {})
    return Part(name, position, content, mark, file.parent)


def _read_variables(variables: Mapping[str, Any], name: str, position: int, faults: Faults) -> Part:
    if not isinstance(variables, Mapping):
        faults.add_unreadable(Place(position, 0, name), wrong_type("object", variables))
        return Part(name, position, {})
    try:
        return Part(name, position, PlainReader(Place(position, 0, name), faults).read(variables))
    except Unreadable as error:
        faults.add_unreadable(Place(position, 0, name), error.message)
        return Part(name, position, {})
