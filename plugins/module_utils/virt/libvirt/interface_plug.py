# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NICs that guests are given and that are taken from them, running or not."""

from __future__ import annotations

import contextlib
import time
import xml.etree.ElementTree as ET
from typing import Any, Optional

from ...objects.errors import (
    DeviceDetachFailed,
    HypervisorError,
    InstanceInvalidState,
    InstanceNotFound,
    InterfaceAttachFailed,
)
from .binding import libvirt
from .connection import Connection
from .interface_xml import find_interface

POLL_INTERVAL = 0.2


class InterfacePlug:
    """Plugs NICs into the guests of one libvirt.

    Args:
        connection: libvirt's.
        attempts: How often a guest is asked to let go of a NIC (Nova's device_detach_attempts).
        seconds: How long it has each time (Nova's device_detach_timeout).
    """

    def __init__(self, connection: Connection, attempts: int, seconds: float) -> None:
        self._connection = connection
        self._attempts = attempts
        self._seconds = seconds

    def attach(self, uuid: str, mac_address: str, element: ET.Element) -> None:
        """Plug a NIC in wherever it is not: into the running guest, its definition, or both.

        Args:
            element: As it is to be in the definition.

        Raises:
            InterfaceAttachFailed: The running guest has no free slot.
            InstanceInvalidState: Its memory is saved.
        """
        domain = self._domain(uuid)
        flags = [flag for flag, tree in _views(domain) if find_interface(tree, mac_address) is None]
        if not flags:
            return
        _refuse_saved(domain)
        try:
            domain.attachDeviceFlags(_text(element), sum(flags))
        except HypervisorError as error:
            if "No more available PCI slots" not in error.message:
                raise
            raise InterfaceAttachFailed(
                f"{domain.name()} has no free slot for another NIC while it runs.", "Stop it, and attach it then."
            ) from error

    def detach(self, uuid: str, mac_address: str) -> None:
        """Unplug a NIC: from the running guest first, which must let go of it, then from its definition.

        Raises:
            DeviceDetachFailed: The guest has not let go of it.
        """
        try:
            domain = self._domain(uuid)
        except InstanceNotFound:
            return
        self._detach_live(domain, mac_address)
        element = find_interface(_tree(domain, libvirt.VIR_DOMAIN_XML_INACTIVE), mac_address)
        if element is not None:
            _refuse_saved(domain)
            domain.detachDeviceFlags(_text(element), libvirt.VIR_DOMAIN_AFFECT_CONFIG)

    def _detach_live(self, domain: Any, mac_address: str) -> None:
        for _attempt in range(max(1, self._attempts)):
            element = _find_live(domain, mac_address)
            if element is None:
                return
            if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
                raise DeviceDetachFailed(
                    f"{domain.name()} stands still, so it cannot let go of its NIC.", "Let it go on first (unpause)."
                )
            # A guest that has been asked already is not to be asked again; it is waited for all the same.
            with contextlib.suppress(HypervisorError):
                domain.detachDeviceFlags(_text(element), libvirt.VIR_DOMAIN_AFFECT_LIVE)
            end = time.monotonic() + self._seconds
            while time.monotonic() < end:
                if _find_live(domain, mac_address) is None:
                    return
                time.sleep(POLL_INTERVAL)
        if _find_live(domain, mac_address) is not None:
            raise DeviceDetachFailed(
                f"{domain.name()} did not let go of its NIC within {self._attempts * self._seconds:g} s.",
                "A guest that is still booting, or hangs, does not listen: try again later, or stop it first.",
            )

    def _domain(self, uuid: str) -> Any:
        return self._connection.host().lookupByUUIDString(uuid)


def _refuse_saved(domain: Any) -> None:
    if not domain.isActive() and domain.hasManagedSaveImage(0):
        raise InstanceInvalidState(
            f"{domain.name()} has its memory saved, which belongs to the NICs that it had then.", "Resume it first."
        )


def _views(domain: Any) -> list[tuple[int, ET.Element]]:
    """Return the domain as it is defined, and as it runs, each with the flag that changes it."""
    views = [(int(libvirt.VIR_DOMAIN_AFFECT_CONFIG), _tree(domain, libvirt.VIR_DOMAIN_XML_INACTIVE))]
    if domain.isActive():
        views.append((int(libvirt.VIR_DOMAIN_AFFECT_LIVE), _tree(domain)))
    return views


def _find_live(domain: Any, mac_address: str) -> Optional[ET.Element]:
    return find_interface(_tree(domain), mac_address) if domain.isActive() else None


def _tree(domain: Any, flags: int = 0) -> ET.Element:
    return ET.fromstring(domain.XMLDesc(flags))  # noqa: S314 - libvirtd is trusted


def _text(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode")
