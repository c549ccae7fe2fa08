# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies beside an image that was made of an instance's disk, so that it can be used as an image again."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .base import Document

SNAPSHOT, BACKUP = "snapshot", "backup"


@dataclass(frozen=True)
class Snapshot(Document):
    """An image of an instance's root disk.

    `image_type` and `backup_type` are Nova's properties of such images. `image` is what the instance was made from.
    `checksum` is as an image of a fleet has it. `min_disk_gb` is the size of the disk, rounded up.
    """

    KIND: ClassVar[str] = "snapshot"
    VERSION: ClassVar[str] = "1.0"

    name: str
    file: str
    checksum: str
    instance_uuid: str
    instance_name: str
    host: str
    created_at: str
    min_disk_gb: int
    image_type: str = SNAPSHOT
    backup_type: Optional[str] = None
    image: Optional[str] = None
    quiesced: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    unknown_keys: dict[str, Any] = field(default_factory=dict)
