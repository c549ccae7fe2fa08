# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a snapshot or backup shall be, as a user asks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from ..objects.base import Record
from ..objects.errors import OptionInvalid
from .clock import now

# They become names of files.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
MOST_LETTERS = 200


@dataclass(frozen=True)
class SnapshotOrder(Record):
    """What is to be made.

    Args:
        name: Of the image.
        backup_type: daily, weekly or whatever a user calls it; None makes no backup but a snapshot.
        rotation: How many backups of that type are kept of the instance, the new one included.
        quiesce: Have the guest write out its file systems first. None does it where the instance's image asks for it.
        metadata: Properties of the image besides those that the instance's own has.
    """

    name: str
    backup_type: Optional[str] = None
    rotation: Optional[int] = None
    quiesce: Optional[bool] = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """Return what makes it."""
        return "snapshot" if self.backup_type is None else "backup"


def read_order(options: Mapping[str, Any]) -> SnapshotOrder:
    """Return what a module's options ask for. A backup without a name is called after its type and the time.

    Raises:
        OptionInvalid: One of them cannot be.
    """
    backup_type, rotation = options["backup_type"], options["rotation"]
    if backup_type is not None:
        check_name("backup_type", backup_type)
    if (backup_type is None) != (rotation is None):
        raise OptionInvalid("backup_type and rotation belong together: give both or none.")
    if rotation is not None and rotation < 1:
        raise OptionInvalid(f"rotation is {rotation}; it must be at least 1: 0 would delete what is just made.")
    name = options["snapshot"]
    if name is None:
        if backup_type is None:
            raise OptionInvalid("Nothing says what the snapshot is to be called.", "Give snapshot, or a backup_type.")
        # Such as daily-20261121T101530Z.
        name = f"{backup_type}-{re.sub('[-:]', '', now())[:15]}Z"
    check_name("snapshot", name)
    metadata = {str(key): str(value) for key, value in (options["metadata"] or {}).items()}
    return SnapshotOrder(name, backup_type, rotation, options["quiesce"], metadata)


def check_name(option: str, name: str) -> None:
    """Refuse a name that cannot be part of a file's.

    Raises:
        OptionInvalid: It cannot.
    """
    if len(name) > MOST_LETTERS or not _NAME.fullmatch(name):
        raise OptionInvalid(
            f"{option} is '{name}', which is no name of a snapshot.",
            f"Use at most {MOST_LETTERS} letters, digits, '.', '_' and '-', the first a letter or digit.",
        )


def check_directory(path: str) -> None:
    """Refuse a place that images cannot be kept in.

    Raises:
        OptionInvalid: It is no absolute path.
    """
    if not path.startswith("/") or ".." in Path(path).parts:
        raise OptionInvalid(f"snapshots_dir is '{path}', which is no absolute path.", "Write it from / on.")
