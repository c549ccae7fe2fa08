# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that other hosts have: what a host offers of its own, and what it lacks of others'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..objects.errors import ImageUnacceptable
from ..objects.image_transfer import ImageOffer
from ..objects.ingredients import Image
from ..virt.driver import ComputeDriver


@dataclass(frozen=True)
class Offers:
    """By source: how the images are that this host has, and why it has not got the others."""

    offers: dict[str, ImageOffer] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def offer_images(driver: ComputeDriver, images: Iterable[Image]) -> Offers:
    """Tell of the images of this host that others want."""
    found = Offers()
    for image in images:
        try:
            found.offers[image.source] = driver.offer_image(image)
        except ImageUnacceptable as error:
            found.faults[image.source] = str(error)
    return found


def lacking_images(driver: ComputeDriver, images: Iterable[Image], offers: Mapping[str, ImageOffer]) -> list[str]:
    """Return the sources of those that are to be brought here.

    Args:
        offers: How they are now, by source; those of hosts that do not answer are not among them.
    """
    return [image.source for image in images if driver.lacks_image(image, offers.get(image.source))]
