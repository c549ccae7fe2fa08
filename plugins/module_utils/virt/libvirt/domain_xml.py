# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The domain XML of an instance, built as a tree."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any, Optional

from ...objects.errors import NotSupported
from ...objects.instance import Instance, InstanceSpec
from ...objects.numa import NUMACell
from ..hypervisor import ConsoleAddress
from ..shape.guest_shape import Shape, read_shape, shape_of
from .domain_hardware import add_numa, add_pci_devices, add_shared_cpus
from .firewall_xml import filter_reference
from .interface_xml import interface_element
from .screens import add_screens
from .shapes.apply import apply_shape
from .volume_xml import SCSI, VolumeDisk, boot_element, scsi_controller, volume_element

NAMESPACE = "https://novella.dev/xmlns/compute/1"
METADATA_PREFIX = "novella"
CONSOLE_LOG_DIRECTORY = "/var/log/libvirt/qemu"
AGENT_CHANNEL = "org.qemu.guest_agent.0"
# A disk, a NIC, the agent, the balloon and the rng take one each; the rest is for hot-plug.
ROOT_PORTS = 8
# The emulated CPU with the instructions that today's distributions are built for (x86-64-v2), and that TCG has.
EMULATED_CPU = "Westmere"
# What an emulated guest's translated code has: a fourth of its memory. A tiny guest boots at full speed with the least,
# and a distribution crawls with that. The most is QEMU's default, by which every guest would grow.
EMULATION_CACHE_SHARE, LEAST_EMULATION_CACHE_MB, MOST_EMULATION_CACHE_MB = 4, 32, 1024

ET.register_namespace(METADATA_PREFIX, NAMESPACE)


@dataclass(frozen=True)
class GuestPlatform:
    """What the host can run a guest on. `kind` is libvirt's domain type, ``kvm`` or ``qemu`` (emulation).

    `numa_cells` have all CPUs that are online; `shared_cpus` are those for shared use, None for all. `machines` are
    its machine types. `can_secure_boot` where its firmware can, as far as that was asked.
    """

    arch: str
    kind: str
    numa_cells: tuple[NUMACell, ...] = ()
    shared_cpus: Optional[str] = None
    machines: tuple[str, ...] = ()
    can_secure_boot: bool = False


@dataclass(frozen=True)
class GuestDisks:
    """Paths of a guest's disks, and its volumes. With a `rescue` disk, it boots from that one, without a `root` disk
    from the volume that has the boot_index 0. `local` are the ephemeral disks and swap.
    """

    root: Optional[str]
    config_drive: str
    rescue: Optional[str] = None
    volumes: tuple[VolumeDisk, ...] = ()
    local: tuple[str, ...] = ()


def console_log_path(uuid: str) -> str:
    """Return where virtlogd writes the serial console of an instance."""
    return f"{CONSOLE_LOG_DIRECTORY}/novella-{uuid}.console.log"


def check_supported(spec: InstanceSpec) -> Shape:
    """Return the shape of the guest. What this driver would otherwise leave out in silence is refused.

    Raises:
        NotSupported: The flavor or the image asks for something that cannot be given.
        InvalidInput: They ask for something that makes no sense.
    """
    flavor, image = spec.flavor, spec.image
    if image is None and not spec.boots_from_volume:
        raise NotSupported(
            f"'{spec.name}' has no image, and no volume to boot from.", "Give it an image, or a volume of boot_index 0."
        )
    return read_shape(flavor, image)


def record_element(instance: Instance, prefixed: bool, version_cap: Optional[str] = None) -> ET.Element:
    """Return the metadata element that holds the instance record.

    Args:
        version_cap: The newest version to write it in.
        prefixed: With its namespace, as a domain's XML wants it. libvirt's setMetadata takes prefix and
            namespace apart and refuses an element that brings its own.
    """
    element = ET.Element(f"{{{NAMESPACE}}}instance" if prefixed else "instance")
    element.text = json.dumps(instance.as_document(version_cap=version_cap), separators=(",", ":"))
    return element


