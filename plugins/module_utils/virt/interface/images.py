# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a driver does with images: the host's cache of them, and those of other hosts. See `virt.driver`."""

from __future__ import annotations

import abc
from typing import Optional

from ...objects.image_transfer import ImageOffer, ImagePiece
from ...objects.ingredients import Image
from ...objects.instance import Instance
from ..hypervisor import CachedImage, UnusedImage


class ImageDriver(abc.ABC):
    """What a driver does with images: the host's cache of them, and those of other hosts."""

    @abc.abstractmethod
    def ensure_image(self, instance: Instance) -> CachedImage:
        """Have the instance's image in the host's cache, verified against its checksum.

        Many threads and processes may ask at once for one image: it is fetched once. A half file is never seen.

        Raises:
            ImageUnacceptable: It is not there, its checksum differs, or its content is not an acceptable image.
        """

    @abc.abstractmethod
    def list_unused_images(self, minimum_age: float) -> list[UnusedImage]:
        """Return the cached images that back no disk of any domain, ours or foreign, and no disk that was kept.

        Args:
            minimum_age: Only those that `ensure_image` has not returned for so many seconds.
        """

    @abc.abstractmethod
    def remove_image(self, image: UnusedImage) -> bool:
        """Remove an unused image from the cache. Return False, and keep it, where it was used since it was listed."""

    @abc.abstractmethod
    def offer_image(self, image: Image) -> ImageOffer:
        """Tell of an image that is a file of this host, and that other hosts are to have.

        Raises:
            ImageUnacceptable: It is not there, or no file to be read.
        """

    @abc.abstractmethod
    def lacks_image(self, image: Image, offer: Optional[ImageOffer]) -> bool:
        """Return whether an image of another host is to be brought here before it can be used.

        Args:
            offer: As it is there now. None where that host does not say: then what was brought last will do.
        """

    @abc.abstractmethod
    def read_image(self, image: Image, offer: ImageOffer, begin: int, into: str) -> ImagePiece:
        """Write the next piece of an image that is a file of this host to a file, for whom its folder belongs to.

        Args:
            begin: The byte that the piece begins with.
            into: The file's path.

        Raises:
            ImageUnacceptable: The image is gone, or is not as it was offered.
        """

    @abc.abstractmethod
    def receive_image(self, image: Image, offer: ImageOffer, piece: ImagePiece, run: str) -> None:
        """Take over a piece of an image of another host. With the last one, have the image in the host's cache.

        Args:
            run: Names what has come so far: several may bring one image at once.

        Raises:
            ImageUnacceptable: What came is not what was offered, its checksum differs, or it is no acceptable image.
            ComputeResourcesUnavailable: The disk is full.
        """
