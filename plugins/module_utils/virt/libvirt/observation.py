# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What libvirt says of the host and its domains, read in as few calls as possible.

These functions take the bare virConnect and run under one deadline (`Connection.read`): they only read.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Optional

from ...objects.compute_node import Usage
from ...objects.numa import NUMACell
from ..hypervisor import Domain
from .binding import libvirt
from .domain_xml import GuestPlatform, read_record
from .hardware_xml import pci_addresses, pinned_cpus, read_numa_cells
from .surroundings import read_disk

DiskSize = Callable[[str], int]

GIB = 1 << 30
UNITS_OF_MEMORY = {"b": 1, "bytes": 1, "KB": 1000, "KiB": 1 << 10, "k": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
# By libvirt's virDomainState. A blocked guest is a running one, and so is one that is still shutting down.
POWER_STATES = ("nostate", "running", "running", "paused", "running", "shutdown", "crashed", "suspended")
# A domain that is off and whose memory was saved is as one that has suspended itself.
SAVED = POWER_STATES.index("suspended")


@dataclass(frozen=True)
class HostFacts:
    """What libvirt says of the host itself."""

    uuid: str
    hostname: str
    vcpus: int
    memory_mb: int
    hypervisor_type: str
    hypervisor_version: int
    cpu_info: dict[str, Any]
    supported_instances: tuple[tuple[str, str, str], ...]
    numa_cells: tuple[NUMACell, ...] = ()
    machines: tuple[str, ...] = ()

    def platform(self, shared_cpus: Optional[str]) -> GuestPlatform:
        """Return what guests run on: KVM where the host offers it for its own architecture, and emulation elsewhere.

        Args:
            shared_cpus: The CPUs for shared use; None for all.
        """
        arch = str(self.cpu_info["arch"])
        kind = "kvm" if (arch, "kvm", "hvm") in self.supported_instances else "qemu"
        return GuestPlatform(arch, kind, self.numa_cells, shared_cpus, self.machines)


def read_host(raw: Any) -> HostFacts:
    """Read what does not change while the host is up."""
    info, memory = raw.getInfo(), raw.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0)
    capabilities = ET.fromstring(raw.getCapabilities())  # noqa: S314 - libvirtd is trusted
    triples = [
        (arch.get("name", ""), domain.get("type", ""), guest.findtext("os_type", ""))
        for guest in capabilities.findall("guest")
        for arch in guest.findall("arch")
        for domain in arch.findall("domain")
    ]
    return HostFacts(
        uuid=capabilities.findtext("host/uuid", "").lower(),
        hostname=raw.getHostname(),
        vcpus=info[2],
        # getInfo adds up what the NUMA nodes hold online, which moves on virtual hosts with hot-plugged memory.
        memory_mb=memory["total"] >> 10,
        hypervisor_type=raw.getType(),
        hypervisor_version=raw.getVersion(),
        cpu_info=_read_cpu(capabilities),
        supported_instances=tuple(sorted(set(triples))),
        numa_cells=read_numa_cells(capabilities),
        machines=_read_machines(capabilities),
    )


def list_domains(raw: Any, own_disk: DiskSize) -> list[Domain]:
    """Read every domain that is defined or running.

    Args:
        own_disk: Gives the size in bytes of an instance's root disk, by uuid.
    """
    # One call for all states; asking each domain takes as long as everything else together.
    states = raw.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
    saved = list_saved(raw)
    found = (
        _describe(raw, handle, SAVED if handle.UUIDString() in saved else stats.get("state.state", 0), own_disk)
        for handle, stats in states
    )
    return [domain for domain in found if domain is not None]


def list_saved(raw: Any) -> set[str]:
    """Return the uuids of the domains that are off and whose memory was saved (Nova's SUSPENDED)."""
    flags = libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE | libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE
    return {handle.UUIDString() for handle in raw.listAllDomains(flags)}


def find_domain(raw: Any, uuid: str, own_disk: DiskSize) -> Optional[Domain]:
    """Read one domain, or return None."""
    try:
        handle = raw.lookupByUUIDString(uuid)
        state = handle.state()[0]
        is_saved = state == libvirt.VIR_DOMAIN_SHUTOFF and handle.hasManagedSaveImage()
        return _describe(raw, handle, SAVED if is_saved else state, own_disk)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _describe(raw: Any, handle: Any, state: int, own_disk: DiskSize) -> Optional[Domain]:
    try:
        xml = handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    except libvirt.libvirtError as error:
        # Removed since it was listed.
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    head, devices = _split(xml)
    record = read_record(head)
    uuid = head.findtext("uuid", "")
    addresses: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    if record is not None and record.get("adopted") is None:
        disk_bytes, pinned = own_disk(uuid), ""
    else:
        tree = ET.fromstring(f"<devices>{devices}</devices>")  # noqa: S314 - libvirtd is trusted
        disks = [read_disk(raw, disk) for disk in tree.findall("disk")]
        disk_bytes, pinned = sum(size for _path, size in disks), pinned_cpus(head)
        files = tuple(path for path, _size in disks if path)
        addresses = pci_addresses([*tree.findall("hostdev"), *tree.findall("interface")])
    return Domain(
        uuid=uuid,
        name=head.findtext("name", ""),
        power_state=POWER_STATES[state] if state < len(POWER_STATES) else "nostate",
        size=Usage(int(head.findtext("vcpu", "0")), _memory_mb(head.find("memory")), -(-disk_bytes // GIB)),
        record=record,
        pinned_cpus=pinned,
        pci_addresses=addresses,
        disk_files=files,
    )


def _split(xml: str) -> tuple[ET.Element, str]:
    """Return what comes before the devices, and the devices unparsed: they are most of it, and seldom needed."""
    head, _mark, rest = xml.partition("\n  <devices>")
    return ET.fromstring(f"{head}</domain>" if rest else head), rest.partition("\n  </devices>")[0]  # noqa: S314


def _memory_mb(element: Optional[ET.Element]) -> int:
    if element is None or not element.text:
        return 0
    return int(element.text) * UNITS_OF_MEMORY.get(element.get("unit", "KiB"), 1 << 10) >> 20


def _read_machines(capabilities: ET.Element) -> tuple[str, ...]:
    """Return the machine types of guests of the host's own architecture, and the other names of these."""
    own = capabilities.findtext("host/cpu/arch", "")
    found = capabilities.findall(f"guest/arch[@name='{own}']//machine")
    names = {name for machine in found for name in (machine.text, machine.get("canonical")) if name}
    return tuple(sorted(names))


def _read_cpu(capabilities: ET.Element) -> dict[str, Any]:
    cpu = capabilities.find("host/cpu")
    if cpu is None:
        return {"arch": ""}
    info: dict[str, Any] = {tag: cpu.findtext(tag, "") for tag in ("arch", "model", "vendor")}
    topology = cpu.find("topology")
    if topology is not None:
        info["topology"] = _integers(topology, ("sockets", "cores", "threads"))
    bits = cpu.find("maxphysaddr")
    if bits is not None:
        info["maxphysaddr"] = {"mode": bits.get("mode", ""), **_integers(bits, ("bits",))}
    info["features"] = sorted(feature.get("name", "") for feature in cpu.findall("feature"))
    return info


def _integers(element: ET.Element, names: Iterable[str]) -> dict[str, int]:
    return {name: int(element.get(name, "0")) for name in names}