def read_record(domain: ET.Element) -> Optional[Mapping[str, Any]]:
    """Return the instance record of a domain's XML, of whatever version, or None: then it is not ours."""
    text = domain.findtext(f"metadata/{{{NAMESPACE}}}instance")
    try:
        record = json.loads(text or "")
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def build_domain(
    instance: Instance,
    platform: GuestPlatform,
    disks: GuestDisks,
    record_version_cap: Optional[str] = None,
    screens: Optional[Mapping[str, str]] = None,
    serial: Optional[ConsoleAddress] = None,
) -> ET.Element:
    """Build the domain.

    Args:
        instance: The record; it goes into the metadata whole.
        platform: What the host offers.
        disks: Where its disks lie.
        record_version_cap: The newest version to write the record in.
        screens: By kind, ``vnc`` or ``spice``, the address at which its screen can be reached.
        serial: Where its serial console can be reached; None: by libvirt alone.

    Raises:
        NotSupported: The host's architecture is not one this driver builds guests for.
    """
    if platform.arch != "x86_64":
        raise NotSupported(f"This driver builds x86_64 guests, and the host is {platform.arch}.")
    spec = instance.spec
    domain = ET.Element("domain", type=platform.kind)
    _text(domain, "name", spec.domain_name)
    _text(domain, "uuid", instance.uuid)
    if spec.display_name is not None:
        _text(domain, "title", spec.display_name)
    ET.SubElement(domain, "metadata").append(record_element(instance, prefixed=True, version_cap=record_version_cap))
    _text(domain, "memory", str(spec.flavor.memory_mb), unit="MiB")
    _text(domain, "vcpu", str(spec.flavor.vcpus))
    add_shared_cpus(domain[-1], instance.numa_topology, platform.shared_cpus)
    has_order = disks.rescue is None and any(volume.request.boot_index is not None for volume in disks.volumes)
    _add_firmware(domain, platform, instance.uuid, has_order)
    cpu = _add_cpu(domain, platform, spec.flavor.memory_mb)
    if instance.numa_topology is not None:
        add_numa(domain, cpu, instance.numa_topology, platform.numa_cells, platform.shared_cpus)
    ET.SubElement(domain, "clock", offset="utc")
    for event, reaction in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")):
        _text(domain, event, reaction)
    devices = ET.SubElement(domain, "devices")
    _add_disks(devices, disks, has_order)
    _add_buses(devices, disks, len(spec.networks))
    for network in spec.networks:
        devices.append(interface_element(network))
        if spec.firewall is not None:
            devices[-1].append(filter_reference(instance.uuid, (fixed.address for fixed in network.addresses)))
    add_pci_devices(devices, instance.pci_devices)
    _add_consoles(devices, instance.uuid, serial)
    add_screens(devices, screens or {})
    _add_rest(devices)
    own = {volume.request.uuid for volume in disks.volumes}
    apply_shape(domain, shape_of(instance), spec.flavor.vcpus, own, platform.can_secure_boot)
    return domain


def _add_disks(devices: ET.Element, disks: GuestDisks, has_order: bool) -> None:
    """Add all disks. The guest sees those of one bus in this order, and the first one boots."""
    writable = [path for path in (disks.rescue, disks.root) if path is not None]
    for path, target in zip(writable, ("vda", "vdb")):
        _add_disk(devices, path, target, "qcow2", read_only=False)
    if has_order and disks.root is not None:
        devices[-1].append(boot_element(0))
    root = [volume for volume in disks.volumes if disks.root is None and volume.request.boot_index == 0]
    devices.extend(volume_element(volume, has_order) for volume in root)
    names = _free_names(disks, max(1, len(writable)))
    for path in disks.local:
        _add_disk(devices, path, next(names), "raw", read_only=False)
    _add_disk(devices, disks.config_drive, next(names), "raw", read_only=True)
    devices.extend(volume_element(volume, has_order) for volume in disks.volumes if volume not in root)


