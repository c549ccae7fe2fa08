# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a driver does with volumes. See `virt.driver`."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Optional

from ...objects.ingredients import Image
from ...objects.volume import Volume, VolumeRequest
from ..hypervisor import Copying


class VolumeDriver(abc.ABC):
    """What a driver does with volumes."""

    @abc.abstractmethod
    def keep_passphrase(self, uuid: str, passphrase: bytes) -> None:
        """Keep the passphrase of an encrypted volume on the host, secret, for as long as the volume is there."""

    @abc.abstractmethod
    def create_volume(self, volume: Volume, content: Optional[Image]) -> None:
        """Make a volume. One that is there is kept as it is; what is half-made is never seen.

        Args:
            content: What it is filled with; None leaves it empty.

        Raises:
            ImageUnacceptable: The image cannot be used, or is larger than the volume.
            InvalidVolume: Its pool is not there, or it is to be encrypted and its passphrase is not known.
        """

    @abc.abstractmethod
    def resize_volume(self, uuid: str, size_gb: int, instance_uuid: Optional[str]) -> None:
        """Have a volume be so large, in GiB; one that is as large or larger is left alone.

        Args:
            instance_uuid: The instance that has it: a running guest sees the new size at once.
        """

    @abc.abstractmethod
    def delete_volume(self, uuid: str) -> None:
        """Delete a volume and its data. One that an instance of another host has stays."""

    @abc.abstractmethod
    def attach_volume(self, instance_uuid: str, request: VolumeRequest, device_name: str) -> None:
        """Give a guest a volume as a disk, at once if it runs and in its definition.

        Raises:
            InvalidVolume: The volume is not there, or the running guest cannot be given it.
        """

    @abc.abstractmethod
    def detach_volume(self, instance_uuid: str, volume_uuid: str) -> None:
        """Take a volume from a guest. A running one must let go of it.

        Raises:
            DeviceDetachFailed: It has not, in time.
        """

    @abc.abstractmethod
    def limit_volume(self, instance_uuid: str, volume_uuid: str, limits: Mapping[str, int]) -> None:
        """Limit the input and output of a guest's volume, at once if it runs and in its definition.

        Args:
            limits: Bytes or requests per second, by the names of `objects.volume.LIMITS`; the rest is not limited.
        """

    @abc.abstractmethod
    def copy_volume(
        self, instance_uuid: str, old_uuid: str, request: VolumeRequest, device_name: str, progress: Copying
    ) -> None:
        """Have a running guest's volume copied to another one, until all that it writes goes to both.

        Args:
            request: The other volume, which is there and as large or larger.
            progress: Told now and then how many bytes of how many are copied.

        Raises:
            InvalidVolume: It has no such volume, or the other one is not there.
            HypervisorError: The copying ended before that.
        """

    @abc.abstractmethod
    def pivot_volume(self, instance_uuid: str, old_uuid: str, request: VolumeRequest, device_name: str) -> None:
        """Have the guest go on with the copy alone, and its definition say so. The old volume is free then."""

    @abc.abstractmethod
    def drop_volume_copy(self, instance_uuid: str, old_uuid: str, new_uuid: str) -> Optional[bool]:
        """End the copying of a volume that nobody waits for.

        Returns:
            Whether the guest has the new volume by now; None where it is off, so that nothing tells.
        """
