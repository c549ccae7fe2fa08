# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of other hypervisors, VMDK and VDI, which are converted. Nothing but their headers is read here.

A VMDK may be a mere description that names any files of the host, or have a parent, and qemu-img would read those. So
only what holds its data itself, and says so in every place that QEMU looks at, is handed to it.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..objects.errors import ImageUnacceptable

VMDK, VDI = "vmdk", "vdi"
VMDK_MAGIC = b"KDMV"
VDI_MAGIC, VDI_MAGIC_AT = b"\x7f\x10\xda\xbe", 0x40
SECTOR = 512
LARGEST = 64 << 40
# QEMU takes 20 sectors from the second one for the description, wherever the header says that it is.
DESCRIPTION_AT, DESCRIPTION_SIZE = SECTOR, 20 * SECTOR
GRAINS_AT_END = 0xFFFFFFFFFFFFFFFF
_KINDS = (b"monolithicSparse", b"streamOptimized")
_EXTENT = re.compile(rb"^\s*(?:RW|RDONLY|NOACCESS)\s+[0-9]+\s+(\S+)", re.MULTILINE)
_HEAD = 64 * 1024


@dataclass(frozen=True)
class ForeignImage:
    """`disk_format` is ``vmdk`` or ``vdi``; `virtual_size` is the disk as the guest will see it, in bytes."""

    disk_format: str
    virtual_size: int


def inspect_foreign(path: str, name: str) -> Optional[ForeignImage]:
    """Tell what an image of another hypervisor is, or return None where it is none.

    Args:
        name: What messages call it.

    Raises:
        ImageUnacceptable: It is damaged, or refers to other files.
    """
    with Path(path).open("rb") as file:
        head, length = file.read(_HEAD), file.seek(0, os.SEEK_END)
        file.seek(max(0, length - 2 * SECTOR))
        footer = file.read(SECTOR)
    try:
        if head.startswith(VMDK_MAGIC):
            return ForeignImage(VMDK, _checked(_vmdk_size(head, footer)))
        if head[VDI_MAGIC_AT:].startswith(VDI_MAGIC):
            return ForeignImage(VDI, _checked(_vdi_size(head, length)))
    except (_Fault, struct.error) as fault:
        what = str(fault) if isinstance(fault, _Fault) else "its header is cut off"
        raise ImageUnacceptable(
            f"Image '{name}' is not acceptable: {what}.", "Offer it as plain qcow2 ('qemu-img convert -O qcow2')."
        ) from None
    return None


class _Fault(Exception):
    pass


def _checked(size: int) -> int:
    if not 0 < size <= LARGEST:
        raise _Fault(f"its virtual size is {size} bytes, and 1 byte to 64 TiB are accepted")
    return size


def _vmdk_size(head: bytes, footer: bytes) -> int:
    version, sectors = struct.unpack_from("<I4xQ", head, 4)
    at, count = struct.unpack_from("<QQ", head, 28)
    (grains_at,) = struct.unpack_from("<Q", head, 56)
    if not 1 <= version <= 3:
        raise _Fault(f"it is a VMDK of version {version}, and 1 to 3 are known")
    # Then QEMU would go by the description alone, which may name any file.
    if not sectors:
        raise _Fault("it is a VMDK without data of its own")
    # QEMU goes by the second header then, at the end of the file.
    if grains_at == GRAINS_AT_END and (footer[:4] != VMDK_MAGIC or footer[12:20] != head[12:20]):
        raise _Fault("it is shorter than its header says, or its two headers differ")
    _check_description(head[DESCRIPTION_AT : DESCRIPTION_AT + DESCRIPTION_SIZE])
    if at and at * SECTOR != DESCRIPTION_AT:
        if (at + count) * SECTOR > len(head):
            raise _Fault("its description lies where none is looked for")
        _check_description(head[at * SECTOR : (at + count) * SECTOR])
    return int(sectors) * SECTOR


def _check_description(text: bytes) -> None:
    text = text.split(b"\0", 1)[0]
    if b"parentfilenamehint" in text.lower():
        raise _Fault("it has a parent, another file")
    kind = re.search(rb'createType\s*=\s*"([^"]*)"', text, re.IGNORECASE)
    if kind is not None and kind[1] not in _KINDS:
        raise _Fault("its data lies in other files")
    extents = _EXTENT.findall(text)
    if len(extents) > 1 or any(extent != b"SPARSE" for extent in extents):
        raise _Fault("its data lies in other files")


def _vdi_size(head: bytes, length: int) -> int:
    version, _header_size, kind = struct.unpack_from("<III", head, 0x44)
    map_at, data_at = struct.unpack_from("<II", head, 0x154)
    size, block_size, _extra, blocks, allocated = struct.unpack_from("<QIIII", head, 0x170)
    if version != 0x00010001:
        raise _Fault(f"it is a VDI of version {version:#x}, and 0x10001 is known")
    if kind not in (1, 2):
        raise _Fault("it is a VDI that depends on another one")
    if any(head[0x1A8:0x1C8]):
        raise _Fault("it has a parent, another file")
    if block_size != 1 << 20 or blocks * block_size < size:
        raise _Fault("its header is damaged")
    if map_at + 4 * blocks > length or data_at + allocated * block_size > length:
        raise _Fault("it is shorter than its header says")
    return int(size)
