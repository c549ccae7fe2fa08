# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is around the domains: the pool, foreign disks, addresses. Read without understanding a domain.

As in `observation`, what takes a virConnect takes the bare one, and only reads.
"""

from __future__ import annotations

import socket
import xml.etree.ElementTree as ET
from typing import Any, Optional

from ..image_format import virtual_size
from .binding import libvirt


def list_leases(raw: Any) -> dict[str, tuple[str, ...]]:
    """Read the addresses that libvirt's own networks gave out, by MAC address."""
    addresses: dict[str, list[str]] = {}
    for network in raw.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE):
        for lease in network.DHCPLeases():
            addresses.setdefault((lease.get("mac") or "").lower(), []).append(lease["ipaddr"])
    return {mac: tuple(sorted(found)) for mac, found in addresses.items() if mac}


def read_pool_directory(raw: Any, pool: str) -> tuple[str, str, bool]:
    """Return type and directory of a storage pool, and whether it is active."""
    handle = raw.storagePoolLookupByName(pool)
    tree = ET.fromstring(handle.XMLDesc())  # noqa: S314 - libvirtd is trusted
    return tree.get("type", ""), tree.findtext("target/path", ""), bool(handle.isActive())


def own_address() -> Optional[str]:
    """Return the address that this host reaches others from, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def read_disk(raw: Any, disk: ET.Element) -> tuple[str, int]:
    """Return path and virtual size in bytes of a disk that takes room on this host; "" and 0 when it takes none."""
    source = disk.find("source")
    if source is None or disk.get("device", "disk") != "disk" or disk.find("readonly") is not None:
        return "", 0
    path = source.get("file") or source.get("dev")
    if path:
        return path, virtual_size(path)
    if not source.get("pool"):
        return "", 0
    try:
        volume = raw.storagePoolLookupByName(source.get("pool")).storageVolLookupByName(source.get("volume"))
        return str(volume.path()), int(volume.info()[1])
    except libvirt.libvirtError:
        return "", 0
