# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disks that volumes are, in a domain's XML. A volume is never known by a device's name.

It is known by its file's name, or else by its serial number: that stays what it was when a running guest's disk is
moved to another volume.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Optional

from ...objects.volume import VolumeRequest
from .pool_sources import pool_source

SCSI = "scsi"
OWN_FILE = re.compile(r".*/([0-9a-f-]{36})\.volume\.[a-z0-9]+")


@dataclass(frozen=True)
class VolumeDisk:
    """A volume as a guest's disk: its file, where it is one, and the name of the device."""

    request: VolumeRequest
    path: str
    device_name: str


def volume_element(disk: VolumeDisk, has_order: bool = False) -> ET.Element:
    """Return the disk.

    Args:
        has_order: It is said of disks, and not of the domain, which one boots first.
    """
    request = disk.request
    element = ET.Element("disk", type="file", device="disk")
    ET.SubElement(element, "driver", name="qemu", type=request.format, discard="unmap")
    if request.pool is not None and not request.is_made:
        pool_source(element, request.pool, request.name_in_pool or "")
    else:
        source = ET.SubElement(element, "source", file=disk.path)
        if request.encrypted:
            encryption = ET.SubElement(source, "encryption", format="luks")
            ET.SubElement(encryption, "secret", type="passphrase", uuid=request.uuid)
    ET.SubElement(element, "target", dev=disk.device_name, bus=request.bus)
    if request.limits:
        limits = ET.SubElement(element, "iotune")
        for name, value in sorted(request.limits.items()):
            ET.SubElement(limits, name).text = str(value)
    ET.SubElement(element, "serial").text = request.uuid
    if has_order and request.boot_index is not None:
        element.append(boot_element(request.boot_index))
    return element


def boot_element(boot_index: int) -> ET.Element:
    """Return what says when a disk is tried: libvirt counts from 1."""
    return ET.Element("boot", order=str(boot_index + 1))


def scsi_controller() -> ET.Element:
    """Return the controller that scsi disks need. libvirt's default one does not fit a PCIe machine."""
    return ET.Element("controller", type=SCSI, index="0", model="virtio-scsi")


def has_scsi_controller(domain: ET.Element) -> bool:
    """Return whether a domain has one."""
    return domain.find(f"devices/controller[@type='{SCSI}']") is not None


def find_volume(domain: ET.Element, uuid: str) -> Optional[ET.Element]:
    """Return the disk that a volume is in a domain, or None."""
    return next((disk for disk in domain.iterfind("devices/disk") if volume_of(disk) == uuid), None)


def volume_of(disk: ET.Element) -> Optional[str]:
    """Return the uuid of the volume that a disk is, or of what else its serial number says."""
    source = disk.find("source")
    file = OWN_FILE.fullmatch("" if source is None else source.get("file", ""))
    return file[1] if file else disk.findtext("serial")


def device_of(disk: ET.Element) -> str:
    """Return the name of a disk's device."""
    target = disk.find("target")
    return "" if target is None else target.get("dev", "")
