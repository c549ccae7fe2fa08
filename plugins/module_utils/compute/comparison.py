# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an instance's intent has changed, and what of that can be done in place.

Specs are compared, never domain XML: what libvirt expands on its own is no change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..objects.instance import InstanceSpec
from ..objects.plan import FieldChange
from .block_devices import relabel
from .firewall_changes import compare_firewalls
from .impacts import LIVE, NONE, REBUILD, RECONFIGURE, REFUSE, UPDATE, WAYS, find_row
from .nic_changes import NicChanges, compare_nics, relabel_nics
from .told_changes import TOLD_SECRETS, describe_secret, unfold
from .volume_changes import VolumeChanges, compare_volumes

# What any change of these parts of a spec takes.
# What the other changes take that are refused.
NEW_INSTANCE = "a new instance"
# They name a thing or limit where an instance may be built; the guest that exists is the same under any of them.
LABELS = ("flavor.name", "image.name")


@dataclass(frozen=True)
class Comparison:
    """The outcome of a comparison. Which change takes what, `impacts` says.

    Args:
        updates: Changes that the record alone shows.
        reconfigured: Changes of the guest in place.
        rebuilt: Changes that a rebuild makes.
        refused: Changes that cannot be made, by the part of the spec.
        kept: The wanted spec, with the parts as they were applied last that more than an update makes.
        volumes: What is to be done about its volumes. The specs above leave them to that.
        nics: The same of its NICs.
        wanted: The wanted spec.
        firewall: What changes of its firewall, which they leave as it was applied last.
    """

    updates: list[FieldChange]
    reconfigured: list[FieldChange]
    rebuilt: list[FieldChange]
    refused: dict[str, list[FieldChange]]
    kept: InstanceSpec
    wanted: InstanceSpec
    volumes: VolumeChanges = field(default_factory=VolumeChanges)
    nics: NicChanges = field(default_factory=NicChanges)
    firewall: list[FieldChange] = field(default_factory=list)

    def reach(self, spec: InstanceSpec, changes: Sequence[FieldChange]) -> InstanceSpec:
        """Return a spec with the parts as they are wanted that these changes are of."""
        return spec.but(**{part: getattr(self.wanted, part) for part in {part_of(change) for change in changes}})


def compare(applied: InstanceSpec, wanted: InstanceSpec) -> Comparison:
    """Compare the spec that was applied last with the wanted one, field by field."""
    if applied == wanted:
        return Comparison([], [], [], {}, wanted, wanted)
    volumes = compare_volumes(applied.volumes, wanted.volumes)
    if applied.boots_from_volume or wanted.boots_from_volume:
        # That tells of its boot volume, which is compared with the other volumes.
        wanted = wanted.but(image=applied.image)
    firewall = compare_firewalls(applied.firewall, wanted.firewall)
    nics = compare_nics(applied.networks, wanted.networks)
    wanted = wanted.but(
        volumes=relabel(applied.volumes, wanted.volumes),
        networks=relabel_nics(applied.networks, wanted.networks),
        firewall=applied.firewall,
    )
    parts: dict[str, list[FieldChange]] = {}
    for change in list_changes(applied, wanted):
        parts.setdefault(part_of(change), []).append(change)
    relabelled = _is_relabelled(applied, wanted)
    made: dict[str, list[FieldChange]] = {way: [] for way in WAYS}
    refused: dict[str, list[FieldChange]] = {}
    kept = wanted
    for part, changes in parts.items():
        ways = {id(change): _way(change, relabelled) for change in changes}
        way = max(ways.values(), key=WAYS.index)
        if way == REFUSE:
            refused[part] = [change for change in changes if ways[id(change)] == REFUSE]
        # What only names the thing goes along with what makes it another.
        weighty = [change for change in changes if way == UPDATE or ways[id(change)] != UPDATE]
        made[way].extend(weighty)
        if way != UPDATE:
            kept = kept.but(**{part: getattr(applied, part)})
    made[UPDATE].extend(volumes.updates)
    return Comparison(made[UPDATE], made[RECONFIGURE], made[REBUILD], refused, kept, wanted, volumes, nics, firewall)


def needs_definition(before: InstanceSpec, after: InstanceSpec) -> bool:
    """Return whether a guest has to be defined anew to be as `after` says."""
    rows = [find_row(change.field) for change in list_changes(before, after)]
    return any(row.way != UPDATE and row.impact not in (NONE, LIVE) for row in rows)


def list_changes(before: InstanceSpec, after: InstanceSpec) -> list[FieldChange]:
    """Return the fields that differ, in the spec's order: ``flavor.memory_mb``, ``networks[0].network``.

    Volumes are compared elsewhere, by what they are and not by their position; so are firewalls, and the NICs that come
    and go.
    """
    old, new = (_fields(spec) for spec in (before, after))
    flat_old, flat_new = _flatten(old), _flatten(new)
    return [
        FieldChange(name, flat_old.get(name), flat_new.get(name))
        for name in {**flat_old, **flat_new}
        if flat_old.get(name) != flat_new.get(name)
    ]


def describe(change: FieldChange) -> str:
    """Return a change as people read it: ``flavor.memory_mb 512 -> 1024``."""
    if change.field in ("ssh_keys", "user_data_sha256"):
        return f"a change of {change.field.removesuffix('_sha256')}"
    if part_of(change) in TOLD_SECRETS:
        return describe_secret(change)
    return f"{change.field} {show(change.before)} -> {show(change.after)}"


def show(value: Any) -> str:
    """Return a field's value as people read it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _fields(spec: InstanceSpec) -> dict[str, Any]:
    fields = spec.but(volumes=[], firewall=None).as_dict()
    return {**fields, **unfold(fields.pop("guest"))}


def _flatten(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in fields.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{name}."))
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for index, item in enumerate(value):
                flat.update(_flatten(item, f"{name}[{index}]."))
        else:
            flat[name] = value
    return flat


def part_of(change: FieldChange) -> str:
    """Return the part of the spec that a change is in."""
    return change.field.partition(".")[0].partition("[")[0]


def _way(change: FieldChange, relabelled: bool) -> str:
    """Return what makes a change."""
    if _is_label(change) or (change.field == "image.source" and relabelled):
        return UPDATE
    if change.field == "flavor.root_gb" and not 0 < (change.before or 0) < (change.after or 0):
        return REFUSE
    return find_row(change.field).way


def _is_label(change: FieldChange) -> bool:
    return change.field in LABELS


def _is_relabelled(applied: InstanceSpec, wanted: InstanceSpec) -> bool:
    """Return whether the image is the same by its checksum, wherever it now comes from."""
    if applied.image is None or wanted.image is None:
        return False
    return applied.image.checksum is not None and applied.image.checksum == wanted.image.checksum
