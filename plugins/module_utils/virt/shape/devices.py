# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be said of a guest's devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...objects.errors import InvalidInput, NotSupported
from .wish import Wish, flag, image_at_most, image_wins, number, one_of

DISK_BUSES = ("virtio", "scsi", "sata", "ide", "usb")
# How the names of their disks begin, if not with sd.
PREFIXES = {"virtio": "vd", "ide": "hd"}
CDROM_BUSES = ("sata", "scsi", "ide", "usb")
SCSI_MODELS = ("virtio-scsi", "lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi")
NIC_MODELS = ("virtio", "e1000", "e1000e", "igb", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3")
VIDEO_MODELS = ("virtio", "vga", "cirrus", "qxl", "bochs", "vmvga", "none")
# Those whose memory can be chosen.
SIZED_VIDEO = ("vga", "qxl", "vmvga", "bochs")
SOUND_MODELS = ("ich6", "ich9", "ac97", "es1370", "sb16", "usb")
USB_MODELS = ("qemu-xhci", "nec-xhci", "ich9-ehci1", "piix3-uhci", "none")
# Nova's names of the same.
WATCHDOG_ACTIONS = ("disabled", "none", "pause", "poweroff", "reset")

WISHES = (
    Wish(
        "disk_bus",
        "The bus of the guest's own disks. A volume has its own.",
        one_of(*DISK_BUSES),
        prop="hw_disk_bus",
        values="virtio (default), scsi, sata, usb, and ide on `pc`",
    ),
    Wish(
        "cdrom_bus",
        "The config drive is a CD on this bus; without it, a disk on the bus of the root disk.",
        one_of(*CDROM_BUSES),
        prop="hw_cdrom_bus",
        values="sata, scsi, usb, and ide on `pc`",
    ),
    Wish(
        "scsi_model",
        "The controller of scsi disks.",
        one_of(*SCSI_MODELS),
        prop="hw_scsi_model",
        values="virtio-scsi (default), lsilogic, lsisas1068, lsisas1078, vmpvscsi",
    ),
    Wish(
        "rescue_device",
        "Of an image to rescue with: what it is booted as.",
        one_of("disk"),
        prop="hw_rescue_device",
        values="disk",
    ),
    Wish(
        "rescue_bus",
        "Of an image to rescue with: the bus of that disk.",
        one_of(*DISK_BUSES),
        prop="hw_rescue_bus",
        values="as `hw_disk_bus`",
    ),
    Wish(
        "vif_model",
        "The model of network interfaces.",
        one_of(*NIC_MODELS),
        prop="hw_vif_model",
        values=f"virtio (default), {', '.join(NIC_MODELS[1:])}",
    ),
    Wish(
        "vif_multiqueue",
        "Network interfaces have as many queues as there are vCPUs; they have to be of virtio.",
        flag,
        "hw:vif_multiqueue_enabled",
        "hw_vif_multiqueue_enabled",
    ),
    Wish(
        "packed_ring",
        "Disks and network interfaces of virtio have packed rings.",
        flag,
        "hw:virtio_packed_ring",
        "hw_virtio_packed_ring",
    ),
    Wish(
        "watchdog_action",
        "A watchdog, and what it does when the guest does not feed it any more. `none`: it is there and does nothing.",
        one_of(*WATCHDOG_ACTIONS),
        "hw:watchdog_action",
        "hw_watchdog_action",
        image_wins,
        "disabled (default), none, pause, poweroff, reset",
    ),
    Wish(
        "rng_allowed",
        "A source of random numbers, or none.",
        flag,
        "hw_rng:allowed",
        values="yes (default), no",
    ),
    Wish(
        "rng_bytes",
        "How many random bytes it gives in each period.",
        number(1, 2**31),
        "hw_rng:rate_bytes",
        values="1 and more",
    ),
    Wish(
        "rng_period",
        "That period, in milliseconds; it needs `hw_rng:rate_bytes`.",
        number(1, 2**31),
        "hw_rng:rate_period",
        values="1 and more",
    ),
    Wish("rng_model", "The model of that source.", one_of("virtio"), prop="hw_rng_model", values="virtio"),
    Wish(
        "serial_ports",
        "Serial ports. The first is logged; without it, there is no console.",
        number(0, 4),
        "hw:serial_port_count",
        "hw_serial_port_count",
        image_at_most,
        "0 to 4, 1 by default",
    ),
    Wish("agent", "The channel of the guest's agent.", flag, prop="hw_qemu_guest_agent", values="yes (default), no"),
    Wish(
        "video_model",
        "The graphics card; without it there is one only where the host offers screens.",
        one_of(*VIDEO_MODELS),
        prop="hw_video_model",
        values=", ".join(VIDEO_MODELS),
    ),
    Wish(
        "video_ram",
        f"Its memory in MiB, of {', '.join(SIZED_VIDEO)}. The flavor has to permit it.",
        number(1, 1024),
        prop="hw_video_ram",
        values="1 to 1024",
    ),
    Wish(
        "video_ram_max",
        "The most memory in MiB that an image may ask for its graphics card.",
        number(0, 1024),
        "hw_video:ram_max_mb",
        values="0 (default) to 1024",
    ),
    Wish(
        "pointer_model",
        "A tablet, so that a screen's pointer is where the user's is.",
        one_of("usbtablet"),
        prop="hw_pointer_model",
        values="usbtablet",
    ),
    Wish(
        "input_bus",
        "A keyboard, and a tablet, on this bus.",
        one_of("usb", "virtio"),
        prop="hw_input_bus",
        values="usb, virtio",
    ),
    Wish(
        "sound_model",
        "A sound card, which nobody hears but the guest.",
        one_of(*SOUND_MODELS),
        "hw:sound_model",
        "hw_sound_model",
        values=", ".join(SOUND_MODELS),
    ),
    Wish(
        "usb_model",
        "The USB controller.",
        one_of(*USB_MODELS),
        "hw:usb_model",
        "hw_usb_model",
        values="none (default, unless a device needs one), qemu-xhci, nec-xhci, ich9-ehci1, piix3-uhci",
    ),
    Wish(
        "viommu_model",
        "An IOMMU. `auto` is intel.",
        one_of("auto", "intel", "virtio"),
        "hw:viommu_model",
        "hw_viommu_model",
        values="auto, intel, virtio",
    ),
)


def check_devices(shape: Mapping[str, Any]) -> None:
    """Refuse what makes no sense together.

    Raises:
        InvalidInput: Such as a period without a rate.
        NotSupported: No such machine can be built.
    """
    if "rng_period" in shape and "rng_bytes" not in shape:
        raise InvalidInput("hw_rng:rate_period needs hw_rng:rate_bytes.", "Give both.")
    if shape.get("video_ram", 0) > shape.get("video_ram_max", 0):
        raise InvalidInput(
            f"hw_video_ram is {shape['video_ram']} MiB, and hw_video:ram_max_mb of the flavor permits "
            f"{shape.get('video_ram_max', 0)}.",
            "Choose another flavor or another image.",
        )
    if "video_ram" in shape and shape.get("video_model") not in SIZED_VIDEO:
        raise InvalidInput("hw_video_ram needs an hw_video_model.", f"Such are {', '.join(SIZED_VIDEO)}.")
    if shape.get("vif_multiqueue") and shape.get("vif_model", "virtio") != "virtio":
        raise InvalidInput(
            f"Interfaces of hw_vif_model '{shape['vif_model']}' have one queue.", "Leave out one of both."
        )
    if "scsi_model" in shape and shape["scsi_model"] != "virtio-scsi" and not is_pc(shape):
        raise NotSupported(
            f"hw_scsi_model '{shape['scsi_model']}' is a controller for PCI, and the machine has PCIe.",
            "Use virtio-scsi, or hw_machine_type 'pc'.",
        )
    for key, name in (("hw_disk_bus", "disk_bus"), ("hw_cdrom_bus", "cdrom_bus"), ("hw_rescue_bus", "rescue_bus")):
        if shape.get(name) == "ide" and not is_pc(shape):
            raise NotSupported(f"{key} is 'ide', which the machine q35 has not.", "Use sata, or hw_machine_type 'pc'.")
        if shape.get(name) == "sata" and is_pc(shape):
            raise NotSupported(f"{key} is 'sata', which the machine pc has not.", "Use ide, or hw_machine_type 'q35'.")
    if needs_usb(shape) and shape.get("usb_model") == "none":
        raise InvalidInput("The image asks for devices of USB, and for no controller.", "Leave out hw_usb_model.")
    if "viommu_model" in shape and is_pc(shape):
        raise NotSupported("hw:viommu_model needs the machine q35.", "Leave out hw_machine_type.")


def is_pc(shape: Mapping[str, Any]) -> bool:
    """Return whether the guest has the old machine, with PCI and IDE."""
    machine = str(shape.get("machine_type", "q35"))
    return machine == "pc" or machine.startswith("pc-i440fx-")


def needs_usb(shape: Mapping[str, Any]) -> bool:
    """Return whether some device stands on USB."""
    buses = (shape.get(name) for name in ("disk_bus", "cdrom_bus", "rescue_bus"))
    has_tablet = "pointer_model" in shape and "input_bus" not in shape
    return "usb" in buses or shape.get("input_bus") == "usb" or has_tablet or shape.get("sound_model") == "usb"
