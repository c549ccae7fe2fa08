# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's network interfaces, consoles and screens, and what else is plugged into it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ...shape.devices import SIZED_VIDEO
from ...shape.guest_shape import Shape
from .tree import drop, have

# What the kernel takes for one tap device.
MOST_QUEUES = 256


def apply(domain: ET.Element, shape: Shape) -> None:
    """Have its devices be as they are wanted, but for its network interfaces."""
    devices = have(domain, "devices")
    action = shape.get("watchdog_action", "disabled")
    if action != "disabled":
        ET.SubElement(devices, "watchdog", model="i6300esb", action=action)
    _shape_rng(devices, shape)
    if "serial_ports" in shape:
        _shape_serial(devices, shape["serial_ports"])
    if shape.get("agent") is False:
        drop(devices, "channel")
    _shape_video(devices, shape)
    if "input_bus" in shape or "pointer_model" in shape:
        bus = shape.get("input_bus", "usb")
        for kind in ("tablet", "keyboard") if "input_bus" in shape else ("tablet",):
            ET.SubElement(devices, "input", type=kind, bus=bus)
    if "sound_model" in shape:
        ET.SubElement(devices, "sound", model=shape["sound_model"])
    if "viommu_model" in shape:
        _add_iommu(domain, devices, shape["viommu_model"])


def shape_interface(interface: ET.Element, shape: Shape, vcpus: int) -> None:
    """Have one network interface be of the model that is wanted, with as many queues."""
    model = have(interface, "model")
    if "vif_model" in shape:
        model.set("type", shape["vif_model"])
    if model.get("type") != "virtio":
        return
    queues = min(vcpus, MOST_QUEUES)
    if shape.get("vif_multiqueue") and queues > 1:
        have(interface, "driver").set("queues", str(queues))
    if shape.get("packed_ring"):
        have(interface, "driver").set("packed", "on")


def _shape_rng(devices: ET.Element, shape: Shape) -> None:
    if shape.get("rng_allowed") is False:
        drop(devices, "rng")
    elif "rng_bytes" in shape:
        for rng in devices.findall("rng"):
            rate = ET.Element("rate", bytes=str(shape["rng_bytes"]))
            if "rng_period" in shape:
                rate.set("period", str(shape["rng_period"]))
            rng.insert(0, rate)


def _shape_serial(devices: ET.Element, count: int) -> None:
    if not count:
        drop(devices, "serial")
        drop(devices, "console")
    for port in range(1, count):
        serial = ET.SubElement(devices, "serial", type="pty")
        ET.SubElement(serial, "target", port=str(port))


def _shape_video(devices: ET.Element, shape: Shape) -> None:
    if "video_model" not in shape:
        return
    model = have(have(devices, "video"), "model")
    model.attrib.clear()
    model.set("type", shape["video_model"])
    if "video_ram" in shape and shape["video_model"] in SIZED_VIDEO:
        model.set("vram", str(shape["video_ram"] << 10))


def _add_iommu(domain: ET.Element, devices: ET.Element, model: str) -> None:
    if model == "virtio":
        ET.SubElement(devices, "iommu", model="virtio")
        return
    iommu = ET.SubElement(devices, "iommu", model="intel")
    driver = {"intremap": "on", "caching_mode": "on", "eim": "on", "iotlb": "on", "aw_bits": "48"}
    ET.SubElement(iommu, "driver", driver)
    # Remapped interrupts need the controller that QEMU emulates.
    ET.SubElement(have(domain, "features"), "ioapic", driver="qemu")
