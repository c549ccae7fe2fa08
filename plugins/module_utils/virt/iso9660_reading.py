# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading back what `iso9660` wrote: the files of a config drive.

Nothing else is to be read with it: of other writers' images it knows no extensions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..objects.errors import HypervisorError
from .iso9660 import FIRST_DESCRIPTOR, SECTOR

_JOLIET = FIRST_DESCRIPTOR + 1
# Where the record of the root stands in a descriptor.
_ROOT = 156
_DIRECTORY = 2
# No config drive has more.
MOST_ENTRIES = 1000


def read_iso(image: bytes) -> dict[str, bytes]:
    """Return the files, path to content, under their Joliet names.

    Raises:
        HypervisorError: It is no such image.
    """
    descriptor = image[_JOLIET * SECTOR : (_JOLIET + 1) * SECTOR]
    if descriptor[:6] != b"\x02CD001":
        raise _damaged()
    try:
        return dict(_walk(image, descriptor[_ROOT:], ""))
    except (struct.error, IndexError, UnicodeDecodeError, RecursionError):
        raise _damaged() from None


def _walk(image: bytes, record: bytes, path: str) -> Iterator[tuple[str, bytes]]:
    for number, entry in enumerate(_entries(_extent(image, record))):
        if number > MOST_ENTRIES:
            raise _damaged()
        name = entry[33 : 33 + entry[32]]
        if name in (b"\x00", b"\x01"):
            continue
        here = path + name.decode("utf-16-be")
        if entry[25] & _DIRECTORY:
            yield from _walk(image, entry, here + "/")
        else:
            yield here, _extent(image, entry)


def _entries(extent: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(extent):
        length = extent[place]
        if length == 0:
            # Records do not cross sectors: the rest of this one is empty.
            place += SECTOR - place % SECTOR
            continue
        yield extent[place : place + length]
        place += length


def _extent(image: bytes, record: bytes) -> bytes:
    sector, length = (struct.unpack_from("<I", record, place)[0] for place in (2, 10))
    content = image[sector * SECTOR : sector * SECTOR + length]
    if len(content) != length:
        raise _damaged()
    return content


def _damaged() -> HypervisorError:
    return HypervisorError("The config drive is damaged.", "Rebuild the instance: that writes a new one.")
