# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the driver that changes guests in place, and finds out what others have changed about them."""

from __future__ import annotations

import contextlib
import time
import xml.etree.ElementTree as ET
from collections.abc import Collection
from typing import Any, Optional

from ...objects.drift import Drift
from ...objects.errors import DeviceDetachFailed, HypervisorError, NovellaError
from ...objects.instance import Instance
from ..driver import ComputeDriver
from ..hypervisor import ConsoleAddress
from .binding import libvirt
from .connection import Connection
from .drift import DEVICE, compare, devices
from .storage import GIB, DiskStore
from .storage import checked_uuid as checked

POLL_INTERVAL = 0.2


class GuestChanges(ComputeDriver):
    """What a libvirt driver does to change guests in place."""

    _connection: Connection
    # How often a guest is asked to let go of a device, and how many seconds it has each time.
    _detach_attempts: int
    _detach_timeout: float

    def list_drift(self, instances: Collection[Instance]) -> dict[str, list[Drift]]:
        meant: dict[str, ET.Element] = {}
        for instance in instances:
            # What cannot even be built from its record is for those to say who define it.
            with contextlib.suppress(NovellaError):
                meant[instance.uuid] = self._build(instance)
        views = self._connection.read("read the guests", lambda raw: _read_views(raw, meant))
        found = {uuid: compare(meant[uuid], *views[uuid]) for uuid in meant if uuid in views}
        return {uuid: drift for uuid, drift in found.items() if drift}

    def resize_root_disk(self, uuid: str, size_gb: int) -> None:
        if self._disks.root_disk_size(checked(uuid)) >= size_gb * GIB:
            return
        domain = self._connection.host().lookupByUUIDString(uuid)
        if domain.isActive():
            path = str(self._disks.root_disk(uuid))
            domain.blockResize(path, size_gb * GIB, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        else:
            self._disks.grow_root_disk(uuid, size_gb)

    def plug_devices(self, instance: Instance) -> None:
        domain = self._connection.host().lookupByUUIDString(checked(instance.uuid))
        if not domain.isActive():
            return
        meant, running = _pluggable(self._build(instance)), _pluggable(_tree(domain))
        for name, (value, element) in running.items():
            if name not in meant or meant[name][0] != value:
                self._unplug(domain, name, element)
        for name, (value, element) in meant.items():
            if name not in running or running[name][0] != value:
                text = ET.tostring(element, encoding="unicode")
                domain.attachDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def _unplug(self, domain: Any, name: str, element: ET.Element) -> None:
        for _attempt in range(max(1, self._detach_attempts)):
            # A guest that has been asked already is not to be asked again; it is waited for all the same.
            with contextlib.suppress(HypervisorError):
                text = ET.tostring(element, encoding="unicode")
                domain.detachDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            end = time.monotonic() + self._detach_timeout
            while time.monotonic() < end:
                if name not in _pluggable(_tree(domain)):
                    return
                time.sleep(POLL_INTERVAL)
        raise DeviceDetachFailed(
            f"{domain.name()} did not let go of {name} within {self._detach_attempts * self._detach_timeout:g} s.",
            "See to it that nothing in the guest uses it, or stop it first.",
        )

    def _build(self, instance: Instance, serial: Optional[ConsoleAddress] = None) -> ET.Element:
        """Return the domain of an instance, as it is to be defined; the driver knows how."""
        raise NotImplementedError

    @property
    def _disks(self) -> DiskStore:
        """The disks of the pool, which the driver itself knows."""
        raise NotImplementedError


def _read_views(raw: Any, uuids: Collection[str]) -> dict[str, tuple[ET.Element, Optional[ET.Element]]]:
    """Return these domains as they are defined, and as they run, by uuid; one that has gone is left out."""
    views = {}
    for handle in raw.listAllDomains(0):
        uuid = handle.UUIDString()
        if uuid not in uuids:
            continue
        try:
            defined = _tree(handle, libvirt.VIR_DOMAIN_XML_INACTIVE)
            views[uuid] = (defined, _tree(handle) if handle.isActive() else None)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
    return views


def _pluggable(tree: ET.Element) -> dict[str, tuple[str, ET.Element]]:
    """Return what can be plugged in and out of a running guest. A host's device is its claim's to give."""
    return {name: (value, element) for name, value, element in devices(tree) if not name.startswith(DEVICE)}


def _tree(domain: Any, flags: int = 0) -> ET.Element:
    return ET.fromstring(domain.XMLDesc(flags))  # noqa: S314 - libvirtd is trusted
