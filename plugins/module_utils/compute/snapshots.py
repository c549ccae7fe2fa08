# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images made of instances' disks: where they lie, what lies beside them, and which of many go (Nova's rotation)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..objects.errors import NovellaError, OptionInvalid
from ..objects.snapshot import BACKUP, SNAPSHOT, Snapshot

IMAGE, RECORD, UNFINISHED = ".qcow2", ".json", ".part"
CHUNK = 1 << 20
MOST_LETTERS = 255


@dataclass(frozen=True)
class SnapshotOrder:
    """What is to be made.

    Args:
        directory: Of images, on the host.
        name: Of the image, a file name without its suffix.
        backup_type: daily, weekly or whatever a user calls it; None makes no backup but a snapshot.
        rotation: How many backups of that type are kept of the instance, the new one included; 0 keeps none.
        quiesce: Have the guest's file systems written out first.
    """

    directory: str
    name: str
    backup_type: Optional[str] = None
    rotation: Optional[int] = None
    quiesce: bool = False

    @property
    def path(self) -> Path:
        return Path(self.directory) / f"{self.name}{IMAGE}"

    @property
    def image_type(self) -> str:
        return SNAPSHOT if self.backup_type is None else BACKUP


def check_order(order: SnapshotOrder) -> None:
    """Refuse an order that cannot be carried out.

    Raises:
        OptionInvalid: Of its name, directory or rotation one cannot be.
    """
    if not order.name or len(order.name) > MOST_LETTERS - len(IMAGE) or "/" in order.name or order.name.startswith("."):
        raise OptionInvalid(f"image_name is '{order.name}', which is no name of a file.")
    if not order.directory.startswith("/"):
        raise OptionInvalid(f"directory is '{order.directory}', which is no absolute path.")
    if (order.backup_type is None) != (order.rotation is None):
        raise OptionInvalid("backup_type and rotation belong together: give both or none.")
    if order.rotation is not None and order.rotation < 0:
        raise OptionInvalid(f"rotation must be at least 0, not {order.rotation}.")


def digest(path: Path) -> str:
    """Return the checksum of a file as images have it."""
    content = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            content.update(chunk)
    return f"sha256:{content.hexdigest()}"


def publish(part: Path, snapshot: Snapshot) -> None:
    """Give an image its name, with its record beside it. Whoever finds the image finds its record."""
    path = Path(snapshot.file)
    record = path.with_suffix(RECORD)
    unfinished = record.with_name(record.name + UNFINISHED)
    unfinished.write_text(json.dumps(snapshot.as_document(), indent=2) + "\n", encoding="utf-8")
    for written in (part, unfinished):
        handle = os.open(written, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    unfinished.replace(record)
    part.replace(path)


def list_snapshots(directory: Path) -> list[Snapshot]:
    """Return the images of a directory that have a record that can be read, newest first."""
    found = []
    for record in directory.glob(f"*{RECORD}"):
        with contextlib.suppress(OSError, ValueError, NovellaError):
            found.append(Snapshot.from_document(json.loads(record.read_text(encoding="utf-8")), str(record)))
    return sorted(found, key=lambda item: (item.created_at, item.name), reverse=True)


def rotate(order: SnapshotOrder, instance_uuid: str) -> list[str]:
    """Delete the backups of an instance beyond those that are kept, oldest first, and return their names."""
    if order.rotation is None:
        return []
    backups = [
        item
        for item in list_snapshots(Path(order.directory))
        if (item.instance_uuid, item.image_type, item.backup_type) == (instance_uuid, BACKUP, order.backup_type)
    ]
    gone = backups[order.rotation :]
    for item in reversed(gone):
        path = Path(order.directory) / Path(item.file).name
        path.unlink(missing_ok=True)
        path.with_suffix(RECORD).unlink(missing_ok=True)
    return [item.name for item in gone]
