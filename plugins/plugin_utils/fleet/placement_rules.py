# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what instances ask of their hosts: extra specs, image properties, predicates and hints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import (
    ResourceRequestInvalid,
    requested_resources,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image

from ..scheduler.options import ENABLED_FILTERS
from ..scheduler.predicate_reader import faults_of
from .draft import Draft
from .faults import Faults
from .hints import check_hints
from .names import Counts
from .shape_rules import check_shapes
from .wording import Path

# The filter without which such a key would be ignored.
_FILTERS = {
    "resources": "ResourceClassFilter",
    "trait": "TraitsFilter",
    "capabilities": "ComputeCapabilitiesFilter",
    "aggregate_instance_extra_specs": "AggregateInstanceExtraSpecsFilter",
}
# Any flavor goes with an image that asks for nothing, and any image with this flavor.
_PLAIN = Flavor("plain", 1, 1)


def check_placement_rules(draft: Draft, counts: Counts, faults: Faults) -> None:
    """Add a fault for every rule of placement that makes no sense, or that no enabled filter would apply.

    Args:
        counts: The entries under ``instances``.
    """
    enabled = _enabled_filters(draft)
    flavors = {name: _flavor(name, body) for name, body in draft.section("flavors").items()}
    images = {name: _image(name, body) for name, body in draft.section("images").items()}
    for name, flavor in flavors.items():
        path: Path = ("flavors", name, "extra_specs")
        _check_request(draft, path, flavor, None, faults)
        _check_filters(draft, path, flavor.extra_specs, enabled, faults)
    for name, image in images.items():
        path = ("images", name, "properties")
        _check_request(draft, path, _PLAIN, image, faults)
        traits = [key for key in image.properties if key.startswith("trait")]
        _check_filters(draft, path, dict.fromkeys(traits), enabled, faults)
    for name, body in draft.section("instances").items():
        _check_pair(draft, name, _named(flavors, body.get("flavor")), _named(images, body.get("image")), faults)
        _check_where(draft, name, body, enabled, faults)
    check_shapes(draft, flavors, images, faults)
    check_hints(draft, counts, enabled, faults)


def _enabled_filters(draft: Draft) -> set[str]:
    scheduler = draft.content.get("scheduler")
    names = scheduler.get("enabled_filters") if isinstance(scheduler, dict) else None
    return {name for name in (names if isinstance(names, list) else ENABLED_FILTERS) if isinstance(name, str)}


def _check_request(draft: Draft, path: Path, flavor: Flavor, image: Image | None, faults: Faults) -> None:
    try:
        requested_resources(flavor, image)
    except ResourceRequestInvalid as error:
        key = (*path, error.key)
        faults.add(draft.place(key), key, error.sentence)
    except InvalidInput as error:
        faults.add(draft.place(path), path, str(error))


def _check_filters(draft: Draft, path: Path, specs: Mapping[str, Any], enabled: set[str], faults: Faults) -> None:
    for key in specs:
        scope = next((scope for scope in _FILTERS if key.startswith(scope) and ":" in key), None)
        if scope is not None and _FILTERS[scope] not in enabled:
            place = (*path, key)
            faults.add(draft.place(place), place, f"needs {_FILTERS[scope]} in scheduler.enabled_filters.")


def _check_pair(draft: Draft, name: str, flavor: Flavor | None, image: Image | None, faults: Faults) -> None:
    """Add a fault where flavor and image, each sound by itself, contradict each other."""
    if flavor is None or image is None or not _is_sound(flavor, None) or not _is_sound(_PLAIN, image):
        return
    try:
        requested_resources(flavor, image)
    except InvalidInput as error:
        path: Path = ("instances", name, "image")
        faults.add(draft.place(path), path, str(error))


def _is_sound(flavor: Flavor, image: Image | None) -> bool:
    try:
        requested_resources(flavor, image)
    except InvalidInput:
        return False
    return True


def _check_where(draft: Draft, name: str, body: Mapping[str, Any], enabled: set[str], faults: Faults) -> None:
    where = body.get("where")
    if not isinstance(where, list):
        return
    path: Path = ("instances", name, "where")
    if where and "WhereFilter" not in enabled:
        faults.add(draft.place(path), path, "needs WhereFilter in scheduler.enabled_filters.")
    for fault in faults_of(where):
        place = (*path, *fault.path)
        faults.add(draft.place(place), place, fault.sentence)


def _flavor(name: str, body: Mapping[str, Any]) -> Flavor:
    size = {key: _count(body.get(key), least) for key, least in (("vcpus", 1), ("memory_mb", 1), ("root_gb", 0))}
    return Flavor(name, **size, extra_specs=_texts(body.get("extra_specs")))


def _image(name: str, body: Mapping[str, Any]) -> Image:
    return Image(name, "", properties=_texts(body.get("properties")))


# Values of the wrong type have their fault already and are passed over.
def _count(value: Any, least: int) -> int:
    return int(value) if isinstance(value, (int, float)) and value >= least else least


def _texts(value: Any) -> dict[str, str]:
    found = value if isinstance(value, dict) else {}
    return {key: text for key, text in found.items() if isinstance(text, str)}


def _named(found: Mapping[str, Any], name: Any) -> Any:
    return found.get(name) if isinstance(name, str) else None
