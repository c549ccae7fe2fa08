# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies beside an image that was made of an instance's disk, so that it can be used as an image again."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .base import Document
from .ingredients import Image

SNAPSHOT, BACKUP = "snapshot", "backup"


@dataclass(frozen=True)
class Snapshot(Document):
    """An image of an instance's root disk, as it was at `created_at`.

    `image_type` and `backup_type` are Nova's properties of such images. `base_image` is what the instance was made
    from. `checksum`, `min_disk_gb`, `min_ram_mb` and `properties` are as an image of a fleet has them. `vm_state` is
    what the instance was then, and `quiesced` tells whether its guest had written out its file systems.
    """

    KIND: ClassVar[str] = "snapshot"
    VERSION: ClassVar[str] = "1.0"

    name: str
    file: str
    checksum: str
    size_bytes: int
    instance_uuid: str
    instance_name: str
    fleet: str
    project_id: str
    host: str
    vm_state: str
    created_at: str
    min_disk_gb: int
    min_ram_mb: int = 0
    image_type: str = SNAPSHOT
    backup_type: Optional[str] = None
    base_image: Optional[str] = None
    quiesced: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    unknown_keys: dict[str, Any] = field(default_factory=dict)

    def as_image(self) -> Image:
        """Return the image that an instance of this host can be made from."""
        return Image(self.name, self.file, self.checksum, self.min_ram_mb, self.min_disk_gb, dict(self.properties))
