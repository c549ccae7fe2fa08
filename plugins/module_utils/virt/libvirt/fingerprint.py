# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the readings of LibvirtDriver are made of, boiled down to a digest without understanding it.

This file must not import what understands a domain; see `compute.fingerprint`.
"""

from __future__ import annotations

import hashlib
import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Optional

from ..image_format import virtual_size
from .binding import libvirt
from .connection import Connection
from .surroundings import list_leases, own_address, read_disk, read_pool_directory

GIB = 1 << 30
# Where the system's libvirtd keeps the definitions of its domains, each in a file that it replaces as a whole.
KEPT_DEFINITIONS = "/etc/libvirt/qemu"
# Where it keeps how they run.
KEPT_STATUS = "/run/libvirt/qemu"
# A record names it; a domain that does not is a foreign one.
RECORD_MARK = "https://novella.dev/xmlns/compute/1"


def read_fingerprint(connection: Connection, pool: str, with_pci: bool, volumes_dir: Optional[str]) -> str:
    """Return a digest that differs as soon as one of the driver's readings would.

    Args:
        pool: The storage pool of instances' disks.
        with_pci: Whether the host's PCI devices count.
        volumes_dir: The directory of volumes; None for the pool's.

    Raises:
        HypervisorUnavailable, DeadlineExceeded: libvirt does not answer.
    """
    content = connection.read("take the host's fingerprint", lambda raw: _read(raw, pool, with_pci))
    directory = volumes_dir or content[4][0][1]
    volumes = [] if volumes_dir is None else _list_files(volumes_dir)
    volumes += [file for path in _pool_directories(directory) for file in _list_files(path)]
    return hashlib.sha256(json.dumps([content, volumes]).encode()).hexdigest()


def _read(raw: Any, pool: str, with_pci: bool) -> list[Any]:
    states = raw.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
    domains = [
        (handle.UUIDString(), stats.get("state.state", 0), _definition(handle), _changed_at(handle))
        for handle, stats in states
    ]
    flags = libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE
    saved = sorted(handle.UUIDString() for handle in raw.listAllDomains(flags))
    memory = raw.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0)
    host = [raw.getCapabilities(), raw.getInfo()[2], memory["total"], raw.getHostname(), raw.getType()]
    networks = [handle.XMLDesc() for handle in raw.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE)]
    devices = raw.listAllNodeDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV) if with_pci else []
    where = read_pool_directory(raw, pool)
    texts = [xml for _uuid, _state, xml, _changed in domains if RECORD_MARK not in xml]
    foreign = [disk for xml in texts for disk in _read_disks(raw, xml)]
    return [
        [*sorted(domains), *saved],
        [*host, raw.getVersion(), own_address()],
        sorted(device.XMLDesc() for device in devices),
        [sorted(list_leases(raw).items()), sorted(networks)],
        [where, _measure(where[1], foreign)],
        sorted(foreign),
    ]


def _definition(handle: Any) -> str:
    """Return a domain's definition for its next start, from libvirt's file if it is to be had.

    Asking libvirt takes ten times as long, and for hundreds of domains longer than all the rest.
    """
    try:
        with open(f"{KEPT_DEFINITIONS}/{handle.name()}.xml", encoding="utf-8") as file:  # noqa: PTH123 - as for sizes
            kept = file.read()
    except (OSError, UnicodeDecodeError):
        kept = ""
    if f"<uuid>{handle.UUIDString()}</uuid>" in kept:
        return kept
    try:
        return str(handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return "<domain/>"  # removed since it was listed
        raise


def _changed_at(handle: Any) -> int:
    """Return when libvirt has last written down how a domain runs, in nanoseconds; 0 where it is off.

    It does so when somebody changes a guest that runs, and at other times, too.
    """
    try:
        return os.stat(f"{KEPT_STATUS}/{handle.name()}.xml").st_mtime_ns  # noqa: PTH116 - as for sizes
    except OSError:
        return 0


def _read_disks(raw: Any, xml: str) -> Iterator[tuple[str, int]]:
    return (read_disk(raw, disk) for disk in ET.fromstring(xml).findall("devices/disk"))  # noqa: S314 - libvirtd's


def _measure(directory: str, foreign: Iterable[tuple[str, int]]) -> list[Any]:
    """Return the pool's files with their virtual sizes, its size, and what it has left.

    Free and allocated space are added up: as a thin disk grows, one becomes the other, and nothing has changed.
    """
    try:
        about = os.statvfs(directory)
    except OSError:
        # The audit will say what is wrong with the pool.
        return []
    files = _list_files(directory)
    allocated = sum(_allocated(path) for path in {path for path, _size in (*files, *foreign) if path})
    left = about.f_bavail * about.f_frsize + allocated
    return [files, about.f_blocks * about.f_frsize, left // GIB]


def _pool_directories(directory: str) -> list[str]:
    """Return where the pools are that the host's own directory of volumes remembers; see `volume_pools`."""
    found = []
    for path in sorted(Path(directory).glob("*.pool.json")):
        try:
            found.append(str(json.loads(path.read_text(encoding="utf-8"))["path"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _list_files(directory: str) -> list[tuple[str, int]]:
    try:
        with os.scandir(directory) as entries:
            paths = sorted(entry.path for entry in entries if entry.is_file(follow_symlinks=False))
    except OSError:
        return []
    return [(path, virtual_size(path)) for path in paths]


def _allocated(path: str) -> int:
    try:
        return os.stat(path).st_blocks * 512  # noqa: PTH116 - hundreds of them, and a Path for each costs more
    except OSError:
        return 0
