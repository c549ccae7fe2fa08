# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an instance's intent has changed, and what of that can be done in place.

Specs are compared, never domain XML: what libvirt expands on its own is no change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..objects.instance import InstanceSpec
from ..objects.plan import FieldChange
from .block_devices import relabel
from .firewall_changes import compare_firewalls
from .nic_changes import NicChanges, compare_nics, relabel_nics
from .volume_changes import VolumeChanges, compare_volumes

# What a change of these parts of a spec takes, that this release cannot do.
REMEDIES = {
    "flavor": "a resize",
}
# A change of these takes a new root disk. The guest reads the last two at its first boot only.
REBUILT = ("image", "ssh_keys", "user_data_sha256")
# They name a thing or limit where an instance may be built; the guest that exists is the same under any of them.
LABELS = ("flavor.name", "image.name", "image.min_ram_mb", "image.min_disk_gb")


@dataclass(frozen=True)
class Comparison:
    """The outcome of a comparison.

    Args:
        updates: Changes that the record alone shows.
        rebuilt: Changes that a rebuild makes.
        refused: Changes that this release cannot make, by the part of the spec.
        reachable: The wanted spec, with the refused parts as they were applied last.
        kept: The same, with the parts that a rebuild makes as they were applied last, too.
        volumes: What is to be done about its volumes. The specs above leave them to that.
        nics: The same of its NICs.
        firewall: What changes of its firewall, which they leave as it was applied last.
    """

    updates: list[FieldChange]
    rebuilt: list[FieldChange]
    refused: dict[str, list[FieldChange]]
    reachable: InstanceSpec
    kept: InstanceSpec
    volumes: VolumeChanges = field(default_factory=VolumeChanges)
    nics: NicChanges = field(default_factory=NicChanges)
    firewall: list[FieldChange] = field(default_factory=list)


def compare(applied: InstanceSpec, wanted: InstanceSpec) -> Comparison:
    """Compare the spec that was applied last with the wanted one, field by field."""
    if applied == wanted:
        return Comparison([], [], {}, wanted, wanted)
    volumes = compare_volumes(applied.volumes, wanted.volumes)
    firewall = compare_firewalls(applied.firewall, wanted.firewall)
    nics = compare_nics(applied.networks, wanted.networks)
    wanted = wanted.but(
        volumes=relabel(applied.volumes, wanted.volumes),
        networks=relabel_nics(applied.networks, wanted.networks),
        firewall=applied.firewall,
    )
    changes = list_changes(applied, wanted)
    relabelled = _is_relabelled(applied, wanted)
    weighty: dict[str, list[FieldChange]] = {}
    for change in changes:
        part = _part(change)
        is_light = _is_label(change) or (change.field == "image.source" and relabelled)
        if (part in REMEDIES or part in REBUILT) and not is_light:
            weighty.setdefault(part, []).append(change)
    updates = [change for change in changes if _part(change) not in weighty] + volumes.updates
    rebuilt = [change for part in REBUILT for change in weighty.get(part, [])]
    refused = {part: found for part, found in weighty.items() if part in REMEDIES}
    reachable = wanted.but(**{part: getattr(applied, part) for part in refused})
    kept = reachable.but(**{part: getattr(applied, part) for part in REBUILT if part in weighty})
    return Comparison(updates, rebuilt, refused, reachable, kept, volumes, nics, firewall)


def list_changes(before: InstanceSpec, after: InstanceSpec) -> list[FieldChange]:
    """Return the fields that differ, in the spec's order: ``flavor.memory_mb``, ``networks[0].network``.

    Volumes are compared elsewhere, by what they are and not by their position; so are firewalls, and the NICs that come
    and go.
    """
    old, new = (spec.but(volumes=[], firewall=None).as_dict() for spec in (before, after))
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
    return f"{change.field} {show(change.before)} -> {show(change.after)}"


def show(value: Any) -> str:
    """Return a field's value as people read it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


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


def _part(change: FieldChange) -> str:
    return change.field.partition(".")[0].partition("[")[0]


def _is_label(change: FieldChange) -> bool:
    return change.field in LABELS


def _is_relabelled(applied: InstanceSpec, wanted: InstanceSpec) -> bool:
    """Return whether the image is the same by its checksum, wherever it now comes from."""
    if applied.image is None or wanted.image is None:
        return False
    return applied.image.checksum is not None and applied.image.checksum == wanted.image.checksum
