# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes: disks with a life of their own, and how instances have them."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .base import Document, Record, since
from .ingredients import Image
from .pool import StoragePool

FORMATS = ("qcow2", "raw")
BUSES = ("virtio", "scsi", "sata")
# What the input and output of a volume can be limited to, in Nova's and libvirt's words: bytes or requests per second.
LIMITS = tuple(f"{what}_{unit}_sec" for unit in ("bytes", "iops") for what in ("total", "read", "write"))


@dataclass(frozen=True)
class VolumeRequest(Record):
    """A volume as an instance has it, or shall have it (a row of Nova's block_device_mapping).

    The size is in GiB. `delete_on_termination`: it goes when the instance is deleted. `image` or `snapshot` is what a
    new one is filled with; a snapshot is told by ``UUID/NAME``, with the uuid of the instance that it was made of. The
    volume of `boot_index` 0 is what the instance boots from, and None is not tried at all. Without a `pool`, it is a
    file of its host's own. `name_in_pool` is what a pool calls it that makes no volumes. `limits` are some of
    `LIMITS`. The passphrase of one that is `encrypted` (LUKS) is not in here: it is a secret.
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
    pool: Optional[StoragePool] = field(default=None, metadata=since("1.4"))
    name_in_pool: Optional[str] = field(default=None, metadata=since("1.4"))
    encrypted: bool = field(default=False, metadata=since("1.4"))
    limits: dict[str, int] = field(default_factory=dict, metadata=since("1.4"))

    @property
    def is_shared(self) -> bool:
        """Whether all hosts see it, so that it binds no instance to a host."""
        return self.pool is not None and self.pool.is_shared

    @property
    def is_made(self) -> bool:
        """Whether it is made and deleted here; else it is what its pool has."""
        return self.pool is None or self.pool.makes_volumes


@dataclass(frozen=True)
class Volume(Document):
    """A volume that is on a host. It lies in a file beside the volume's own.

    The size is in GiB. Which instance has it, the instance's record says. `image` or `snapshot` is what it was made of.
    In a shared pool it is on every host that knows the pool.

    Version history (its minors go with those of the host documents that hold it):
        1.4  image, snapshot, pool, encrypted
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
    pool: Optional[StoragePool] = field(default=None, metadata=since("1.4"))
    encrypted: bool = field(default=False, metadata=since("1.4"))
    unknown_keys: dict[str, Any] = field(default_factory=dict)

    @property
    def is_shared(self) -> bool:
        """Whether all hosts see it."""
        return self.pool is not None and self.pool.is_shared
