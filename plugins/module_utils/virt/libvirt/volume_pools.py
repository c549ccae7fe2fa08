# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a host's volumes are: in its own directory, and in the pools that volumes here were or are in.

A pool is remembered by a document in the host's own directory of volumes, so that what lies in it is found again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from ...objects.errors import InvalidInput, InvalidVolume
from ...objects.pool import NFS, StoragePool
from ...objects.volume import Volume, VolumeRequest
from .disk_files import sync, unfinished
from .volume_keys import VolumeKeys
from .volume_store import VolumeStore

MEMORY = ".pool.json"


class VolumePools:
    """The directories of one host that volumes are in.

    Args:
        directory: The host's own one.
        deadline: Seconds that qemu-img may take.
        keys: The passphrases of encrypted volumes.
    """

    def __init__(self, directory: str, deadline: float, keys: VolumeKeys) -> None:
        self._deadline = deadline
        self._keys = keys
        self.own = VolumeStore(directory, deadline, keys)

    def find_all(self) -> list[Volume]:
        """Return every volume of the host's own directory and of the pools that it knows."""
        found = self.own.find_all()
        for pool in self._known():
            found.extend(volume.but(pool=pool) for volume in self._store(pool).find_all())
        return found

    def find(self, uuid: str) -> Optional[VolumeStore]:
        """Return the store that has a volume, or None."""
        if self.own.has(uuid):
            return self.own
        stores = (self._store(pool) for pool in self._known())
        return next((store for store in stores if store.has(uuid)), None)

    def look_for(self, request: VolumeRequest) -> Optional[Volume]:
        """Return a volume of files as it is now, or None.

        Raises:
            InvalidVolume: Its pool is not there.
        """
        store = self.open(request.pool)
        found = store.read(request.uuid)
        return None if found is None else found.but(pool=request.pool)

    def open(self, pool: Optional[StoragePool]) -> VolumeStore:
        """Return the store of a pool of files; None is the host's own.

        Raises:
            InvalidVolume: Its directory is not there, or not mounted: a volume made there would be somewhere else.
        """
        if pool is None:
            return self.own
        path = Path(pool.path or "")
        if not path.is_dir():
            raise InvalidVolume(
                f"The storage pool '{pool.name}' is to be at {path}, and this host has no such directory.",
                "Make it, or mount it there.",
            )
        if path.resolve() == self.own.directory.resolve():
            raise InvalidVolume(
                f"The storage pool '{pool.name}' is to be at {path}, which is the host's own directory of volumes.",
                "Leave pool out, or give the pool another directory.",
            )
        if pool.type == NFS and not path.is_mount():
            raise InvalidVolume(
                f"Nothing is mounted at {path}, where the storage pool '{pool.name}' is to be.",
                f"Mount {pool.host}:{pool.export} there, by /etc/fstab for example.",
            )
        return self._store(pool)

    def remember(self, pool: StoragePool) -> None:
        """Have what lies in a pool found by this host from now on."""
        path = self._memory(pool)
        content = json.dumps(pool.as_dict())
        if path.exists() and path.read_text(encoding="utf-8") == content:
            return
        self.own.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        with unfinished(path) as part:
            part.write_text(content, encoding="utf-8")
            sync(part)
            part.rename(path)

    def directories(self) -> list[str]:
        """Return the directories of the pools that the host knows."""
        return [pool.path or "" for pool in self._known()]

    def _known(self) -> Iterator[StoragePool]:
        for path in sorted(self.own.directory.glob(f"*{MEMORY}")):
            try:
                pool = StoragePool.from_dict(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, InvalidInput):
                continue
            # What is not mounted has no volumes; it is not asked for what lies beneath.
            if pool.type != NFS or Path(pool.path or "").is_mount():
                yield pool

    def _memory(self, pool: StoragePool) -> Path:
        return self.own.directory / f"{hashlib.sha256((pool.path or '').encode()).hexdigest()[:16]}{MEMORY}"

    def _store(self, pool: StoragePool) -> VolumeStore:
        return VolumeStore(pool.path or "", self._deadline, self._keys)
