# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of guests' screens, as PNG. How large a screen is, its guest says: what it says is held to bounds."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from ..objects.errors import HypervisorError

# A screen of 4K in three colours takes 24 MiB.
MOST_BYTES = 32 * 1024 * 1024
MOST_PIXELS_A_SIDE = 8192
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The first chunk of a PNG, up to width and height.
PNG_HEAD = struct.Struct(">8sI4sII")
PPM_HEAD = re.compile(rb"P6\s(?:#[^\n]{0,200}\n)?\s*([0-9]{1,5})\s+([0-9]{1,5})\s+255\s")
_RGB, _BITS = 2, 8


@dataclass(frozen=True)
class Picture:
    """A PNG. Width and height are in pixels."""

    width: int
    height: int
    png: bytes


def read_picture(content: bytes) -> Picture:
    """Return the picture that a hypervisor has taken, PNG or PPM, as PNG.

    Raises:
        HypervisorError: It is neither, is larger than any screen, or has an end too soon.
    """
    if len(content) > MOST_BYTES:
        raise _unfit(f"has more than {MOST_BYTES} bytes")
    if content.startswith(PNG_SIGNATURE):
        return _read_png(content)
    return _convert_ppm(content)


def _read_png(content: bytes) -> Picture:
    if len(content) < PNG_HEAD.size:
        raise _unfit("ends in its head")
    _signature, length, kind, width, height = PNG_HEAD.unpack_from(content)
    if (length, kind) != (13, b"IHDR"):
        raise _unfit("has no head")
    _check_sides(width, height)
    return Picture(width, height, content)


def _convert_ppm(content: bytes) -> Picture:
    head = PPM_HEAD.match(content)
    if head is None:
        raise _unfit("is neither PNG nor PPM with 8 bits a colour")
    width, height = int(head[1]), int(head[2])
    _check_sides(width, height)
    row = width * 3
    if len(content) - head.end() < row * height:
        raise _unfit(f"ends before its {height} rows of {width} pixels")
    pixels = memoryview(content)
    # Row by row, so that no second copy of the whole is made. Each begins with how it is filtered: not at all.
    deflating, packed = zlib.compressobj(6), []
    for start in range(head.end(), head.end() + row * height, row):
        packed += [deflating.compress(b"\0"), deflating.compress(pixels[start : start + row])]
    packed.append(deflating.flush())
    shape = struct.pack(">IIBBBBB", width, height, _BITS, _RGB, 0, 0, 0)
    chunks = (_chunk(b"IHDR", shape), _chunk(b"IDAT", b"".join(packed)), _chunk(b"IEND", b""))
    return Picture(width, height, PNG_SIGNATURE + b"".join(chunks))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _check_sides(width: int, height: int) -> None:
    if not (0 < width <= MOST_PIXELS_A_SIDE and 0 < height <= MOST_PIXELS_A_SIDE):
        raise _unfit(f"is {width} by {height} pixels; there may be {MOST_PIXELS_A_SIDE} a side")


def _unfit(why: str) -> HypervisorError:
    return HypervisorError(f"The picture of the guest's screen {why}.", "Look at it by its console.")
