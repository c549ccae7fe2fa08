# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storage pools: where volumes lie that are not files of the host's own directory."""

from dataclasses import dataclass
from typing import Optional

from .base import Record

DIR, SHARED_DIR, NFS, NBD, ISCSI, LVM, RBD = "dir", "shared_dir", "nfs", "nbd", "iscsi", "lvm", "rbd"
TYPES = (DIR, SHARED_DIR, NFS, NBD, ISCSI, LVM, RBD)
# Novella makes the volumes of these: files of a directory.
OF_FILES = (DIR, SHARED_DIR, NFS)
# All hosts see the same volumes in these.
SHARED = (SHARED_DIR, NFS, NBD, ISCSI, RBD)


@dataclass(frozen=True)
class StoragePool(Record):
    """A pool, as the fleet declares it.

    `path` is the directory, of an ``nfs`` pool the one at which `export` of `host` is mounted. `host` and `port` are
    the server's (of ``rbd`` a monitor's), `iqn` the iSCSI target, `vg` the volume group, `rbd_pool` the pool in Ceph.
    """

    name: str
    type: str
    path: Optional[str] = None
    host: Optional[str] = None
    port: Optional[int] = None
    export: Optional[str] = None
    iqn: Optional[str] = None
    vg: Optional[str] = None
    rbd_pool: Optional[str] = None

    @property
    def makes_volumes(self) -> bool:
        """Whether volumes are made and deleted in it; else they are what the pool has."""
        return self.type in OF_FILES

    @property
    def is_shared(self) -> bool:
        """Whether all hosts see its volumes, so that they bind no instance to a host."""
        return self.type in SHARED


def is_one_place(pool: Optional[StoragePool], other: Optional[StoragePool]) -> bool:
    """Return whether volumes of both lie in one place, whatever it is called. None is a host's own directory."""
    if pool is None or other is None:
        return pool is other
    return pool.but(name=other.name) == other
