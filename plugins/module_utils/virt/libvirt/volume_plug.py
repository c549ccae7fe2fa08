# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that guests are given and that are taken from them, running or not."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ...objects.errors import InvalidVolume
from ...objects.volume import LIMITS
from .binding import libvirt
from .connection import Connection
from .device_plug import DeviceKind, DevicePlug, tree_of, views
from .volume_xml import (
    SCSI,
    VolumeDisk,
    device_of,
    find_volume,
    has_scsi_controller,
    scsi_controller,
    volume_element,
    volume_of,
)

DISK = DeviceKind(
    "disk",
    unpluggable=InvalidVolume,
    saved=InvalidVolume,
    let_go="Unmount it in the guest; one that is still booting, or hangs, does not listen. Or stop it first.",
)


class VolumePlug:
    """Plugs volumes into the guests of one libvirt.

    Args:
        connection, attempts, seconds: See DevicePlug.
    """

    def __init__(self, connection: Connection, attempts: int, seconds: float) -> None:
        self._plug = DevicePlug(connection, attempts, seconds, DISK)

    def attach(self, uuid: str, disk: VolumeDisk) -> None:
        """Plug a volume in wherever it is not: into the running guest, its definition, or both.

        Raises:
            InvalidVolume: The running guest cannot be given it, or its memory is saved.
        """
        domain = self._plug.domain(uuid)
        flags = self._plug.lacking(domain, functools.partial(find_volume, uuid=disk.request.uuid))
        if not flags:
            return
        if flags & libvirt.VIR_DOMAIN_AFFECT_LIVE and disk.request.bus == "sata":
            raise InvalidVolume(
                f"{domain.name()} runs, and a sata disk cannot be given to a running guest.",
                "Stop it first, or use bus virtio or scsi.",
            )
        if disk.request.bus == SCSI:
            self._have_controller(domain)
        self._plug.attach(domain, volume_element(disk), flags)

    def detach(self, uuid: str, volume_uuid: str) -> None:
        """Unplug a volume: from the running guest first, which must let go of it, then from its definition.

        Raises:
            DeviceDetachFailed: The guest has not let go of it.
        """
        self._plug.detach(uuid, functools.partial(find_volume, uuid=volume_uuid))

    def grow(self, uuid: str, volume_uuid: str, size: int) -> bool:
        """Have a guest that has a volume open grow it, so that it sees so. Return False where none has.

        Args:
            size: In bytes.
        """
        domain = self._plug.domain(uuid)
        element = find_volume(tree_of(domain), volume_uuid) if domain.isActive() else None
        if element is None:
            return False
        domain.blockResize(device_of(element), size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        return True

    def limit(self, uuid: str, volume_uuid: str, limits: Mapping[str, int]) -> None:
        """Limit the input and output of a volume, as the guest runs and as it is defined; what is not named is not."""
        domain = self._plug.domain(uuid)
        told = {name: limits.get(name, 0) for name in LIMITS}
        for flag, tree in views(domain):
            element = find_volume(tree, volume_uuid)
            if element is not None:
                domain.setBlockIoTune(device_of(element), told, flag)

    def list_volumes(self, uuid: str) -> list[str]:
        """Return the uuids of what a guest has as disks with serial numbers, as it runs or is defined."""
        found = {
            volume_of(disk) for _flag, tree in views(self._plug.domain(uuid)) for disk in tree.iterfind("devices/disk")
        }
        return sorted(volume for volume in found if volume)

    def _have_controller(self, domain: Any) -> None:
        flags = sum(flag for flag, tree in views(domain) if not has_scsi_controller(tree))
        if flags:
            self._plug.attach(domain, scsi_controller(), flags)
