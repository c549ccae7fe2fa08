# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes: disks with a life of their own, and how instances have them."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .base import Document, Record, since
from .ingredients import Image

FORMATS = ("qcow2", "raw")
BUSES = ("virtio", "scsi", "sata")


@dataclass(frozen=True)
class VolumeRequest(Record):
    """A volume as an instance has it, or shall have it (a row of Nova's block_device_mapping).

    The size is in GiB. `delete_on_termination`: it goes when the instance is deleted. `image` or `snapshot` is what a
    new one is filled with; a snapshot is told by ``UUID/NAME``, with the uuid of the instance that it was made of. The
    volume of `boot_index` 0 is what the instance boots from, and None is not tried at all.
    """

    uuid: str
    name: str
    size_gb: int
    format: str = "qcow2"
    bus: str = "virtio"
    delete_on_termination: bool = False
    image: Optional[Image] = field(default=None, metadata=since("1.4"))
    snapshot: Optional[str] = field(default=None, metadata=since("1.4"))
    boot_index: Optional[int] = field(default=None, metadata=since("1.4"))


@dataclass(frozen=True)
class Volume(Document):
    """A volume that is on a host. It lies in a file beside the volume's own.

    The size is in GiB. Which instance has it, the instance's record says. `image` or `snapshot` is what it was made of.

    Version history (its minors go with those of the host documents that hold it):
        1.4  image, snapshot
    """

    KIND: ClassVar[str] = "volume"
    VERSION: ClassVar[str] = "1.4"

    uuid: str
    name: str
    size_gb: int
    format: str = "qcow2"
    fleet: str = "default"
    project_id: str = "default"
    created_at: Optional[str] = None
    image: Optional[Image] = field(default=None, metadata=since("1.4"))
    snapshot: Optional[str] = field(default=None, metadata=since("1.4"))
    unknown_keys: dict[str, Any] = field(default_factory=dict)
