# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images of the FakeDriver: those of other hosts are real files, and really travel; the others are names."""

from __future__ import annotations

import abc
import hashlib
import time
from pathlib import Path
from typing import Any, Optional

from ..objects.errors import ImageUnacceptable
from ..objects.image_transfer import ImageOffer, ImagePiece
from ..objects.ingredients import Image
from ..objects.instance import Instance
from .arrived_images import ArrivedImages
from .driver import ComputeDriver
from .hypervisor import CachedImage
from .image_pieces import ImageOrigin
from .image_source import not_brought

IMAGES_SCHEMA = """
CREATE TABLE IF NOT EXISTS fake_images (path TEXT PRIMARY KEY, used_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fake_brought_images (source TEXT PRIMARY KEY, mark TEXT NOT NULL, digest TEXT NOT NULL);
"""
_GIB = 1 << 30


class FakeImages(ImageOrigin, ComputeDriver):
    """See ComputeDriver."""

    _host: str
    _settings_path: Path

    def ensure_image(self, instance: Instance) -> CachedImage:
        self._obey("ensure_image", instance.spec.name)
        image = instance.spec.image
        if image is not None and self.lacks_image(image, None):
            raise not_brought(image)
        path = "none" if image is None else image.source
        self._write("INSERT OR REPLACE INTO fake_images VALUES (?, ?)", path, time.time_ns())
        return CachedImage(path, "qcow2", _GIB)

    def lacks_image(self, image: Image, offer: Optional[ImageOffer]) -> bool:
        if image.host in (None, self._host):
            return False
        for row in self._rows("SELECT * FROM fake_brought_images WHERE source = ?", image.source):
            if image.checksum is not None:
                return bool(row["digest"] != image.checksum)
            return offer is not None and bool(row["mark"] != offer.mark)
        return True

    def receive_image(self, image: Image, offer: ImageOffer, piece: ImagePiece, run: str) -> None:
        self._obey("receive_image", image.name)
        arrived = ArrivedImages(self._settings_path.parent, "novella-base-")
        with arrived.receive(image, offer, piece, run) as whole:
            if whole is None:
                return
            digest = f"sha256:{hashlib.sha256(whole.read()).hexdigest()}"
            if image.checksum not in (None, digest):
                raise ImageUnacceptable(f"Image '{image.name}' has the checksum {digest}, not {image.checksum}.")
            self._write("INSERT OR REPLACE INTO fake_brought_images VALUES (?, ?, ?)", image.source, offer.mark, digest)

    @abc.abstractmethod
    def _rows(self, sql: str, *values: object) -> list[Any]: ...

    @abc.abstractmethod
    def _write(self, sql: str, *values: object) -> None: ...

    @abc.abstractmethod
    def _obey(self, method: str, name: str) -> None: ...
