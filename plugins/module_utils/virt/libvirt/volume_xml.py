# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disks that volumes are, in a domain's XML. A volume is known by its serial number, never by a device's name."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Optional

from ...objects.volume import VolumeRequest

SCSI = "scsi"


@dataclass(frozen=True)
class VolumeDisk:
    """A volume as a guest's disk: its file, and the name of the device."""

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
    ET.SubElement(element, "source", file=disk.path)
    ET.SubElement(element, "target", dev=disk.device_name, bus=request.bus)
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
    disks = domain.iterfind("devices/disk")
    return next((disk for disk in disks if disk.findtext("serial") == uuid), None)
