# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what a schema cannot: that names are declared, and that declarations agree with each other.

It runs on drafts that the schema has refused as well, so that a user sees all faults at once. Values of the
wrong type have their fault already and are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .adoption_rules import check_adoptions
from .disk_rules import check_disks
from .draft import Draft
from .faults import Faults
from .names import Counts, is_member_number
from .network_rules import check_networks
from .placement_rules import check_placement_rules
from .pool_rules import check_pools
from .security_group_rules import check_security_groups
from .volume_rules import check_volumes
from .wording import Path, missing_name, quoted

MOST_INSTANCES = 100_000
_LONGEST_NAME = 63


def check_references(draft: Draft, faults: Faults) -> None:
    """Add a fault for every name that is not declared and every two declarations that contradict each other."""
    zones = _check_zones(draft, faults)
    for name, body in draft.section("instances").items():
        _check_instance(draft, name, body, zones, faults)
    counts = {name: _count(body) for name, body in draft.section("instances").items()}
    _check_counts(draft, counts, faults)
    check_volumes(draft, counts, faults)
    check_networks(draft, counts, faults)
    check_adoptions(draft, faults)
    check_disks(draft, faults)
    check_pools(draft, faults)
    check_placement_rules(draft, counts, faults)
    check_security_groups(draft, faults)


def _check_instance(draft: Draft, name: str, body: Mapping[str, Any], zones: Collection[str], faults: Faults) -> None:
    known: list[tuple[Path, str, Any, Collection[str]]] = [
        ((key,), word, body.get(key), draft.content.get(section, ()))
        for key, word, section in (
            ("flavor", "flavor", "flavors"),
            ("image", "image", "images"),
            ("server_group", "server group", "server_groups"),
        )
    ]
    known.append((("availability_zone",), "availability zone", body.get("availability_zone"), zones))
    for index, nic in enumerate(_items(body.get("networks"))):
        if isinstance(nic, dict):
            names = draft.content.get("networks", ())
            known.append((("networks", index, "network"), "network", nic.get("network"), names))
    for step, word, value, names in known:
        if isinstance(value, str) and value not in names:
            path = ("instances", name, *step)
            faults.add(draft.place(path), path, missing_name(word, value, names))
    _check_size(draft, name, body, faults)


def _check_size(draft: Draft, name: str, body: Mapping[str, Any], faults: Faults) -> None:
    """Nova's FlavorMemoryTooSmall and FlavorDiskTooSmall. A root disk of 0 takes the image's own size."""
    flavor = _entry(draft, "flavors", body.get("flavor"))
    image = _entry(draft, "images", body.get("image"))
    for has, needs, unit in (
        ("memory_mb", "min_ram_mb", "MB of memory"),
        ("root_gb", "min_disk_gb", "GB of root disk"),
    ):
        size, least = flavor.get(has), image.get(needs)
        if not (isinstance(size, (int, float)) and isinstance(least, (int, float))):
            continue
        if has == "root_gb" and size == 0:
            continue
        if size < least:
            path: Path = ("instances", name, "flavor")
            sentence = f"flavor {body['flavor']} has {size} {unit}, but image {body['image']} needs {least}."
            faults.add(draft.place(path), path, sentence)


def _check_zones(draft: Draft, faults: Faults) -> dict[str, None]:
    """Return the availability zones there are. A host may be in one only (as in Nova)."""
    zones: dict[str, None] = {}
    homes: dict[str, tuple[str, str]] = {}
    for name, body in draft.section("aggregates").items():
        if "availability_zone" in _entries(body.get("metadata")):
            path: Path = ("aggregates", name, "metadata", "availability_zone")
            faults.add(draft.place(path), path, "stands beside metadata, not in it.")
        zone = body.get("availability_zone")
        if not isinstance(zone, str):
            continue
        zones[zone] = None
        for index, host in enumerate(_items(body.get("hosts"))):
            if not isinstance(host, str):
                continue
            other, first = homes.setdefault(host, (zone, name))
            if other != zone:
                path = ("aggregates", name, "hosts", index)
                there = draft.place(("aggregates", first))
                sentence = f"{host} is in availability zone {other} by aggregate {first} ({there}), so not in {zone}."
                faults.add(draft.place(path), path, f"{sentence} A host is in one zone at most.")
    return zones


def _check_counts(draft: Draft, counts: Counts, faults: Faults) -> None:
    for name, count in counts.items():
        path: Path = ("instances", name, "count")
        last = f"{name}-{count}"
        if count is not None and len(name) <= _LONGEST_NAME < len(last):
            sentence = f"the name {quoted(last)} would be longer than {_LONGEST_NAME} characters."
            faults.add(draft.place(path), path, sentence)
        # Only an entry without a count can have the name of another's member: what stands before the last
        # hyphen of a member tells its entry.
        stem, hyphen, number = name.rpartition("-")
        others = counts.get(stem)
        if hyphen and count is None and others is not None and is_member_number(number, others):
            there = draft.place(("instances", stem))
            sentence = f"is defined twice; first as one of the {others} of instances.{stem} at {there}"
            faults.add(draft.place(path[:2]), path[:2], sentence, " ")
    total = sum(1 if count is None else count for count in counts.values())
    if total > MOST_INSTANCES:
        sentence = f"declare {total:,} instances in all; a fleet may have {MOST_INSTANCES:,}."
        faults.add(draft.place(("instances",)), ("instances",), sentence, " ")


def _count(body: Mapping[str, Any]) -> int | None:
    count = body.get("count")
    return int(count) if isinstance(count, (int, float)) else None


def _entry(draft: Draft, section: str, name: Any) -> dict[str, Any]:
    return _entries(draft.content.get(section, {}).get(name)) if isinstance(name, str) else {}


def _entries(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
