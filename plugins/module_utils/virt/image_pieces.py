# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in pieces, as they travel from host to host.

A piece is packed (zlib), so that zeros take no room, and small, so that hosts need little room for it beside the image.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..objects.errors import ImageUnacceptable
from ..objects.image_transfer import ImageOffer, ImagePiece
from ..objects.ingredients import Image
from .image_source import open_source

CHUNK = 1 << 20
# Bytes of a packed piece, about, and of what is packed in it.
MOST_PACKED = 64 << 20
MOST_UNPACKED = 8 << 30
# The name of a piece's file in a folder of Ansible's for temporary files.
NAME = "novella-image-piece"
# Seconds after which such a file, untouched, is a dead run's.
FORGOTTEN = 3600.0


class ImageOrigin:
    """The part of a driver that reads images for other hosts: files, whatever the hypervisor is."""

    def offer_image(self, image: Image) -> ImageOffer:
        with open_source(image, image.host or "") as source:
            return ImageOffer(source.mark, source.length or 0)

    def read_image(self, image: Image, offer: ImageOffer, begin: int, into: str) -> ImagePiece:
        return pack_piece(image, offer, begin, into)


def pack_piece(image: Image, offer: ImageOffer, begin: int, into: str, most: int = MOST_PACKED) -> ImagePiece:
    """Write the next piece of an image to a file, which its folder's owner may read.

    Args:
        begin: The byte that it begins with.
        into: The file, made anew.
        most: About how many bytes it may have.

    Raises:
        ImageUnacceptable: The image is not there any more, or not as it was offered.
    """
    import zlib  # one run in many needs it

    path = Path(into)
    _sweep(path)
    end, written, packer = begin, 0, zlib.compressobj(1)
    with open_source(image, image.host or "") as source, _created(path) as file:
        if source.mark != offer.mark:
            raise _changed(image)
        source.stream.seek(begin)
        while end < offer.length and written < most and end - begin < MOST_UNPACKED:
            chunk = source.stream.read(min(CHUNK, offer.length - end))
            if not chunk:
                raise _changed(image)
            end += len(chunk)
            written += file.write(packer.compress(chunk))
        file.write(packer.flush())
    return ImagePiece(into, begin, end)


def unpack_piece(image: Image, piece: ImagePiece) -> Iterator[bytes]:
    """Return the bytes of a piece, chunk by chunk, never more than it says.

    Raises:
        ImageUnacceptable: It is damaged, or longer or shorter.
    """
    import zlib

    _sweep(Path(piece.file))
    unpacker, left = zlib.decompressobj(), piece.end - piece.begin
    try:
        with Path(piece.file).open("rb") as file:
            for packed in iter(lambda: file.read(CHUNK), b""):
                ahead = packed
                while ahead:
                    chunk = unpacker.decompress(ahead, CHUNK)
                    ahead = unpacker.unconsumed_tail
                    left -= len(chunk)
                    if left < 0:
                        raise _damaged(image)
                    yield chunk
            # What the unpacker kept back. No more than a chunk can be there.
            chunk = unpacker.flush()
            left -= len(chunk)
            yield chunk
    except zlib.error:
        raise _damaged(image) from None
    if left or not unpacker.eof:
        raise _damaged(image)


def _changed(image: Image) -> ImageUnacceptable:
    return ImageUnacceptable(
        f"Image '{image.name}' changed on {image.host} while it was read: {image.path}.", "Run again."
    )


def _damaged(image: Image) -> ImageUnacceptable:
    return ImageUnacceptable(f"Image '{image.name}' did not come whole from {image.host}: {image.path}.", "Run again.")


@contextlib.contextmanager
def _created(path: Path) -> Iterator[IO[bytes]]:
    """Make a file that belongs to whom its folder belongs to: who reads it may not be who has the images."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        about = path.parent.stat()
        os.fchown(handle, about.st_uid, about.st_gid)
        yield file


def _sweep(path: Path) -> None:
    """Remove pieces that runs left behind which were killed. Ansible removes its folders only if it ends itself."""
    for left in path.parent.parent.glob(f"ansible-tmp-*/{NAME}"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > FORGOTTEN:
                left.unlink()
