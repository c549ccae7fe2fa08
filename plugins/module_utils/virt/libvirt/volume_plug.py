# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that guests are given and that are taken from them, running or not."""

from __future__ import annotations

import contextlib
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, Optional

from ...objects.errors import DeviceDetachFailed, HypervisorError, InstanceNotFound, InvalidVolume
from ...objects.volume import LIMITS
from .binding import libvirt
from .connection import Connection
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

POLL_INTERVAL = 0.2


class VolumePlug:
    """Plugs volumes into the guests of one libvirt.

    Args:
        connection: libvirt's.
        attempts: How often a guest is asked to let go of a disk (Nova's device_detach_attempts).
        seconds: How long it has each time (Nova's device_detach_timeout).
    """

    def __init__(self, connection: Connection, attempts: int, seconds: float) -> None:
        self._connection = connection
        self._attempts = attempts
        self._seconds = seconds

    def attach(self, uuid: str, disk: VolumeDisk) -> None:
        """Plug a volume in wherever it is not: into the running guest, its definition, or both.

        Raises:
            InvalidVolume: The running guest cannot be given it, or its memory is saved.
        """
        domain = self._domain(uuid)
        flags = [flag for flag, tree in views(domain) if find_volume(tree, disk.request.uuid) is None]
        if not flags:
            return
        _refuse_saved(domain)
        if libvirt.VIR_DOMAIN_AFFECT_LIVE in flags and disk.request.bus == "sata":
            raise InvalidVolume(
                f"{domain.name()} runs, and a sata disk cannot be given to a running guest.",
                "Stop it first, or use bus virtio or scsi.",
            )
        try:
            if disk.request.bus == SCSI:
                self._have_controller(domain)
            domain.attachDeviceFlags(_text(volume_element(disk)), sum(flags))
        except HypervisorError as error:
            if "No more available PCI slots" not in error.message:
                raise
            raise InvalidVolume(
                f"{domain.name()} has no free slot for another disk while it runs.", "Stop it, and attach it then."
            ) from error

    def detach(self, uuid: str, volume_uuid: str) -> None:
        """Unplug a volume: from the running guest first, which must let go of it, then from its definition.

        Raises:
            DeviceDetachFailed: The guest has not let go of it.
        """
        try:
            domain = self._domain(uuid)
        except InstanceNotFound:
            return
        self._detach_live(domain, volume_uuid)
        element = find_volume(_tree(domain, libvirt.VIR_DOMAIN_XML_INACTIVE), volume_uuid)
        if element is not None:
            _refuse_saved(domain)
            domain.detachDeviceFlags(_text(element), libvirt.VIR_DOMAIN_AFFECT_CONFIG)

    def grow(self, uuid: str, volume_uuid: str, size: int) -> bool:
        """Have a guest that has a volume open grow it, so that it sees so. Return False where none has.

        Args:
            size: In bytes.
        """
        domain = self._domain(uuid)
        element = find_volume(_tree(domain), volume_uuid) if domain.isActive() else None
        if element is None:
            return False
        domain.blockResize(device_of(element), size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        return True

    def limit(self, uuid: str, volume_uuid: str, limits: Mapping[str, int]) -> None:
        """Limit the input and output of a volume, as the guest runs and as it is defined; what is not named is not."""
        domain = self._domain(uuid)
        told = {name: limits.get(name, 0) for name in LIMITS}
        for flag, tree in views(domain):
            element = find_volume(tree, volume_uuid)
            if element is not None:
                domain.setBlockIoTune(device_of(element), told, flag)

    def list_volumes(self, uuid: str) -> list[str]:
        """Return the uuids of what a guest has as disks with serial numbers, as it runs or is defined."""
        found = {volume_of(disk) for _flag, tree in views(self._domain(uuid)) for disk in tree.iterfind("devices/disk")}
        return sorted(volume for volume in found if volume)

    def _detach_live(self, domain: Any, volume_uuid: str) -> None:
        for _attempt in range(max(1, self._attempts)):
            element = _find_live(domain, volume_uuid)
            if element is None:
                return
            if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
                raise DeviceDetachFailed(
                    f"{domain.name()} stands still, so it cannot let go of its disk.", "Let it go on first (unpause)."
                )
            # A guest that has been asked already is not to be asked again; it is waited for all the same.
            with contextlib.suppress(HypervisorError):
                domain.detachDeviceFlags(_text(element), libvirt.VIR_DOMAIN_AFFECT_LIVE)
            end = time.monotonic() + self._seconds
            while time.monotonic() < end:
                if _find_live(domain, volume_uuid) is None:
                    return
                time.sleep(POLL_INTERVAL)
        if _find_live(domain, volume_uuid) is not None:
            raise DeviceDetachFailed(
                f"{domain.name()} did not let go of its disk within {self._attempts * self._seconds:g} s.",
                "Unmount it in the guest; one that is still booting, or hangs, does not listen. Or stop it first.",
            )

    def _have_controller(self, domain: Any) -> None:
        flags = [flag for flag, tree in views(domain) if not has_scsi_controller(tree)]
        if flags:
            domain.attachDeviceFlags(_text(scsi_controller()), sum(flags))

    def _domain(self, uuid: str) -> Any:
        return self._connection.host().lookupByUUIDString(uuid)


def _refuse_saved(domain: Any) -> None:
    if not domain.isActive() and domain.hasManagedSaveImage(0):
        raise InvalidVolume(
            f"{domain.name()} has its memory saved, which belongs to the disks that it had then.", "Resume it first."
        )


def views(domain: Any) -> list[tuple[int, ET.Element]]:
    """Return the domain as it is defined, and as it runs, each with the flag that changes it."""
    views = [(int(libvirt.VIR_DOMAIN_AFFECT_CONFIG), _tree(domain, libvirt.VIR_DOMAIN_XML_INACTIVE))]
    if domain.isActive():
        views.append((int(libvirt.VIR_DOMAIN_AFFECT_LIVE), _tree(domain)))
    return views


def _find_live(domain: Any, volume_uuid: str) -> Optional[ET.Element]:
    return find_volume(_tree(domain), volume_uuid) if domain.isActive() else None


def _tree(domain: Any, flags: int = 0) -> ET.Element:
    return ET.fromstring(domain.XMLDesc(flags))  # noqa: S314 - libvirtd is trusted


def _text(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode")
