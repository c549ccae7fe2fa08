# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an instance's volumes has changed, and what that takes. They are compared by their uuids, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

from ..objects.plan import FieldChange
from ..objects.volume import VolumeRequest
from .volume_content import is_of_origin, show_origin

ATTACH, DETACH, EXTEND, LIMIT = "attach_volume", "detach_volume", "extend_volume", "limit_volume"
SETTLED = "what an instance boots from is settled when it is made"


@dataclass(frozen=True)
class VolumeChange:
    """One operation on a volume of an instance, and what it changes."""

    operation: str
    volume: VolumeRequest
    change: FieldChange


@dataclass
class VolumeChanges:
    """The outcome of a comparison.

    Args:
        steps: What is to be done, detaching first.
        updates: Changes that the record alone shows.
        refused: What no volume can become, for people.
    """

    steps: list[VolumeChange] = field(default_factory=list)
    updates: list[FieldChange] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def compare_volumes(applied: Sequence[VolumeRequest], wanted: Sequence[VolumeRequest]) -> VolumeChanges:
    """Compare the volumes that an instance has with those that it shall have."""
    found = VolumeChanges()
    held, declared = {item.uuid: item for item in applied}, {item.uuid for item in wanted}
    for item in applied:
        if item.uuid not in declared and item.boot_index == 0:
            found.refused.append(f"{_name(item)} cannot be taken away: the instance boots from it")
        elif item.uuid not in declared:
            found.steps.append(VolumeChange(DETACH, item, FieldChange(_name(item), _size(item), None)))
    for item in wanted:
        if item.uuid in held:
            _compare(held[item.uuid], item, found)
        elif item.boot_index is not None:
            found.refused.append(f"{_name(item)}.boot_index none -> {item.boot_index}: {SETTLED}")
        else:
            found.steps.append(VolumeChange(ATTACH, item, FieldChange(_name(item), None, _size(item))))
    found.steps.sort(key=lambda step: (DETACH, EXTEND, LIMIT, ATTACH).index(step.operation))
    return found


def _compare(held: VolumeRequest, wanted: VolumeRequest, found: VolumeChanges) -> None:
    name = _name(held)
    if wanted.size_gb < held.size_gb:
        found.refused.append(f"{name}.size_gb {held.size_gb} -> {wanted.size_gb}: a volume never shrinks")
    if wanted.format != held.format:
        found.refused.append(f"{name}.format {held.format} -> {wanted.format}: what a volume was made as, it stays")
    if not is_of_origin(held, wanted):
        found.refused.append(
            f"{name}: made of {show_origin(held)}, and {show_origin(wanted)} is declared: what is on it is kept"
        )
    if wanted.boot_index != held.boot_index:
        indexes = (("none" if index is None else index) for index in (held.boot_index, wanted.boot_index))
        found.refused.append(f"{name}.boot_index {' -> '.join(map(str, indexes))}: {SETTLED}")
    if (wanted.pool, wanted.name_in_pool) != (held.pool, held.name_in_pool):
        where, there = _where(held), _where(wanted)
        what = f"{name}.pool {where} -> {there}" if where != there else f"another definition of {name}.pool"
        found.refused.append(f"{what}: a volume stays where its data are; swap_volume moves them to another one")
        wanted = wanted.but(pool=held.pool, name_in_pool=held.name_in_pool)
    if wanted.encrypted != held.encrypted:
        was = f"{name}.encrypted {held.encrypted} -> {wanted.encrypted}"
        found.refused.append(f"{was}: what a volume was made as, it stays")
        wanted = wanted.but(encrypted=held.encrypted)
    if wanted.delete_on_termination != held.delete_on_termination:
        flags = held.delete_on_termination, wanted.delete_on_termination
        found.updates.append(FieldChange(f"{name}.delete_on_termination", *flags))
    size_gb = max(held.size_gb, wanted.size_gb)
    if wanted.bus != held.bus and held.boot_index == 0:
        found.refused.append(f"{name}.bus {held.bus} -> {wanted.bus}: the instance boots from it")
    elif wanted.bus != held.bus:
        change = FieldChange(f"{name}.bus", held.bus, wanted.bus)
        found.steps.append(VolumeChange(DETACH, held, change))
        found.steps.append(VolumeChange(ATTACH, _replugged(held, wanted, size_gb), change))
    elif size_gb > held.size_gb:
        change = FieldChange(f"{name}.size_gb", held.size_gb, size_gb)
        found.steps.append(VolumeChange(EXTEND, held.but(size_gb=size_gb), change))
    if wanted.limits != held.limits and wanted.bus == held.bus:
        change = FieldChange(f"{name}.limits", _limits(held), _limits(wanted))
        found.steps.append(VolumeChange(LIMIT, held.but(size_gb=size_gb, limits=wanted.limits), change))


def _replugged(held: VolumeRequest, wanted: VolumeRequest, size_gb: int) -> VolumeRequest:
    """Return the volume as it is, on another bus."""
    kept = {"format": held.format, "image": held.image, "snapshot": held.snapshot, "boot_index": held.boot_index}
    return wanted.but(size_gb=size_gb, **kept)


def _name(item: VolumeRequest) -> str:
    return f"volumes.{item.name}"


def _where(item: VolumeRequest) -> str:
    pool = "none" if item.pool is None else item.pool.name
    return pool if item.name_in_pool is None else f"{pool}/{item.name_in_pool}"


def _limits(item: VolumeRequest) -> Optional[str]:
    return ", ".join(f"{name} {value}" for name, value in sorted(item.limits.items())) or None


def _size(item: VolumeRequest) -> str:
    return f"{item.size_gb} GiB"
