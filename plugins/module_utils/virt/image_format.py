# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kind of disk image a file is, and whether it can be trusted. Nothing but its header is read.

QEMU believes what an image says of itself: a qcow2 header may name any file of the host as its backing file
or data file, and the guest would then read it. So no image reaches QEMU before this has looked at it.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from ..objects.errors import ImageUnacceptable

QCOW2_MAGIC = b"QFI\xfb"
# Up to where the formats below have their magic; a CD image has its at 32 KiB.
HEAD_SIZE = 36 * 1024
LARGEST = 64 << 40

DIRTY, CORRUPT, EXTERNAL_DATA, COMPRESSION, EXTENDED_L2 = (1 << bit for bit in range(5))
ACCEPTED_FEATURES = DIRTY | COMPRESSION | EXTENDED_L2
EXTENSION_END, EXTENSION_DATA_FILE = 0, 0x44415441

# (offset, magic, what it is)
REFUSED_FORMATS = (
    (0, b"\x1f\x8b", "gzip-compressed"),
    (0, b"BZh", "bzip2-compressed"),
    (0, b"\xfd7zXZ\x00", "xz-compressed"),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"KDMV", "a VMDK image"),
    (0, b"COWD", "a VMDK image"),
    (0, b"# Disk DescriptorFile", "a VMDK description"),
    (0, b"vhdxfile", "a VHDX image"),
    (0, b"conectix", "a VHD image"),
    (0, b"QED\x00", "a QED image"),
    (0, b"LUKS\xba\xbe", "encrypted (LUKS)"),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image"),
    (0x8001, b"CD001", "a CD image (ISO 9660)"),
    (257, b"ustar", "a tar archive"),
)


@dataclass(frozen=True)
class ImageFormat:
    """`disk_format` is ``qcow2`` or ``raw``; `virtual_size` is the disk as the guest sees it, in bytes."""

    disk_format: str
    virtual_size: int
    has_backing_file: bool = False


def inspect(path: str, name: str) -> ImageFormat:
    """Tell the format of an image, and refuse one that a guest may not be given.

    Args:
        path: The file.
        name: What messages call it.

    Raises:
        ImageUnacceptable: It is no qcow2 or raw image, is damaged, or refers to other files.
    """
    head, length = _read_head(path)
    try:
        if head.startswith(QCOW2_MAGIC):
            found = _parse_qcow2(head, length)
            if found.has_backing_file:
                raise _Fault("it has a backing file", "Flatten it: 'qemu-img convert -O qcow2'.")
            return found
        return _parse_raw(head, length)
    except _Fault as fault:
        raise ImageUnacceptable(f"Image '{name}' is not acceptable: {fault.what}.", fault.remedy) from None


def virtual_size(path: str) -> int:
    """Return the size in bytes that a guest sees of a disk in use; 0 when it cannot be told."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        head = os.read(handle, 32)
        if not head.startswith(QCOW2_MAGIC):
            # A block device has no size in its stat.
            return os.lseek(handle, 0, os.SEEK_END)
        return int(struct.unpack_from(">Q", head, 24)[0]) if len(head) == 32 else 0
    except OSError:
        return 0
    finally:
        os.close(handle)


def backing_file(path: str) -> str:
    """Return what a disk in use names as its backing file, as it is written there; empty where it names none.

    Raises:
        OSError: The disk is there, and cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            return ""
        head = file.read(20)
        if len(head) < 20 or not head.startswith(QCOW2_MAGIC):
            return ""
        offset, length = struct.unpack_from(">QI", head, 8)
        # QEMU takes no longer names either.
        if not offset or length > 1023:
            return ""
        file.seek(offset)
        return file.read(length).decode("utf-8", "surrogateescape")


def read_qcow2(path: str) -> ImageFormat:
    """Read the header of a disk that we made.

    Raises:
        ImageUnacceptable: It is no whole qcow2 image.
    """
    head, length = _read_head(path)
    try:
        if not head.startswith(QCOW2_MAGIC):
            raise _Fault("it is not a qcow2 image")
        return _parse_qcow2(head, length)
    except _Fault as fault:
        raise ImageUnacceptable(f"'{path}' is not acceptable: {fault.what}.", fault.remedy) from None


def _read_head(path: str) -> tuple[bytes, int]:
    with Path(path).open("rb") as file:
        return file.read(HEAD_SIZE), file.seek(0, os.SEEK_END)


class _Fault(Exception):
    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def _parse_qcow2(head: bytes, length: int) -> ImageFormat:
    if len(head) < 72:
        raise _Fault("its qcow2 header is cut off", "Fetch it again.")
    version, backing_offset, cluster_bits, size, encryption, l1_entries, l1_offset, refcount_offset = (
        struct.unpack_from(">IQ4xIQIIQQ", head, 4)
    )
    if version not in (2, 3):
        raise _Fault(f"it is qcow2 of version {version}, and 2 and 3 are known")
    if not 9 <= cluster_bits <= 21:
        raise _Fault("its qcow2 header is damaged (cluster size)", "Fetch it again.")
    if encryption:
        raise _Fault("it is encrypted")
    if not 0 < size <= LARGEST:
        raise _Fault(f"its virtual size is {size} bytes, and 1 byte to 64 TiB are accepted")
    if l1_offset + 8 * l1_entries > length or refcount_offset >= length:
        raise _Fault("it is shorter than its header says", "Fetch it again.")
    if version == 3:
        _check_version_3(head)
    return ImageFormat("qcow2", size, has_backing_file=backing_offset != 0)


def _check_version_3(head: bytes) -> None:
    if len(head) < 104:
        raise _Fault("its qcow2 header is cut off", "Fetch it again.")
    features = struct.unpack_from(">Q", head, 72)[0]
    if features & EXTERNAL_DATA:
        raise _Fault("its data lies in another file", "Convert it: 'qemu-img convert -O qcow2'.")
    if features & CORRUPT:
        raise _Fault("it is marked as corrupt", "Repair it with 'qemu-img check -r all'.")
    if features & ~ACCEPTED_FEATURES:
        raise _Fault(f"it uses qcow2 features that are not known here ({features:#x})")
    at = struct.unpack_from(">I", head, 100)[0]
    while at + 8 <= len(head):
        kind, length = struct.unpack_from(">II", head, at)
        if kind == EXTENSION_END:
            return
        if kind == EXTENSION_DATA_FILE:
            raise _Fault("its data lies in another file", "Convert it: 'qemu-img convert -O qcow2'.")
        at += 8 + (length + 7) // 8 * 8
    raise _Fault("its qcow2 header is damaged (extensions)", "Fetch it again.")


def _parse_raw(head: bytes, length: int) -> ImageFormat:
    for offset, magic, what in REFUSED_FORMATS:
        if head.startswith(magic, offset):
            raise _Fault(f"it is {what}", "Offer it as plain qcow2 or raw ('qemu-img convert').")
    if head[:512].lstrip()[:9].lower() in (b"<!doctype", b"<html>") or head[:512].lstrip()[:5].lower() == b"<?xml":
        raise _Fault("it is a web page and not a disk", "Check the address.")
    if length < 512:
        raise _Fault(f"it has only {length} bytes")
    if length > LARGEST:
        raise _Fault("it is larger than 64 TiB")
    return ImageFormat("raw", length)
