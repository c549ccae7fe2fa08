# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What running guests use: one call for the figures of all of them, put into Nova's words.

As in `observation`, what takes a virConnect takes the bare one, and only reads.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Optional

from ...moment import uptime
from ...objects.diagnostics import CpuDetails, Diagnostics, DiskDetails, MemoryDetails, NicDetails
from .binding import libvirt
from .observation import POWER_STATES

PID_DIRECTORY = "/run/libvirt/qemu"
PROC = "/proc"
# The field of /proc/PID/stat with the start of a process, counted behind its name, which may hold anything.
START_TIME = 19
VCPU = re.compile(r"vcpu\.([0-9]+)\.(?:state|time)")

Figures = Mapping[str, Any]


def read_diagnostics(raw: Any, uuids: Collection[str], config_drive: Callable[[str], str]) -> dict[str, Diagnostics]:
    """Read the figures of those of the guests that are running, by uuid.

    A guest whose QEMU is busy with something else is told of with what libvirt knows without asking it, so one that
    hangs does not keep the others' figures back.

    Args:
        config_drive: Gives the path of an instance's config drive, by uuid.
    """
    running = raw.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
    asked = [handle for handle in running if handle.UUIDString() in uuids]
    if not asked:
        return {}
    kinds = (
        libvirt.VIR_DOMAIN_STATS_STATE
        | libvirt.VIR_DOMAIN_STATS_BALLOON
        | libvirt.VIR_DOMAIN_STATS_VCPU
        | libvirt.VIR_DOMAIN_STATS_INTERFACE
        | libvirt.VIR_DOMAIN_STATS_BLOCK
    )
    found = {}
    for handle, figures in raw.domainListGetStats(asked, kinds, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT):
        uuid = handle.UUIDString()
        # It may have been switched off since it was listed. Its definition tells which device a figure is of.
        with contextlib.suppress(libvirt.libvirtError):
            tree = ET.fromstring(handle.XMLDesc())  # noqa: S314 - libvirtd is trusted
            if tree.get("id"):
                found[uuid] = _diagnose(tree, figures, config_drive(uuid))
    return found


def _diagnose(tree: ET.Element, figures: Figures, config_drive: str) -> Diagnostics:
    disks = tree.findall("devices/disk")
    sources = [source.get("file") for disk in disks for source in disk.findall("source")]
    state = figures.get("state.state", 0)
    return Diagnostics(
        state=POWER_STATES[state] if state < len(POWER_STATES) else "nostate",
        driver="libvirt",
        hypervisor=tree.get("type", ""),
        hypervisor_os=platform.system().lower() or None,
        uptime=_uptime(tree.findtext("name", "")),
        config_drive=config_drive in sources,
        cpu_details=[CpuDetails(number, figures.get(f"vcpu.{number}.time")) for number in _cpus(tree, figures)],
        nic_details=[_nic(nic, figures) for nic in tree.findall("devices/interface")],
        disk_details=[_disk(disk, figures) for disk in disks],
        memory_details=MemoryDetails(_mib(figures.get("balloon.maximum")), _mib(figures.get("balloon.current"))),
    )


def _cpus(tree: ET.Element, figures: Figures) -> list[int]:
    """Return the numbers of the vCPUs that are plugged in."""
    told = {int(match[1]) for match in map(VCPU.fullmatch, figures) if match}
    if told:
        return sorted(told)
    element = tree.find("vcpu")
    if element is None:
        return []
    return list(range(int(element.get("current") or element.text or 0)))


def _nic(nic: ET.Element, figures: Figures) -> NicDetails:
    mac, target = nic.find("mac"), nic.find("target")
    device = _device("net", None if target is None else target.get("dev"), figures)
    return NicDetails(
        mac_address="" if mac is None else mac.get("address", ""),
        rx_octets=figures.get(f"{device}.rx.bytes"),
        rx_errors=figures.get(f"{device}.rx.errs"),
        rx_drop=figures.get(f"{device}.rx.drop"),
        rx_packets=figures.get(f"{device}.rx.pkts"),
        tx_octets=figures.get(f"{device}.tx.bytes"),
        tx_errors=figures.get(f"{device}.tx.errs"),
        tx_drop=figures.get(f"{device}.tx.drop"),
        tx_packets=figures.get(f"{device}.tx.pkts"),
    )


def _disk(disk: ET.Element, figures: Figures) -> DiskDetails:
    target = disk.find("target")
    device = _device("block", None if target is None else target.get("dev"), figures)
    return DiskDetails(
        read_bytes=figures.get(f"{device}.rd.bytes"),
        read_requests=figures.get(f"{device}.rd.reqs"),
        write_bytes=figures.get(f"{device}.wr.bytes"),
        write_requests=figures.get(f"{device}.wr.reqs"),
        errors_count=figures.get(f"{device}.errors"),
    )


def _device(kind: str, name: Optional[str], figures: Figures) -> str:
    """Return the prefix of a device's figures: libvirt numbers those devices only that it has figures of."""
    for number in range(figures.get(f"{kind}.count", 0)):
        if name is not None and figures.get(f"{kind}.{number}.name") == name:
            return f"{kind}.{number}"
    return ""


def _mib(kib: Optional[int]) -> Optional[int]:
    return None if kib is None else kib >> 10


def _uptime(name: str) -> Optional[int]:
    """Return for how many seconds a domain's process has been there. libvirt itself does not tell."""
    try:
        process = int(Path(PID_DIRECTORY, f"{name}.pid").read_text(encoding="ascii"))
        fields = (
            Path(PROC, str(process), "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        began = int(fields[START_TIME]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
    return max(0, int(uptime() - began))
