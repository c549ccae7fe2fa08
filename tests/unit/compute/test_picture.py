# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of screens: what is shown stays so, and a guest's word of how large its screen is bounds nothing of ours."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.picture import (
    MOST_BYTES,
    PNG_SIGNATURE,
    read_picture,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError
from hypothesis import given
from hypothesis import strategies as st


def ppm(width: int, height: int, pixels: bytes) -> bytes:
    return f"P6\n{width} {height}\n255\n".encode() + pixels


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG, whose sums are right."""
    assert png.startswith(PNG_SIGNATURE)
    found, at = [], len(PNG_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + content),)
        found.append((kind, content))
        at += 12 + length
    return found


def pixels_of(png: bytes) -> bytes:
    """The pixels of a PNG of ours: three bytes each, and no row filtered."""
    (first, shape), (second, packed), (last, nothing) = chunks(png)
    assert (first, second, last, nothing) == (b"IHDR", b"IDAT", b"IEND", b"")
    width, height, *rest = struct.unpack(">IIBBBBB", shape)
    assert rest == [8, 2, 0, 0, 0]
    rows = zlib.decompress(packed)
    step = 1 + 3 * width
    assert len(rows) == step * height
    assert {rows[at] for at in range(0, len(rows), step)} == {0}
    return b"".join(rows[at + 1 : at + step] for at in range(0, len(rows), step))


@given(st.integers(1, 20), st.integers(1, 20), st.data())
def test_a_ppm_becomes_a_png_of_the_same_pixels(width: int, height: int, data: st.DataObject) -> None:
    pixels = data.draw(st.binary(min_size=width * height * 3, max_size=width * height * 3))
    picture = read_picture(ppm(width, height, pixels))
    assert (picture.width, picture.height) == (width, height)
    assert pixels_of(picture.png) == pixels


def test_a_png_is_taken_as_it_is() -> None:
    png = read_picture(ppm(2, 1, b"abcdef")).png
    assert read_picture(png).png == png
    assert (read_picture(png).width, read_picture(png).height) == (2, 1)


def test_a_comment_in_the_head_of_a_ppm_is_passed_over() -> None:
    assert pixels_of(read_picture(b"P6\n# by QEMU\n1 1\n255\nabc").png) == b"abc"


def head(width: int, height: int) -> bytes:
    return PNG_SIGNATURE + struct.pack(">I4sII", 13, b"IHDR", width, height)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "neither PNG nor PPM"),
        (b"\x1b[2J", "neither PNG nor PPM"),
        (b"P6\n" + b"9" * 5000, "neither PNG nor PPM"),
        (b"P6\n-1 1\n255\nabc", "neither PNG nor PPM"),
        (b"P6\n1 1\n65535\nabcdef", "neither PNG nor PPM"),
        (ppm(0, 1, b""), "is 0 by 1 pixels"),
        (ppm(99999, 1, b""), "is 99999 by 1 pixels"),
        (ppm(8192, 8192, b"abc"), "ends before its 8192 rows"),
        (ppm(2, 2, b"abc"), "ends before its 2 rows"),
        (PNG_SIGNATURE, "ends in its head"),
        (PNG_SIGNATURE + b"x" * 40, "has no head"),
        (head(1 << 31, 1), "is 2147483648 by 1 pixels"),
        (head(1, 0), "is 1 by 0 pixels"),
        (b"x" * (MOST_BYTES + 1), "has more than"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(HypervisorError, match=complaint):
        read_picture(content)


def test_a_large_picture_is_not_held_several_times() -> None:
    content = ppm(2000, 1500, b"\0" * 9_000_000)
    tracemalloc.start()
    try:
        read_picture(content)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
