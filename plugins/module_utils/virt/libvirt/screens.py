# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's screen: the devices for it, and where it can be reached."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, Optional

from ..hypervisor import ConsoleAddress
from .binding import libvirt
from .serial_ports import read_serial

# Every guest has a driver for it, from its firmware on.
VIDEO = "vga"


def add_screens(devices: ET.Element, screens: Mapping[str, str]) -> None:
    """Give a domain a screen, where it is to be reached at all. libvirt chooses the ports.

    Args:
        screens: By kind, ``vnc`` or ``spice``, the address to listen on.
    """
    for kind, listen in screens.items():
        graphics = ET.SubElement(devices, "graphics", type=kind, autoport="yes", listen=listen)
        ET.SubElement(graphics, "listen", type="address", address=listen)
    ET.SubElement(ET.SubElement(devices, "video"), "model", type=VIDEO if screens else "none")


def read_console(raw: Any, uuid: str, kind: str) -> Optional[ConsoleAddress]:
    """Return where a running domain's screen of that kind, or its serial console, can be reached, or None."""
    try:
        domain = raw.lookupByUUIDString(uuid)
        tree = ET.fromstring(domain.XMLDesc())  # noqa: S314 - libvirtd is trusted
        if kind == "serial":
            return read_serial(domain, tree)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    graphics = tree.find(f"devices/graphics[@type='{kind}']")
    if graphics is None:
        return None
    port, tls_port = (int(graphics.get(name, "-1")) for name in ("port", "tlsPort"))
    # Of one that is off, libvirt says -1.
    return ConsoleAddress(graphics.get("listen", ""), port, tls_port if tls_port > 0 else None) if port > 0 else None
