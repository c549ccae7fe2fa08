# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices plugged into guests and taken out again, as they run and in their definitions."""

from __future__ import annotations

import contextlib
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional

from ...objects.errors import DeviceDetachFailed, HypervisorError, InstanceNotFound, NovellaError
from .binding import libvirt
from .connection import Connection

POLL_INTERVAL = 0.2

# Finds the device in a domain, where that has it.
Find = Callable[[ET.Element], Optional[ET.Element]]


@dataclass(frozen=True)
class DeviceKind:
    """What is said of one kind of device.

    Args:
        noun: What a user calls it: ``NIC``.
        unpluggable: What is raised where a running guest cannot be given one.
        saved: What is raised where the guest's memory is saved.
        let_go: What to do where a guest does not let go of one.
    """

    noun: str
    unpluggable: type[NovellaError]
    saved: type[NovellaError]
    let_go: str


class DevicePlug:
    """Plugs devices of one kind into the guests of one libvirt.

    Args:
        connection: libvirt's.
        attempts: How often a guest is asked to let go of a device (Nova's device_detach_attempts).
        seconds: How long it has each time (Nova's device_detach_timeout).
        kind: What they are.
    """

    def __init__(self, connection: Connection, attempts: int, seconds: float, kind: DeviceKind) -> None:
        self._connection = connection
        self._attempts = attempts
        self._seconds = seconds
        self._kind = kind

    def lacking(self, domain: Any, find: Find) -> int:
        """Return libvirt's flags for where a domain has not got a device: as it runs, as it is defined, or both.

        Raises:
            NovellaError: The kind's `saved`, where it lacks it and its memory is saved.
        """
        flags = sum(flag for flag, tree in views(domain) if find(tree) is None)
        if flags:
            self._refuse_saved(domain)
        return flags

    def attach(self, domain: Any, element: ET.Element, flags: int) -> None:
        """Plug a device in.

        Args:
            element: As it is to be in the definition.
            flags: What `lacking` returned.

        Raises:
            NovellaError: The kind's `unpluggable`: the running guest has no free slot.
        """
        try:
            domain.attachDeviceFlags(text_of(element), flags)
        except HypervisorError as error:
            if "No more available PCI slots" not in error.message:
                raise
            raise self._kind.unpluggable(
                f"{domain.name()} has no free slot for another {self._kind.noun} while it runs.",
                "Stop it, and attach it then.",
            ) from error

    def detach(self, uuid: str, find: Find) -> None:
        """Unplug a device: from the running guest first, which must let go of it, then from its definition.

        Raises:
            DeviceDetachFailed: The guest has not let go of it.
        """
        try:
            domain = self.domain(uuid)
        except InstanceNotFound:
            return
        self._detach_live(domain, find)
        element = find(tree_of(domain, libvirt.VIR_DOMAIN_XML_INACTIVE))
        if element is not None:
            self._refuse_saved(domain)
            domain.detachDeviceFlags(text_of(element), libvirt.VIR_DOMAIN_AFFECT_CONFIG)

    def domain(self, uuid: str) -> Any:
        """Return a domain of the host.

        Raises:
            InstanceNotFound: There is none.
        """
        return self._connection.host().lookupByUUIDString(uuid)

    def _detach_live(self, domain: Any, find: Find) -> None:
        noun = self._kind.noun
        for _attempt in range(max(1, self._attempts)):
            element = _find_live(domain, find)
            if element is None:
                return
            if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
                raise DeviceDetachFailed(
                    f"{domain.name()} stands still, so it cannot let go of its {noun}.", "Let it go on first (unpause)."
                )
            # A guest that has been asked already is not to be asked again; it is waited for all the same.
            with contextlib.suppress(HypervisorError):
                domain.detachDeviceFlags(text_of(element), libvirt.VIR_DOMAIN_AFFECT_LIVE)
            end = time.monotonic() + self._seconds
            while time.monotonic() < end:
                if _find_live(domain, find) is None:
                    return
                time.sleep(POLL_INTERVAL)
        if _find_live(domain, find) is not None:
            raise DeviceDetachFailed(
                f"{domain.name()} did not let go of its {noun} within {self._attempts * self._seconds:g} s.",
                self._kind.let_go,
            )

    def _refuse_saved(self, domain: Any) -> None:
        if not domain.isActive() and domain.hasManagedSaveImage(0):
            raise self._kind.saved(
                f"{domain.name()} has its memory saved, which belongs to the {self._kind.noun}s that it had then.",
                "Resume it first.",
            )


def views(domain: Any) -> list[tuple[int, ET.Element]]:
    """Return the domain as it is defined, and as it runs, each with the flag that changes it."""
    views = [(int(libvirt.VIR_DOMAIN_AFFECT_CONFIG), tree_of(domain, libvirt.VIR_DOMAIN_XML_INACTIVE))]
    if domain.isActive():
        views.append((int(libvirt.VIR_DOMAIN_AFFECT_LIVE), tree_of(domain)))
    return views


def tree_of(domain: Any, flags: int = 0) -> ET.Element:
    """Return a domain's XML."""
    return ET.fromstring(domain.XMLDesc(flags))  # noqa: S314 - libvirtd is trusted


def text_of(element: ET.Element) -> str:
    """Return an element as libvirt takes it."""
    return ET.tostring(element, encoding="unicode")


def _find_live(domain: Any, find: Find) -> Optional[ET.Element]:
    return find(tree_of(domain)) if domain.isActive() else None
