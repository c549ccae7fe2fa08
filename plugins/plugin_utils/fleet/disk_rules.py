# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what instances boot from and what disks they have: that it is there, fits, and comes in an order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import nearest

from .draft import Draft
from .faults import Faults
from .wording import Path, missing_name


def check_disks(draft: Draft, faults: Faults) -> None:
    """Add a fault for every image that is not declared or too large, wrong boot orders, and too much ephemeral disk."""
    for path, body in _volumes(draft):
        _check_origin(draft, path, body, faults)
    for name, body in draft.section("instances").items():
        _check_boot_order(draft, name, body, faults)
        _check_ephemeral(draft, name, body, faults)


def _volumes(draft: Draft) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for name, body in draft.section("volumes").items():
        yield ("volumes", name), body
    for name, body in draft.section("instances").items():
        for index, item in enumerate(_items(body.get("volumes"))):
            yield ("instances", name, "volumes", index), item


def _check_origin(draft: Draft, path: Path, body: Mapping[str, Any], faults: Faults) -> None:
    name, images = body.get("image"), draft.content.get("images", {})
    if not isinstance(name, str):
        return
    if name not in images:
        at: Path = (*path, "image")
        faults.add(draft.place(at), at, missing_name("image", name, images))
        return
    image = images[name] if isinstance(images[name], dict) else {}
    [size], [least] = _numbers([body.get("size_gb")]) or [0], _numbers([image.get("min_disk_gb")]) or [0]
    if 0 < size < least:
        at = (*path, "size_gb")
        faults.add(draft.place(at), at, f"image {name} needs {least} GB, and the volume has {size}.")


def _check_boot_order(draft: Draft, name: str, body: Mapping[str, Any], faults: Faults) -> None:
    """As in Nova: from 0 on, without gaps. The root disk that is made of an image has the 0."""
    items = _items(body.get("volumes"))
    asked = sorted(_numbers([item.get("boot_index") for item in items]))
    path: Path = ("instances", name, "image")
    if "image" not in body and 0 not in asked:
        # A key that was misspelt is not missed as well: one fault has one sentence.
        if "adopted" not in body and not {nearest("image", [key]) for key in body} - {""}:
            place = draft.place(("instances", name))
            faults.add(place, path, "required, but missing.")
        return
    if "image" in body and 0 in asked:
        sentence = "cannot go together with a volume of boot_index 0: the instance boots from one of them."
        faults.add(draft.place(path), path, sentence, " ")
        return
    first = 1 if "image" in body else 0
    if asked != list(range(first, first + len(asked))):
        index = next(index for index, item in enumerate(items) if "boot_index" in item)
        path = ("instances", name, "volumes", index, "boot_index")
        told = ", ".join(map(str, asked))
        sentence = f"the order of the instance's volumes is {told}; it must count from {first}, without gaps."
        faults.add(draft.place(path), path, sentence)


def _check_ephemeral(draft: Draft, name: str, body: Mapping[str, Any], faults: Faults) -> None:
    flavors, flavor_name = draft.content.get("flavors", {}), body.get("flavor")
    flavor = flavors.get(flavor_name) if isinstance(flavors, dict) and isinstance(flavor_name, str) else None
    if not isinstance(flavor, dict):
        return
    most = sum(_numbers([flavor.get("ephemeral_gb", 0)]))
    asked = sum(_numbers([item.get("size_gb") for item in _items(body.get("ephemeral"))]))
    path: Path = ("instances", name, "ephemeral")
    if body.get("ephemeral") == []:
        faults.add(draft.place(path), path, "is empty: leave it out to have one disk of the flavor's size.", " ")
    elif asked > most:
        sentence = f"has {asked} GB in all, and flavor {flavor_name} has an ephemeral_gb of {most}."
        faults.add(draft.place(path), path, sentence, " ")


def _items(value: Any) -> list[dict[str, Any]]:
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []


def _numbers(values: Iterable[Any]) -> list[int]:
    """Return those that are numbers. What is not has its fault already."""
    return [int(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
