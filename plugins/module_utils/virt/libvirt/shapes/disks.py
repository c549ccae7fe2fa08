# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The buses of a guest's own disks, and the controllers that these need."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection
from string import ascii_lowercase

from ...shape.devices import PREFIXES, needs_usb
from ...shape.guest_shape import Shape
from ..volume_xml import SCSI, has_scsi_controller, scsi_controller
from .tree import have


def own_disks(domain: ET.Element, volumes: Collection[str]) -> list[ET.Element]:
    """Return the disks that are no volumes, in their order.

    Args:
        volumes: The serial numbers of those that are.
    """
    return [disk for disk in domain.iterfind("devices/disk") if disk.findtext("serial") not in volumes]


def apply(domain: ET.Element, shape: Shape, volumes: Collection[str]) -> None:
    """Put the guest's own disks where they are wanted."""
    devices = have(domain, "devices")
    if any(name in shape for name in ("disk_bus", "cdrom_bus", "rescue_bus")):
        _place(domain, shape, volumes)
    targets = list(domain.iterfind("devices/disk/target"))
    if any(target.get("bus") == SCSI for target in targets) and not has_scsi_controller(domain):
        devices.append(scsi_controller())
    if "scsi_model" in shape:
        for controller in domain.iterfind(f"devices/controller[@type='{SCSI}']"):
            controller.set("model", shape["scsi_model"])
    model = shape.get("usb_model") or ("qemu-xhci" if needs_usb(shape) else None)
    if model is not None:
        for controller in domain.iterfind("devices/controller[@type='usb']"):
            controller.set("model", model)
    if shape.get("packed_ring"):
        for disk in domain.iterfind("devices/disk"):
            if have(disk, "target").get("bus") == "virtio":
                have(disk, "driver").set("packed", "on")


def _place(domain: ET.Element, shape: Shape, volumes: Collection[str]) -> None:
    """Give each disk its bus, and a name that no volume has: these keep theirs."""
    own = own_disks(domain, volumes)
    others = [disk for disk in domain.iterfind("devices/disk") if disk not in own]
    taken = {have(disk, "target").get("dev", "") for disk in others}
    bus = shape.get("disk_bus", "virtio")
    for number, disk in enumerate(own):
        its = bus
        if disk.find("readonly") is not None and "cdrom_bus" in shape:
            its = shape["cdrom_bus"]
            disk.set("device", "cdrom")
        elif number == 0:
            its = shape.get("rescue_bus", bus)
        prefix = PREFIXES.get(its, "sd")
        name = next(name for name in (prefix + letter for letter in ascii_lowercase) if name not in taken)
        taken.add(name)
        target = have(disk, "target")
        target.set("dev", name)
        target.set("bus", its)
