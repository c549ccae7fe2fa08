# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the driver that is about volumes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Optional

from ...objects.errors import InstanceNotFound
from ...objects.ingredients import Image
from ...objects.instance import Instance
from ...objects.volume import Volume, VolumeRequest
from ..driver import ComputeDriver
from ..hypervisor import Copying
from ..images import ImageCache
from .connection import Connection
from .pool_sources import read_pool_volume
from .storage import GIB, DiskStore
from .storage import checked_uuid as checked
from .volume_keys import VolumeKeys
from .volume_owners import VolumeOwners
from .volume_plug import VolumePlug
from .volume_pools import VolumePools
from .volume_store import check_room
from .volume_swap import VolumeSwap
from .volume_xml import VolumeDisk


class VolumeDriving(ComputeDriver):
    """What a libvirt driver does with volumes.

    Args:
        connection: libvirt's.
        deadline: Seconds that a call may take.
        volumes_dir: The directory of volumes; None for the pool's.
        keys_dir: Where the passphrases of encrypted volumes are.
        detach_attempts, detach_timeout: See VolumePlug.
    """

    def __init__(
        self,
        connection: Connection,
        deadline: float,
        volumes_dir: Optional[str],
        keys_dir: str,
        detach_attempts: int,
        detach_timeout: float,
    ) -> None:
        self._connection = connection
        self._deadline = deadline
        self._volumes_dir = volumes_dir
        self._detach_attempts = detach_attempts
        self._detach_timeout = detach_timeout
        self._keys = VolumeKeys(connection, keys_dir)
        self._plug = VolumePlug(connection, detach_attempts, detach_timeout)
        self._swap = VolumeSwap(connection)

    def list_volumes(self) -> list[Volume]:
        return self._volumes.find_all()

    def find_volume(self, request: VolumeRequest) -> Optional[Volume]:
        if request.pool is not None and not request.is_made:
            return read_pool_volume(request, request.pool, self._deadline)
        return self._volumes.look_for(request)

    def check_volume_free(self, request: VolumeRequest, instance_uuid: str) -> None:
        owners = self._owners(request)
        if owners is not None:
            owners.check(checked(request.uuid), request.name, instance_uuid)

    def keep_passphrase(self, uuid: str, passphrase: bytes) -> None:
        self._keys.keep(checked(uuid), passphrase)

    def create_volume(self, volume: Volume, content: Optional[Image]) -> None:
        checked(volume.uuid)
        if volume.pool is not None:
            self._volumes.remember(volume.pool)
        store = self._volumes.open(volume.pool)
        image = None
        if content is not None and store.read(volume.uuid) is None:
            image = self._images.ensure(content, lambda size: check_room(volume, size))
        store.create(volume, image)

    def resize_volume(self, uuid: str, size_gb: int, instance_uuid: Optional[str]) -> None:
        store = self._volumes.find(checked(uuid))
        path = None if store is None else store.path(uuid)
        if store is None or path is None:
            # What a pool has, its server has made larger; the guest is to see so.
            if instance_uuid is not None:
                self._plug.grow(checked(instance_uuid), uuid, size_gb * GIB)
            return
        if store.size(path) >= size_gb * GIB:
            return
        if instance_uuid is None or not self._plug.grow(checked(instance_uuid), uuid, size_gb * GIB):
            store.grow(uuid, size_gb)

    def delete_volume(self, uuid: str) -> None:
        store = self._volumes.find(checked(uuid)) or self._volumes.own
        owners = VolumeOwners(store.directory)
        if owners.is_held_elsewhere(uuid):
            # Two hosts have been about to make it, and the other one has got it.
            return
        store.delete(uuid)
        owners.forget(uuid)
        self._keys.forget(uuid)

    def attach_volume(self, instance_uuid: str, request: VolumeRequest, device_name: str) -> None:
        self._connect(checked(instance_uuid), request)
        self._plug.attach(instance_uuid, self._volume_disk(request, device_name))

    def detach_volume(self, instance_uuid: str, volume_uuid: str) -> None:
        self._plug.detach(checked(instance_uuid), checked(volume_uuid))
        self._disconnect(instance_uuid, volume_uuid)

    def limit_volume(self, instance_uuid: str, volume_uuid: str, limits: Mapping[str, int]) -> None:
        self._plug.limit(checked(instance_uuid), checked(volume_uuid), limits)

    def copy_volume(
        self, instance_uuid: str, old_uuid: str, request: VolumeRequest, device_name: str, progress: Copying
    ) -> None:
        self._connect(checked(instance_uuid), request)
        self._swap.copy(instance_uuid, checked(old_uuid), self._volume_disk(request, device_name), progress)

    def pivot_volume(self, instance_uuid: str, old_uuid: str, request: VolumeRequest, device_name: str) -> None:
        self._swap.pivot(checked(instance_uuid), checked(old_uuid), self._volume_disk(request, device_name))
        self._disconnect(instance_uuid, old_uuid)

    def drop_volume_copy(self, instance_uuid: str, old_uuid: str, new_uuid: str) -> Optional[bool]:
        has_new = self._swap.drop(checked(instance_uuid), checked(old_uuid), checked(new_uuid))
        if not has_new:
            self._disconnect(instance_uuid, new_uuid)
        return has_new

    def volume_disks(self, instance: Instance) -> tuple[VolumeDisk, ...]:
        """Return the volumes that an instance has, as disks, with all that they need to be opened."""
        for request in instance.spec.volumes:
            self._connect(instance.uuid, request)
        return tuple(
            self._volume_disk(request, instance.device_names[request.uuid]) for request in instance.spec.volumes
        )

    def lend_passphrases(self, instance_uuid: str) -> None:
        """Have libvirt know what a guest that is about to start needs, whatever it has forgotten since."""
        if self._keys.is_empty():
            return
        for uuid in self._plug.list_volumes(instance_uuid):
            if self._keys.has(uuid):
                self._keys.lend(uuid)

    def release_volumes(self, instance_uuid: str) -> None:
        """Have others take the volumes of a domain that is about to go."""
        try:
            held = self._plug.list_volumes(instance_uuid)
        except InstanceNotFound:
            return
        for uuid in held:
            self._disconnect(instance_uuid, uuid)

    @functools.cached_property
    def _volumes(self) -> VolumePools:
        return VolumePools(self._volumes_dir or str(self._disks.directory), self._deadline, self._keys)

    @property
    def _disks(self) -> DiskStore:
        """The disks of the pool, which the driver itself knows."""
        raise NotImplementedError

    @property
    def _images(self) -> ImageCache:
        """The images of the host, which the driver itself knows."""
        raise NotImplementedError

    def _connect(self, instance_uuid: str, request: VolumeRequest) -> None:
        """Have a volume be the instance's alone, and libvirt know its passphrase."""
        owners = self._owners(request)
        if owners is not None and request.pool is not None:
            self._volumes.remember(request.pool)
            owners.take(checked(request.uuid), request.name, instance_uuid, self._detach_timeout)
        if request.encrypted:
            self._keys.lend(checked(request.uuid))

    def _disconnect(self, instance_uuid: str, volume_uuid: str) -> None:
        """Take back what a volume needed to be attached."""
        store = self._volumes.find(volume_uuid)
        if store is None:
            return
        VolumeOwners(store.directory).release(volume_uuid, instance_uuid)
        volume = store.read(volume_uuid)
        if volume is not None and volume.encrypted:
            self._keys.take_back(volume_uuid)

    def _owners(self, request: VolumeRequest) -> Optional[VolumeOwners]:
        """Return who says whose a volume is that several hosts see as a file."""
        if not (request.is_shared and request.is_made):
            return None
        return VolumeOwners(self._volumes.open(request.pool).directory)

    def _volume_disk(self, request: VolumeRequest, device_name: str) -> VolumeDisk:
        if not request.is_made:
            return VolumeDisk(request, "", device_name)
        path = self._volumes.open(request.pool).require(checked(request.uuid), request.name)
        return VolumeDisk(request.but(format=path.suffix[1:]), str(path), device_name)
