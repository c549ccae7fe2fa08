# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ephemeral disks and swap: raw files of the pool, made with what a guest expects to find on them."""

from __future__ import annotations

import os
import re
import struct
import uuid as uuids
from collections.abc import Callable, Collection
from pathlib import Path

from ...objects.errors import NotSupported
from ..images import UNFINISHED
from ..local_disks import SWAP, LocalDisk
from .disk_files import run_tool, sync, unfinished

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ASIDE = ".old"
LOCAL_DISK = re.compile(rf"({UUID})\.(?:ephemeral[0-9]+|swap)({re.escape(ASIDE)})?\.raw({re.escape(UNFINISHED)})?")
# The page of the guests that this driver builds.
PAGE = 4096
SWAP_MAGIC = b"SWAPSPACE2"
PACKAGES = {"ext4": "e2fsprogs", "xfs": "xfsprogs", "vfat": "dosfstools"}
MAKERS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "ext4": lambda label: ("mkfs.ext4", "-q", "-F", "-L", label),
    "xfs": lambda label: ("mkfs.xfs", "-q", "-f", "-L", label),
    "vfat": lambda label: ("mkfs.vfat", "-n", label.upper()),
}


class LocalDiskStore:
    """The local disks, but for root disks, of one directory.

    Args:
        directory: The pool's.
        deadline: Seconds that making a file system may take.
    """

    def __init__(self, directory: Path, deadline: float) -> None:
        self._directory = directory
        self._deadline = deadline

    def path(self, uuid: str, name: str) -> Path:
        return self._directory / f"{uuid}.{name}.raw"

    def create(self, uuid: str, disks: Collection[LocalDisk]) -> None:
        """Make those that are not there. One gets its name when all of it is written.

        Raises:
            HypervisorError: The host has no program that makes such a file system.
            NotSupported: Nobody makes such a one here.
        """
        for disk in disks:
            path = self.path(uuid, disk.name)
            if path.exists():
                continue
            with unfinished(path) as part:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.truncate(disk.size)
                self._fill(part, disk)
                sync(part)
                part.rename(path)

    def set_aside(self, uuid: str) -> None:
        """Keep them under other names. What is aside already is the older, and stays."""
        for path in self._find(uuid, is_aside=False):
            aside = path.with_name(f"{path.stem}{ASIDE}{path.suffix}")
            if not aside.exists():
                path.rename(aside)

    def take_back(self, uuid: str) -> None:
        """Put those that are aside in the place of what was made since."""
        for path in self._find(uuid, is_aside=True):
            path.replace(path.with_name(path.name.replace(f"{ASIDE}.", ".")))

    def drop_aside(self, uuid: str) -> None:
        for path in self._find(uuid, is_aside=True):
            path.unlink(missing_ok=True)

    def delete(self, uuid: str) -> None:
        """Remove them all: finished, half, or set aside."""
        for path in self._directory.glob(f"{uuid}.*"):
            if LOCAL_DISK.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def owners(self) -> set[str]:
        """Return the uuids of the instances that have such disks here."""
        matches = (LOCAL_DISK.fullmatch(path.name) for path in self._directory.iterdir())
        return {match[1] for match in matches if match and not match[3]}

    def _find(self, uuid: str, is_aside: bool) -> list[Path]:
        """Return the whole disks of an instance that are there: in their places, or set aside."""
        matches = ((path, LOCAL_DISK.fullmatch(path.name)) for path in self._directory.glob(f"{uuid}.*"))
        return sorted(path for path, match in matches if match and bool(match[2]) == is_aside and not match[3])

    def _fill(self, part: Path, disk: LocalDisk) -> None:
        if disk.content == SWAP:
            write_swap_header(part, disk.size)
        elif disk.content != "none":
            if disk.content not in MAKERS:
                raise NotSupported(f"No ephemeral disk is made with '{disk.content}'.", f"Use {', '.join(MAKERS)}.")
            remedy = f"Install the package {PACKAGES[disk.content]} there, or ask for another format, such as none."
            run_tool(self._deadline, remedy, *MAKERS[disk.content](disk.name), str(part))


def write_swap_header(path: Path, size: int) -> None:
    """Make a file swap space, as mkswap does (version 1): what Linux's swapon looks for, and a uuid.

    Args:
        size: In bytes.
    """
    page = bytearray(PAGE)
    struct.pack_into("<III", page, 1024, 1, size // PAGE - 1, 0)
    page[1036:1052] = uuids.uuid4().bytes
    page[-len(SWAP_MAGIC) :] = SWAP_MAGIC
    with path.open("r+b") as file:
        file.write(page)
