# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file and device that a domain of the host has as a disk: ours or foreign, running or not."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from .binding import libvirt


def list_disk_sources(raw: Any) -> set[str]:
    """Read the sources of all disks, with what they stand upon as far as libvirt says so.

    Args:
        raw: The bare virConnect; this only reads.
    """
    sources: set[str] = set()
    for domain in raw.listAllDomains():
        try:
            for xml in _descriptions(domain):
                sources.update(_sources(raw, xml))
        except libvirt.libvirtError as error:
            # Removed since it was listed: it needs nothing any more.
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
    return sources


def _descriptions(domain: Any) -> Iterator[str]:
    """Yield what it has now, what it will have when it is started again, and what its snapshots would bring back."""
    yield domain.XMLDesc(0)
    if domain.isActive() and domain.isPersistent():
        yield domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    for snapshot in domain.listAllSnapshots():
        yield snapshot.getXMLDesc()


def _sources(raw: Any, xml: str) -> Iterator[str]:
    for disk in ET.fromstring(xml).iter("disk"):  # noqa: S314 - libvirtd is trusted
        for source in disk.iter("source"):
            path = source.get("file") or source.get("dev")
            if path:
                yield path
            elif source.get("volume"):
                yield _volume_path(raw, source)


def _volume_path(raw: Any, source: ET.Element) -> str:
    try:
        pool = raw.storagePoolLookupByName(source.get("pool"))
        return str(pool.storageVolLookupByName(source.get("volume")).path())
    except libvirt.libvirtError as error:
        # A volume that is gone holds nothing; its name may still say which image it was.
        if error.get_error_code() in (libvirt.VIR_ERR_NO_STORAGE_POOL, libvirt.VIR_ERR_NO_STORAGE_VOL):
            return str(source.get("volume"))
        raise