def _add_firmware(domain: ET.Element, platform: GuestPlatform, uuid: str, has_order: bool) -> None:
    system = ET.SubElement(ET.SubElement(domain, "sysinfo", type="smbios"), "system")
    identity = {"manufacturer": "Novella", "product": "Novella Compute", "serial": uuid, "family": "Virtual Machine"}
    for name, value in identity.items():
        _text(system, "entry", value, name=name)
    os = ET.SubElement(domain, "os")
    _text(os, "type", "hvm", arch=platform.arch, machine="q35")
    if not has_order:
        ET.SubElement(os, "boot", dev="hd")
    ET.SubElement(os, "smbios", mode="sysinfo")


def _add_cpu(domain: ET.Element, platform: GuestPlatform, memory_mb: int) -> ET.Element:
    features = ET.SubElement(domain, "features")
    ET.SubElement(features, "acpi")
    ET.SubElement(features, "apic")
    if platform.kind == "kvm":
        return ET.SubElement(domain, "cpu", mode="host-model")
    cache_mb = max(LEAST_EMULATION_CACHE_MB, min(memory_mb // EMULATION_CACHE_SHARE, MOST_EMULATION_CACHE_MB))
    _text(ET.SubElement(features, "tcg"), "tb-cache", str(cache_mb), unit="MiB")
    cpu = ET.SubElement(domain, "cpu", mode="custom", match="exact", check="none")
    _text(cpu, "model", EMULATED_CPU, fallback="allow")
    return cpu


def _add_disk(devices: ET.Element, path: str, target: str, disk_format: str, read_only: bool) -> None:
    disk = ET.SubElement(devices, "disk", type="file", device="disk")
    driver = ET.SubElement(disk, "driver", name="qemu", type=disk_format)
    if not read_only:
        driver.set("discard", "unmap")
    ET.SubElement(disk, "source", file=path)
    ET.SubElement(disk, "target", dev=target, bus="virtio")
    if read_only:
        ET.SubElement(disk, "readonly")


def _free_names(disks: GuestDisks, first: int) -> Iterator[str]:
    """Return the names of local disks and config drive: those behind the first ones that no volume has and keeps."""
    taken = {volume.device_name for volume in disks.volumes}
    return (name for name in (f"vd{letter}" for letter in ascii_lowercase[first:]) if name not in taken)


def _add_buses(devices: ET.Element, disks: GuestDisks, nics: int) -> None:
    volumes = disks.volumes
    # Without an explicit root, libvirt takes the first root port for it and refuses the domain.
    ET.SubElement(devices, "controller", type="pci", index="0", model="pcie-root")
    # What is plugged into the definition must not use up what is kept for hot-plug.
    plugged = sum(volume.request.bus == "virtio" for volume in volumes) + len(disks.local) + max(0, nics - 1)
    has_scsi = any(volume.request.bus == SCSI for volume in volumes)
    for index in range(1, ROOT_PORTS + plugged + has_scsi + 1):
        ET.SubElement(devices, "controller", type="pci", index=str(index), model="pcie-root-port")
    ET.SubElement(devices, "controller", type="usb", model="none")
    if has_scsi:
        devices.append(scsi_controller())


def _add_consoles(devices: ET.Element, uuid: str, listens: Optional[ConsoleAddress]) -> None:
    # The console is the same device once more, by the name that older tools know.
    for tag, target in (("serial", {"port": "0"}), ("console", {"type": "serial", "port": "0"})):
        console = ET.SubElement(devices, tag, type="pty" if listens is None else "tcp")
        if listens is not None:
            ET.SubElement(console, "source", mode="bind", host=listens.address, service=str(listens.port))
            ET.SubElement(console, "protocol", type="raw")
        if tag == "serial":
            ET.SubElement(console, "log", file=console_log_path(uuid), append="on")
        ET.SubElement(console, "target", target)
    agent = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(agent, "target", type="virtio", name=AGENT_CHANNEL)


def _add_rest(devices: ET.Element) -> None:
    ET.SubElement(devices, "memballoon", model="virtio")
    rng = ET.SubElement(devices, "rng", model="virtio")
    _text(rng, "backend", "/dev/urandom", model="random")


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text
