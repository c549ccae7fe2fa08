# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what flavors and images say of guests: every key is known, makes sense, and can be honoured."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.virt.shape.guest_shape import (
    faults_of_flavor,
    faults_of_image,
    read_shape,
)

from .draft import Draft
from .faults import Faults
from .wording import Path


def check_shapes(draft: Draft, flavors: Mapping[str, Flavor], images: Mapping[str, Image], faults: Faults) -> None:
    """Add a fault for every key of a flavor or an image that shapes no guest, and for those that contradict."""
    sound_flavors = {name for name, flavor in flavors.items() if _is_sound_flavor(draft, flavor, faults)}
    sound_images = {name for name, image in images.items() if _is_sound_image(draft, image, faults)}
    # Many instances have the same pair.
    said: dict[tuple[str, str], str] = {}
    for name, body in draft.section("instances").items():
        flavor, image = body.get("flavor"), body.get("image")
        if not isinstance(flavor, str) or not isinstance(image, str):
            continue
        if flavor in sound_flavors and image in sound_images and (flavor, image) not in said:
            said[flavor, image] = _contradiction(flavors[flavor], images[image])
        if said.get((flavor, image)):
            path: Path = ("instances", name, "image")
            faults.add(draft.place(path), path, said[flavor, image])


def _is_sound_flavor(draft: Draft, flavor: Flavor, faults: Faults) -> bool:
    found = list(faults_of_flavor(flavor))
    for key, error in found:
        path: Path = ("flavors", flavor.name, "extra_specs", key)
        faults.add(draft.place(path), path, str(error))
    return not found


def _is_sound_image(draft: Draft, image: Image, faults: Faults) -> bool:
    found = list(faults_of_image(image))
    for key, error in found:
        path: Path = ("images", image.name, "properties", key)
        faults.add(draft.place(path), path, str(error))
    return not found


def _contradiction(flavor: Flavor, image: Image) -> str:
    try:
        read_shape(flavor, image)
    except NovellaError as error:
        return str(error)
    return ""
