# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of a domain that holds what its instance has got of the host's hardware for good."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Optional

from ...objects.cpu_spec import format_cpu_spec, parse_cpu_spec
from ...objects.errors import HypervisorError
from ...objects.numa import InstanceNUMACell, InstanceNUMATopology, NUMACell
from ...objects.pci import PciDevice

_FALSE = ("0", "f", "false", "off", "n", "no")


def add_shared_cpus(vcpu: ET.Element, topology: Optional[InstanceNUMATopology], shared_cpus: Optional[str]) -> None:
    """Keep the vCPUs of an instance without cells on the host's CPUs for shared use; they would run on pinned ones."""
    if topology is None and shared_cpus:
        vcpu.set("cpuset", format_cpu_spec(parse_cpu_spec(shared_cpus)))


def add_numa(
    domain: ET.Element,
    cpu: ET.Element,
    topology: InstanceNUMATopology,
    host_cells: Sequence[NUMACell],
    shared_cpus: Optional[str],
) -> None:
    """Add the instance's cells: where its vCPUs run, where its memory lies, and what the guest sees of it.

    Args:
        domain: The domain so far.
        cpu: Its ``cpu`` element.
        topology: Fitted onto the host.
        host_cells: The host's, with all CPUs that are online.
        shared_cpus: The host's CPUs for shared use; None for all.

    Raises:
        HypervisorError: The host has not got the cells that the instance was fitted onto.
    """
    by_id = {cell.id: cell for cell in host_cells}
    missing = next((cell.id for cell in topology.cells if cell.id not in by_id), None)
    if missing is not None:
        raise HypervisorError(f"This host has no NUMA cell {missing}, which the instance was given.")
    _add_tuning(domain, topology, by_id, shared_cpus)
    nodes = format_cpu_spec(cell.id for cell in topology.cells)
    numatune = ET.SubElement(domain, "numatune")
    ET.SubElement(numatune, "memory", mode="strict", nodeset=nodes)
    for number, cell in enumerate(topology.cells):
        ET.SubElement(numatune, "memnode", cellid=str(number), mode="strict", nodeset=str(cell.id))
    huge = {
        number: size
        for number, cell in enumerate(topology.cells)
        if (size := _huge_page(cell, by_id[cell.id])) is not None
    }
    numa = ET.SubElement(cpu, "numa")
    for number, cell in enumerate(topology.cells):
        guest = ET.SubElement(numa, "cell", id=str(number), cpus=format_cpu_spec(_vcpus(cell)))
        guest.set("memory", str(cell.memory))
        guest.set("unit", "MiB")
        if huge:
            guest.set("memAccess", "shared")
    if huge:
        pages = ET.SubElement(ET.SubElement(domain, "memoryBacking"), "hugepages")
        for size in sorted(set(huge.values())):
            nodeset = format_cpu_spec(number for number, its in huge.items() if its == size)
            ET.SubElement(pages, "page", size=str(size), unit="KiB", nodeset=nodeset)


def add_pci_devices(devices: ET.Element, given: Sequence[PciDevice]) -> None:
    """Add the host's devices that the instance has got."""
    for device in given:
        managed = "no" if device.tags.get("managed", "").lower() in _FALSE else "yes"
        hostdev = ET.SubElement(devices, "hostdev", mode="subsystem", type="pci", managed=managed)
        domain, bus, rest = device.address.split(":")
        slot, _dot, function = rest.partition(".")
        address = {"domain": domain, "bus": bus, "slot": slot, "function": function}
        source = ET.SubElement(hostdev, "source")
        ET.SubElement(source, "address", {part: f"0x{number}" for part, number in address.items()})


def _add_tuning(
    domain: ET.Element,
    topology: InstanceNUMATopology,
    host_cells: Mapping[int, NUMACell],
    shared_cpus: Optional[str],
) -> None:
    shared = None if shared_cpus is None else parse_cpu_spec(shared_cpus)
    pins: dict[int, frozenset[int]] = {}
    reserved: frozenset[int] = frozenset()
    for cell in topology.cells:
        there = host_cells[cell.id].shared_cpus
        pins.update(dict.fromkeys(cell.shared_vcpus, there if shared is None else there & shared))
        pins.update({vcpu: frozenset([cpu]) for vcpu, cpu in cell.cpu_pinning})
        reserved |= parse_cpu_spec(cell.cpuset_reserved)
    cputune = ET.SubElement(domain, "cputune")
    for vcpu, cpus in sorted(pins.items()):
        ET.SubElement(cputune, "vcpupin", vcpu=str(vcpu), cpuset=format_cpu_spec(cpus))
    # As in Nova, the emulator's threads run where the guest does unless it is said otherwise.
    emulator = frozenset(cpu for cpus in pins.values() for cpu in cpus)
    if topology.emulator_threads_policy == "isolate" and reserved:
        emulator = reserved
    elif topology.emulator_threads_policy == "share" and shared:
        emulator = shared
    ET.SubElement(cputune, "emulatorpin", cpuset=format_cpu_spec(emulator))


def _vcpus(cell: InstanceNUMACell) -> frozenset[int]:
    return cell.shared_vcpus | cell.dedicated_vcpus


def _huge_page(cell: InstanceNUMACell, host_cell: NUMACell) -> Optional[int]:
    """Return the size of the cell's pages in KiB where they are not the host's smallest, which need no word."""
    smallest = min((pages.size_kb for pages in host_cell.mempages), default=0)
    return cell.pagesize if cell.pagesize is not None and cell.pagesize > smallest else None
