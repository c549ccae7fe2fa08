# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the driver that is about volumes."""

from __future__ import annotations

import functools
from typing import Optional

from ...objects.ingredients import Image
from ...objects.instance import Instance
from ...objects.volume import Volume, VolumeRequest
from ..driver import ComputeDriver
from ..images import ImageCache
from .connection import Connection
from .storage import GIB, DiskStore
from .storage import checked_uuid as checked
from .volume_plug import VolumePlug
from .volume_store import VolumeStore
from .volume_xml import VolumeDisk


class VolumeDriving(ComputeDriver):
    """What a libvirt driver does with volumes.

    Args:
        connection: libvirt's.
        deadline: Seconds that a call may take.
        volumes_dir: The directory of volumes; None for the pool's.
        detach_attempts, detach_timeout: See VolumePlug.
    """

    def __init__(
        self,
        connection: Connection,
        deadline: float,
        volumes_dir: Optional[str],
        detach_attempts: int,
        detach_timeout: float,
    ) -> None:
        self._connection = connection
        self._deadline = deadline
        self._volumes_dir = volumes_dir
        self._detach_attempts = detach_attempts
        self._detach_timeout = detach_timeout
        self._plug = VolumePlug(connection, detach_attempts, detach_timeout)

    def list_volumes(self) -> list[Volume]:
        return self._volumes.find_all()

    def create_volume(self, volume: Volume, content: Optional[Image]) -> None:
        checked(volume.uuid)
        is_new = content is not None and not self._volumes.has(volume.uuid)
        self._volumes.create(volume, self._images.ensure(content) if content is not None and is_new else None)

    def resize_volume(self, uuid: str, size_gb: int, instance_uuid: Optional[str]) -> None:
        path = self._volumes.path(checked(uuid))
        if path is None or self._volumes.size(path) >= size_gb * GIB:
            return
        if instance_uuid is None or not self._plug.grow(checked(instance_uuid), uuid, size_gb * GIB):
            self._volumes.grow(uuid, size_gb)

    def delete_volume(self, uuid: str) -> None:
        self._volumes.delete(checked(uuid))

    def attach_volume(self, instance_uuid: str, request: VolumeRequest, device_name: str) -> None:
        self._plug.attach(checked(instance_uuid), self._volume_disk(request, device_name))

    def detach_volume(self, instance_uuid: str, volume_uuid: str) -> None:
        self._plug.detach(checked(instance_uuid), checked(volume_uuid))

    def volume_disks(self, instance: Instance) -> tuple[VolumeDisk, ...]:
        """Return the volumes that an instance has, as disks."""
        return tuple(
            self._volume_disk(request, instance.device_names[request.uuid]) for request in instance.spec.volumes
        )

    @functools.cached_property
    def _volumes(self) -> VolumeStore:
        return VolumeStore(self._volumes_dir or str(self._disks.directory), self._deadline)

    @property
    def _disks(self) -> DiskStore:
        """The disks of the pool, which the driver itself knows."""
        raise NotImplementedError

    @property
    def _images(self) -> ImageCache:
        """The images of the host, which the driver itself knows."""
        raise NotImplementedError

    def _volume_disk(self, request: VolumeRequest, device_name: str) -> VolumeDisk:
        path = self._volumes.require(checked(request.uuid), request.name)
        return VolumeDisk(request.but(format=path.suffix[1:]), str(path), device_name)
