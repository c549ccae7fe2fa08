# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NICs that guests are given and that are taken from them, running or not."""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ET

from ...objects.errors import InstanceInvalidState, InterfaceAttachFailed
from .connection import Connection
from .device_plug import DeviceKind, DevicePlug
from .interface_xml import find_interface

NIC = DeviceKind(
    "NIC",
    unpluggable=InterfaceAttachFailed,
    saved=InstanceInvalidState,
    let_go="A guest that is still booting, or hangs, does not listen: try again later, or stop it first.",
)


class InterfacePlug:
    """Plugs NICs into the guests of one libvirt.

    Args:
        connection, attempts, seconds: See DevicePlug.
    """

    def __init__(self, connection: Connection, attempts: int, seconds: float) -> None:
        self._plug = DevicePlug(connection, attempts, seconds, NIC)

    def attach(self, uuid: str, mac_address: str, element: ET.Element) -> None:
        """Plug a NIC in wherever it is not: into the running guest, its definition, or both.

        Args:
            element: As it is to be in the definition.

        Raises:
            InterfaceAttachFailed: The running guest has no free slot.
            InstanceInvalidState: Its memory is saved.
        """
        domain = self._plug.domain(uuid)
        flags = self._plug.lacking(domain, functools.partial(find_interface, mac_address=mac_address))
        if flags:
            self._plug.attach(domain, element, flags)

    def detach(self, uuid: str, mac_address: str) -> None:
        """Unplug a NIC: from the running guest first, which must let go of it, then from its definition.

        Raises:
            DeviceDetachFailed: The guest has not let go of it.
        """
        self._plug.detach(uuid, functools.partial(find_interface, mac_address=mac_address))
