# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the image cache came from other hosts: which image is whose, and images that are on their way."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Optional

from ..objects.errors import ComputeResourcesUnavailable, ImageUnacceptable
from ..objects.image_transfer import ImageOffer, ImagePiece
from ..objects.ingredients import Image
from .image_pieces import CHUNK, FORGOTTEN, unpack_piece

ARRIVING = ".arriving"
NOTE = ".origin"
ZEROS = bytes(CHUNK)


class ArrivedImages:
    """Notes beside cached images that tell which of them another host's file is, as it was last brought.

    The digest of the source, which names the note, leads to the digest that names the image. While an image is on its
    way, its file has the name of the run that brings it, and is nobody's but that run's.

    Args:
        directory: The cache's.
        prefix: What names in it begin with.
    """

    def __init__(self, directory: Path, prefix: str) -> None:
        self._directory = directory
        self._prefix = prefix

    def read_key(self, image: Image) -> Optional[str]:
        """Return the digest that names the image which was brought for this source, or None."""
        try:
            text = self._note(image).read_text("ascii", "replace")
        except FileNotFoundError:
            return None
        return text if re.fullmatch("[0-9a-f]{64}", text) else None

    def write_key(self, image: Image, key: str) -> None:
        """Note it, whole or not at all."""
        note = self._note(image)
        fresh = note.with_suffix(f"{NOTE}.{os.getpid()}{ARRIVING}")
        fresh.write_text(key, "ascii")
        fresh.replace(note)

    def forget(self, key: str) -> None:
        """Remove the notes that lead to an image."""
        for note in self._directory.glob(f"{self._prefix}*{NOTE}"):
            with contextlib.suppress(OSError):
                if note.read_text("ascii", "replace") == key:
                    note.unlink()

    def sweep(self) -> None:
        """Remove what came of images whose runs died."""
        for left in self._directory.glob(f"{self._prefix}*{ARRIVING}"):
            with contextlib.suppress(OSError), left.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - left.stat().st_mtime > FORGOTTEN:
                    left.unlink()

    @contextlib.contextmanager
    def receive(
        self, image: Image, offer: ImageOffer, piece: ImagePiece, run: str
    ) -> Iterator[Optional[io.BufferedRandom]]:
        """Add a piece to what has come, and give the image if that was the last one. It is gone afterwards.

        Raises:
            ImageUnacceptable: The piece is not the next one, or damaged.
            ComputeResourcesUnavailable: The disk is full.
        """
        if not piece.begin:
            self.sweep()
        name = hashlib.sha256(f"{image.source}\0{offer.mark}\0{run}".encode()).hexdigest()
        path = self._directory / f"{self._prefix}{name}{ARRIVING}"
        is_ended = True
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not piece.begin:
                    file.truncate(0)
                if os.fstat(file.fileno()).st_size != piece.begin or not piece.begin <= piece.end <= offer.length:
                    raise ImageUnacceptable(f"Image '{image.name}' came in the wrong order.", "Run again.")
                file.seek(piece.begin)
                for chunk in unpack_piece(image, piece):
                    write_sparse(file, chunk, image.name)
                file.truncate(piece.end)
                is_ended = piece.end == offer.length
                file.flush()
                file.seek(0)
                yield file if is_ended else None
            finally:
                if is_ended:
                    path.unlink()

    def _note(self, image: Image) -> Path:
        return self._directory / f"{self._prefix}{hashlib.sha256(image.source.encode()).hexdigest()}{NOTE}"


def write_sparse(file: IO[bytes], chunk: bytes, name: str) -> None:
    """Write a part of an image, at most a chunk. Zeros stay a hole: images of mostly empty disks are common.

    Raises:
        ComputeResourcesUnavailable: The disk is full.
    """
    try:
        if ZEROS.startswith(chunk):
            file.seek(len(chunk), os.SEEK_CUR)
        else:
            file.write(chunk)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ComputeResourcesUnavailable(
            f"Image '{name}' does not fit into {Path(str(file.name)).parent}: no space is left.", "Free space there."
        ) from None
