# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a qcow2 image has all the data that it speaks of. Its tables are read, and none of its data.

An image that was cut off has a sound header, and its guest would find out only when it reads what is missing.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from pathlib import Path
from typing import IO

from ..objects.errors import ImageUnacceptable

_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
EXTENDED_L2 = 1 << 4


def check_tables(path: str, name: str) -> None:
    """Refuse a qcow2 image that is shorter than its tables say.

    Args:
        name: What messages call it.

    Raises:
        ImageUnacceptable: It is.
    """
    with Path(path).open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(104)
        version, cluster_bits = struct.unpack_from(">I12xI", head, 4)
        entries, at = struct.unpack_from(">IQ", head, 36)
        features = struct.unpack_from(">Q", head, 72)[0] if version == 3 else 0
        # With extended entries, every second one is a map of parts.
        step = 2 if features & EXTENDED_L2 else 1
        for entry in _table(file, at, entries):
            table_at = entry & _OFFSET
            if not table_at:
                continue
            if table_at + (1 << cluster_bits) > length or _end(file, table_at, cluster_bits, step) >= length:
                raise ImageUnacceptable(
                    f"Image '{name}' is not acceptable: it is shorter than its tables say ({length} bytes).",
                    "Fetch it again.",
                )


def _end(file: IO[bytes], at: int, cluster_bits: int, step: int) -> int:
    """Return the largest offset in the file that a table of clusters speaks of."""
    # Of a compressed cluster, the lower bits are the offset, and those between count sectors.
    mask = (1 << (62 - (cluster_bits - 8))) - 1
    entries = _table(file, at, (1 << cluster_bits) // 8)[::step]
    return max(entry & mask if entry & _COMPRESSED else entry & _OFFSET for entry in entries)


def _table(file: IO[bytes], at: int, count: int) -> array[int]:
    file.seek(at)
    entries = array("Q", file.read(8 * count))
    if sys.byteorder == "little":
        entries.byteswap()
    return entries
