# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the driver that is about images of other hosts."""

from __future__ import annotations

from typing import Optional

from ...objects.image_transfer import ImageOffer, ImagePiece
from ...objects.ingredients import Image
from ..driver import ComputeDriver
from ..image_pieces import ImageOrigin
from ..images import ImageCache
from .storage import DiskStore


class ImageDriving(ImageOrigin, ComputeDriver):
    """See ComputeDriver."""

    def lacks_image(self, image: Image, offer: Optional[ImageOffer]) -> bool:
        return self._images.lacks(image, offer)

    def receive_image(self, image: Image, offer: ImageOffer, piece: ImagePiece, run: str) -> None:
        # How large the instance's disk may be is asked when it is made.
        self._images.receive(image, offer, piece, run, lambda size: self._disks.check_fits(size, 0))

    @property
    def _disks(self) -> DiskStore:
        """The disks of the pool, which the driver itself knows."""
        raise NotImplementedError

    @property
    def _images(self) -> ImageCache:
        """The images of the host, which the driver itself knows."""
        raise NotImplementedError
