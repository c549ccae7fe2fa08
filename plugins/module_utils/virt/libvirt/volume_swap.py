# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A running guest's volume moved to another one, without the guest noticing more than that it takes a while.

QEMU copies it (libvirt's blockCopy), and from a moment on writes to both; then the guest goes on with the new one.
"""

from __future__ import annotations

import contextlib
import time
import xml.etree.ElementTree as ET
from typing import Any, Callable, Optional

from ...objects.errors import DeadlineExceeded, HypervisorError, InstanceNotFound, InvalidVolume
from ..hypervisor import Copying
from .binding import libvirt
from .connection import Connection
from .qemu_img import COPY_DEADLINE
from .volume_xml import VolumeDisk, device_of, find_volume, volume_element

POLL_INTERVAL = 0.2
# How long QEMU may take to let go of one of the two.
ENDING_SECONDS = 60.0


class VolumeSwap:
    """Moves volumes of the guests of one libvirt.

    Args:
        connection: libvirt's.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def copy(self, uuid: str, old_uuid: str, new: VolumeDisk, progress: Copying) -> None:
        """Copy a volume until the guest writes to both. A copy that goes on already is waited for.

        Raises:
            InvalidVolume: The running guest has no such volume.
            HypervisorError: The copying ended, or goes elsewhere.
            DeadlineExceeded: It takes too long.
        """
        domain = self._domain(uuid)
        tree = _tree(domain) if domain.isActive() else ET.Element("domain")
        if find_volume(tree, new.request.uuid) is not None:
            return
        disk = find_volume(tree, old_uuid)
        if disk is None:
            raise InvalidVolume(f"{domain.name()} does not run with the volume {old_uuid}.", "Attach it first.")
        name = device_of(disk)
        if disk.find("mirror") is None:
            # The file is there, and is to be used as it is. A persistent domain wants to be told that the job ends with
            # this run of it.
            flags = libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
            domain.blockCopy(name, ET.tostring(volume_element(new), encoding="unicode"), {}, flags)
        self._await_mirror(domain, old_uuid, new, progress)

    def pivot(self, uuid: str, old_uuid: str, new: VolumeDisk) -> None:
        """Have the guest go on with the copy, and its definition name that one.

        Raises:
            HypervisorError: There is no whole copy.
        """
        domain = self._domain(uuid)
        disk = find_volume(_tree(domain), old_uuid) if domain.isActive() else None
        if disk is not None:
            domain.blockJobAbort(device_of(disk), libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
            _await(lambda: _live(domain, old_uuid) is None, f"{domain.name()} did not go on with the copy")
        if domain.isActive() and _live(domain, new.request.uuid) is None:
            raise HypervisorError(f"{domain.name()} has no copy of the volume {old_uuid} to go on with.", "Run again.")
        element = find_volume(_tree(domain, libvirt.VIR_DOMAIN_XML_INACTIVE), new.request.uuid)
        if element is None:
            text = ET.tostring(volume_element(new), encoding="unicode")
            domain.updateDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_CONFIG)

    def drop(self, uuid: str, old_uuid: str, new_uuid: str) -> Optional[bool]:
        """End a copy. Return whether the guest has the new volume; None where it is off."""
        try:
            domain = self._domain(uuid)
        except InstanceNotFound:
            return None
        if not domain.isActive():
            return None
        if _live(domain, new_uuid) is not None:
            return True
        disk = _live(domain, old_uuid)
        if disk is not None and _mirrors_to(disk, new_uuid):
            with contextlib.suppress(HypervisorError):
                domain.blockJobAbort(device_of(disk), 0)
            _await(
                lambda: not _mirrors_to(_live(domain, old_uuid), new_uuid),
                f"the copying of a volume of {domain.name()} did not end",
            )
        return _live(domain, new_uuid) is not None

    def _await_mirror(self, domain: Any, old_uuid: str, new: VolumeDisk, progress: Copying) -> None:
        end = time.monotonic() + COPY_DEADLINE
        while True:
            disk = _live(domain, old_uuid)
            if disk is None or not _mirrors_to(disk, new.request.uuid):
                raise HypervisorError(
                    f"The copying of a volume of {domain.name()} to '{new.request.name}' ended before it was whole.",
                    "See the guest's log on this host for it; the guest goes on with the old one.",
                )
            mirror = disk.find("mirror")
            if mirror is not None and mirror.get("ready") == "yes":
                return
            job = domain.blockJobInfo(device_of(disk), 0) or {}
            progress(job.get("cur", 0), job.get("end", 0))
            if time.monotonic() > end:
                raise DeadlineExceeded(f"A volume of {domain.name()} was not copied within {COPY_DEADLINE:g} s.")
            time.sleep(POLL_INTERVAL)

    def _domain(self, uuid: str) -> Any:
        return self._connection.host().lookupByUUIDString(uuid)


def _mirrors_to(disk: Optional[ET.Element], new_uuid: str) -> bool:
    """Return whether a disk is being copied to a volume."""
    mirror = None if disk is None else disk.find("mirror")
    return mirror is not None and f"/{new_uuid}.volume." in mirror.get("file", "")


def _await(condition: Callable[[], bool], complaint: str) -> None:
    end = time.monotonic() + ENDING_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise DeadlineExceeded(f"{complaint} within {ENDING_SECONDS:g} s.")
        time.sleep(POLL_INTERVAL)


def _live(domain: Any, volume_uuid: str) -> Optional[ET.Element]:
    return find_volume(_tree(domain), volume_uuid) if domain.isActive() else None


def _tree(domain: Any, flags: int = 0) -> ET.Element:
    return ET.fromstring(domain.XMLDesc(flags))  # noqa: S314 - libvirtd is trusted
