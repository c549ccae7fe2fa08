# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a fleet, merged and not yet checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .faults import Faults, Place
from .parts import Part
from .wording import Path, quoted, wrong_type

NAMED_SECTIONS = (
    "flavors",
    "images",
    "networks",
    "volumes",
    "storage_pools",
    "security_groups",
    "server_groups",
    "aggregates",
    "instances",
)
SECTIONS = (*NAMED_SECTIONS, "scheduler", "guest")


@dataclass(frozen=True)
class Draft:
    """What all parts declare together. `owners` knows the part of each top-level key and each section's entry."""

    content: dict[str, Any]
    owners: dict[Path, Part]
    home: Place = field(default=Place(0, 0, "fleet"))

    def section(self, name: str) -> dict[str, Any]:
        """Return a section's entries by name; what is no mapping, and has its fault, is left out."""
        return {key: body for key, body in self.content.get(name, {}).items() if isinstance(body, dict)}

    def owner(self, path: Path) -> Part | None:
        """Return the part that declares the value at `path`."""
        return self.owners.get(path[:2]) or self.owners.get(path[:1])

    def place(self, path: Path) -> Place:
        """Return where the value at `path` was written; the fleet's first part where that is nowhere."""
        owner = self.owner(path)
        return self.home if owner is None else owner.place(path)


def merge(parts: Sequence[Part], faults: Faults) -> Draft:
    """Join the parts. Sections grow together; what is written twice is a fault unless it says the same setting."""
    content: dict[str, Any] = {}
    owners: dict[Path, Part] = {}
    for part in parts:
        for key, value in part.content.items():
            if key not in SECTIONS:
                _add(content, (key,), value, part, owners, faults)
            elif isinstance(value, dict):
                section = content.setdefault(key, {})
                owners.setdefault((key,), part)
                for name, body in value.items():
                    _add(section, (key, name), body, part, owners, faults)
            else:
                faults.add(part.place((key,)), (key,), wrong_type("object", value))
    return Draft(content, owners, Place(0, 0, parts[0].name))


def _add(
    target: dict[str, Any], path: tuple[str, ...], value: Any, part: Part, owners: dict[Path, Part], faults: Faults
) -> None:
    if path not in owners:
        target[path[-1]] = value
        owners[path] = part
        return
    first = owners[path].place(path)
    if path[0] in NAMED_SECTIONS:
        faults.add(part.place(path), path, f"is defined twice; first at {first}", " ")
    elif value != target[path[-1]]:
        was, now = (quoted(str(item)) for item in (target[path[-1]], value))
        faults.add(part.place(path), path, f"is {now} here, but {was} at {first}", " ")
