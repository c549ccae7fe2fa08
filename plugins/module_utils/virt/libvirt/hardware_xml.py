# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What libvirt's XML says of NUMA cells, PCI devices, and of the hardware that a domain holds."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Any, Optional

from ...objects.cpu_spec import format_cpu_spec, parse_cpu_spec
from ...objects.errors import InvalidInput
from ...objects.numa import NUMACell, NUMAPages
from ...objects.pci import PHYSICAL_FUNCTION, STANDARD, VIRTUAL_FUNCTION, PciDevice
from .binding import libvirt

_IDS = ("vendor", "product")
_PARTS = ("domain", "bus", "slot", "function")
_ADDRESS = "{:04x}:{:02x}:{:02x}.{:x}"


def read_numa_cells(capabilities: ET.Element) -> tuple[NUMACell, ...]:
    """Return the host's cells, with all CPUs that are online as shared ones (Nova's _get_host_numa_topology)."""
    return tuple(_read_cell(cell) for cell in capabilities.findall("host/topology/cells/cell"))


def list_pci_devices(raw: Any) -> list[PciDevice]:
    """Read every PCI function of the host."""
    devices = []
    for handle in raw.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV, 0):
        try:
            xml = handle.XMLDesc(0)
        except libvirt.libvirtError as error:
            # Removed since it was listed.
            if error.get_error_code() == libvirt.VIR_ERR_NO_NODE_DEVICE:
                continue
            raise
        devices.append(read_pci_device(ET.fromstring(xml)))  # noqa: S314 - libvirtd is trusted
    return [device for device in devices if device is not None]


def read_pci_device(node: ET.Element) -> Optional[PciDevice]:
    """Return the PCI function that a node device is, or None where it is none, or does not say what it is."""
    pci = node.find("capability[@type='pci']")
    if pci is None:
        return None
    ids = {tag: (element.get("id", "") if (element := pci.find(tag)) is not None else "") for tag in _IDS}
    if not all(ids.values()):
        return None
    numa = pci.find("numa")
    parent = pci.find("capability[@type='phys_function']/address")
    kind = STANDARD
    if parent is not None:
        kind = VIRTUAL_FUNCTION
    elif pci.find("capability[@type='virt_functions']") is not None:
        kind = PHYSICAL_FUNCTION
    numbers = [int(pci.findtext(part, "0"), 0) for part in _PARTS]
    return PciDevice(
        address=_ADDRESS.format(*numbers),
        vendor_id=f"{int(ids['vendor'], 16):04x}",
        product_id=f"{int(ids['product'], 16):04x}",
        dev_type=kind,
        # libvirt leaves it out, or says -1, where it is not known.
        numa_node=None if numa is None or int(numa.get("node", "-1")) < 0 else int(numa.get("node", "")),
        parent_addr=None if parent is None else _read_address(parent),
    )


def pinned_cpus(domain: ET.Element) -> str:
    """Return the host CPUs that single vCPUs of a domain are pinned to."""
    pins: set[int] = set()
    for pin in domain.findall("cputune/vcpupin"):
        try:
            cpus = parse_cpu_spec(pin.get("cpuset", ""))
        except InvalidInput:
            continue
        # A vCPU that may run on several CPUs takes none of them for itself.
        if len(cpus) == 1:
            pins |= cpus
    return format_cpu_spec(pins)


def pci_addresses(hostdevs: Iterable[ET.Element]) -> tuple[str, ...]:
    """Return the host's PCI devices among a domain's ``hostdev`` elements and interfaces."""
    found = (device.find("source/address") for device in hostdevs)
    return tuple(_read_address(address) for address in found if address is not None and address.get("slot"))


def _read_cell(cell: ET.Element) -> NUMACell:
    cpus = cell.findall("cpus/cpu")
    sockets = {cpu.get("socket_id") for cpu in cpus}
    socket = sockets.pop() if len(sockets) == 1 else None
    siblings = {parse_cpu_spec(cpu.get("siblings") or cpu.get("id", "")) for cpu in cpus}
    pages = (NUMAPages(int(page.get("size", "0")), int(page.text or 0)) for page in cell.findall("pages"))
    return NUMACell(
        id=int(cell.get("id", "0")),
        cpuset=format_cpu_spec(int(cpu.get("id", "0")) for cpu in cpus),
        memory=int(cell.findtext("memory", "0")) >> 10,
        socket=None if socket is None else int(socket),
        siblings=tuple(format_cpu_spec(threads) for threads in sorted(siblings, key=min)),
        mempages=tuple(page for page in pages if page.size_kb),
    )


def _read_address(address: ET.Element) -> str:
    return _ADDRESS.format(*(int(address.get(part, "0"), 0) for part in _PARTS))
