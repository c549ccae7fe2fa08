# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images made of instances' disks: where they lie, what lies beside them, and which of many go (Nova's rotation).

Those of an instance lie in a directory of its own, so that two instances may have snapshots of one name. An image
without its record is not seen, and a record without its image neither: what a death has left of one is overwritten or
removed by the next.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Optional

from ..objects.errors import ComputeResourcesUnavailable, NovellaError
from ..objects.snapshot import BACKUP, Snapshot

IMAGE, RECORD, UNFINISHED = ".qcow2", ".json", ".part"
CHUNK = 1 << 20
MIB = 1 << 20


class SnapshotStore:
    """The images of one directory.

    Args:
        directory: It; made, 0700, when the first image is. A guest's disk may hold anything.
    """

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)

    def path(self, uuid: str, name: str) -> Path:
        return self._directory / uuid / f"{name}{IMAGE}"

    def part(self, uuid: str, name: str) -> Path:
        """Return where an image is written before it is whole."""
        path = self.path(uuid, name)
        return path.with_name(path.name + UNFINISHED)

    def has(self, uuid: str, name: str) -> bool:
        """Return whether there is such an image."""
        path = self.path(uuid, name)
        return path.exists() and path.with_suffix(RECORD).exists()

    def read_all(self) -> list[Snapshot]:
        """Return all images whose record can be read, newest first."""
        found = []
        for record in self._directory.glob(f"*/*{RECORD}"):
            path = record.with_suffix(IMAGE)
            with contextlib.suppress(OSError, ValueError, NovellaError):
                if path.exists():
                    told = Snapshot.from_document(json.loads(record.read_text(encoding="utf-8")), str(record))
                    # The directory may have been moved since, and what is removed goes by these.
                    found.append(told.but(name=path.stem, file=str(path), instance_uuid=path.parent.name))
        return sorted(found, key=_age, reverse=True)

    def find(self, uuid: str, name: str) -> Optional[Snapshot]:
        """Return an image of that instance, or None."""
        return next((item for item in self.read_all() if (item.instance_uuid, item.name) == (uuid, name)), None)

    def make_room(self, uuid: str, needed: int, spared_mb: int) -> None:
        """Have an empty place for an instance's new image.

        Args:
            needed: Bytes that it will take, about.
            spared_mb: What it must leave free besides.

        Raises:
            ComputeResourcesUnavailable: There is too little room.
        """
        place = self._directory / uuid
        with _told(place):
            for folder in (self._directory, place):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The lease on the instance is ours, so nobody writes these any more.
            for part in place.glob(f"*{UNFINISHED}"):
                part.unlink()
        about = os.statvfs(place)
        free = about.f_frsize * about.f_bavail
        if free < needed + spared_mb * MIB:
            spared = f", and {spared_mb} MiB are to stay free" if spared_mb else ""
            raise ComputeResourcesUnavailable(
                f"The image takes {_mib(needed)} MiB, {self._directory} has {_mib(free)} MiB left{spared}.",
                "Free some space there, or set snapshots_dir to a larger file system.",
                needed_bytes=needed,
                free_bytes=free,
            )

    def publish(self, snapshot: Snapshot) -> None:
        """Give a whole image its name, with its record beside it. Whoever finds the image finds its record."""
        path = Path(snapshot.file)
        image = self.part(snapshot.instance_uuid, snapshot.name)
        record = path.with_name(path.stem + RECORD + UNFINISHED)
        with _told(path.parent):
            record.write_text(json.dumps(snapshot.as_document(), indent=2) + "\n", encoding="utf-8")
            image.chmod(0o600)
            for written in (image, record):
                _sync(written)
            record.rename(path.with_suffix(RECORD))
            image.rename(path)
            _sync(path.parent)

    def remove(self, uuid: str, name: str) -> None:
        """Remove an image, and whatever else there is of it: half-made or half-removed."""
        path, part = self.path(uuid, name), self.part(uuid, name)
        # The image goes first: a record alone is not seen, and an image alone would never be cleared away.
        record = path.with_suffix(RECORD)
        for item in (path, part, record, record.with_name(record.name + UNFINISHED)):
            item.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            # Where it was the last; else there is something in it.
            path.parent.rmdir()

    def rotate(self, newest: Snapshot, rotation: int) -> list[str]:
        """Remove the backups beyond those that are kept, and return the names that would not go.

        Args:
            newest: The one that was just made.
            rotation: How many are kept of its instance and type, itself included.
        """
        stuck = []
        for name in outdated(self.read_all(), newest.instance_uuid, newest.backup_type, newest.name, rotation):
            try:
                self.remove(newest.instance_uuid, name)
            except OSError:
                # As in Nova: the new backup is there, and the next one tries again.
                stuck.append(name)
        return stuck


def outdated(
    snapshots: Iterable[Snapshot], uuid: str, backup_type: Optional[str], newest: str, rotation: int
) -> list[str]:
    """Return the names of an instance's backups that go when there is a new one, oldest first.

    Args:
        newest: The name of the new one. It stays, whatever a clock that was set back says of its age.
        rotation: How many are kept of that type, the new one included.
    """
    kind = (uuid, BACKUP, backup_type)
    older = [
        item
        for item in snapshots
        if (item.instance_uuid, item.image_type, item.backup_type) == kind and item.name != newest
    ]
    return [item.name for item in sorted(older, key=_age)[: max(0, len(older) + 1 - rotation)]]


def digest(path: Path) -> str:
    """Return the checksum of a file as images have it."""
    content = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            content.update(chunk)
    return f"sha256:{content.hexdigest()}"


def _age(snapshot: Snapshot) -> tuple[str, str]:
    return (snapshot.created_at, snapshot.name)


def _mib(size: int) -> int:
    return -(-size // MIB)


@contextlib.contextmanager
def _told(place: Path) -> Iterator[None]:
    """Tell of a directory that cannot be used as of what it is."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ComputeResourcesUnavailable(f"{place} is full.", "Free some space there.") from error
        raise NovellaError(
            f"{place} cannot be used: {error.strerror}.", "Look at its owner and mode, or set snapshots_dir."
        ) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
