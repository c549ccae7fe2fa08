# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network interfaces of running guests: pulled, and plugged in again."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection
from typing import Any

from .binding import libvirt


def list_links(domain: Any) -> list[str]:
    """Return the MAC addresses of a domain's interfaces whose link is up."""
    return [_mac(interface) for interface in _interfaces(domain) if _link(interface) == "up"]


def set_links(domain: Any, macs: Collection[str], is_up: bool) -> None:
    """Give these interfaces of a running domain a link, or take it. Those that have gone are left out."""
    wanted = "up" if is_up else "down"
    for interface in _interfaces(domain):
        if _mac(interface) in macs and _link(interface) != wanted:
            link = interface.find("link")
            if link is None:
                link = ET.SubElement(interface, "link")
            link.set("state", wanted)
            domain.updateDeviceFlags(ET.tostring(interface, encoding="unicode"), libvirt.VIR_DOMAIN_AFFECT_LIVE)


def _interfaces(domain: Any) -> list[ET.Element]:
    return ET.fromstring(domain.XMLDesc()).findall("devices/interface")  # noqa: S314 - libvirtd is trusted


def _mac(interface: ET.Element) -> str:
    mac = interface.find("mac")
    return "" if mac is None else mac.get("address", "").lower()


def _link(interface: ET.Element) -> str:
    link = interface.find("link")
    return "up" if link is None else link.get("state", "up")
