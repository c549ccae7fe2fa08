# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where instances were last known to be."""

from dataclasses import dataclass, field
from typing import Any, Optional

from .base import Record


@dataclass(frozen=True)
class Whereabout(Record):
    """The last known place of an instance. `generation` is its record's."""

    uuid: str
    name: str
    host: str
    generation: int = 0


@dataclass(frozen=True)
class Place(Record):
    """A host with its instances, as ``[uuid, name, generation]``; `generation` counts the host's changes."""

    generation: int
    instances: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Recollection(Record):
    """What one host knows of another.

    `generation` is that of the other when it was told of last; None if it never was. `announced` are instances that
    were about to be made there, `instances` those that were there.
    """

    host: str
    generation: Optional[int] = None
    instances: list[Whereabout] = field(default_factory=list)
    announced: list[Whereabout] = field(default_factory=list)
