# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What claims hold of the host's NUMA cells and PCI devices, and what is left of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..objects.compute_node import ComputeNode
from ..objects.cpu_spec import format_cpu_spec, parse_cpu_spec
from ..objects.instance import Instance
from ..objects.numa import NUMATopology, NUMATopologyLimits
from ..objects.pci import PciDevice, PciRequest
from ..objects.plan import Action, GroupRule
from ..virt.hypervisor import Domain, HostResources
from .claims import limit_of
from .hardware.cpu_sets import host_topology, read_cpu_sets
from .hardware.device_spec import assignable_devices
from .hardware.host_hardware import Hardware, HostHardware
from .host_options import HostOptions
from .tracker_db import TrackerDB


@dataclass(frozen=True)
class Claimant:
    """An instance that wants resources.

    Args:
        limits: From the scheduler; none of a kind means the host's own only.
        pci_requests: The devices that its flavor asks for.
        group: The rule of its server group.
    """

    instance: Instance
    limits: Mapping[str, Any]
    pci_requests: Sequence[PciRequest] = ()
    group: Optional[GroupRule] = None


def claimants(creates: Iterable[Action]) -> list[Claimant]:
    """Return what creates want."""
    return [
        Claimant(Instance(action.uuid, action.spec), action.limits, action.pci_requests, action.group)
        for action in creates
        if action.spec is not None
    ]


def read_host_hardware(options: HostOptions, has: HostResources, devices: Iterable[PciDevice]) -> HostHardware:
    """Return what instances may have of the host's hardware, none of it taken.

    Raises:
        OptionInvalid: A set of CPUs or the PCI device_spec is wrong.
    """
    sets = read_cpu_sets(has.numa_cells, options.cpu_shared_set, options.cpu_dedicated_set)
    assignable = assignable_devices(devices, options.pci_device_spec)
    return HostHardware(host_topology(has.numa_cells, sets), tuple(assignable))


def count_shared_cpus(options: HostOptions, has: HostResources) -> int:
    """Return how many CPUs vCPUs share: the host's `vcpus`.

    Raises:
        OptionInvalid: A set of CPUs is wrong.
    """
    sets = read_cpu_sets(has.numa_cells, options.cpu_shared_set, options.cpu_dedicated_set)
    return has.vcpus if sets.shared is None else len(sets.shared)


def count_hardware(
    hardware: HostHardware,
    seen: Iterable[tuple[Domain, Optional[Instance]]],
    claimed: Mapping[str, Hardware],
    arriving: Mapping[str, Hardware],
) -> HostHardware:
    """Return the host's hardware with what is taken of it.

    Args:
        hardware: None of it taken.
        seen: The host's domains, each with its record where it is ours. A foreign or adopted one holds the CPUs that
            its vCPUs are pinned to one by one, and its devices.
        claimed: What claims hold, by uuid. Of an instance that has its domain already the domain counts.
        arriving: What instances hold here whose record does not tell it yet, by uuid.
    """
    held = dict(claimed)
    for domain, instance in seen:
        held.pop(domain.uuid, None)
        if instance is None or instance.adopted is not None:
            hardware = _without_foreign(hardware, domain)
        else:
            own = Hardware(instance.numa_topology, list(instance.pci_devices))
            held[domain.uuid] = arriving.get(domain.uuid, own)
    for item in held.values():
        hardware = hardware.with_instance(item)
    return hardware


def numa_limits(node: ComputeNode, limits: Mapping[str, Any]) -> NUMATopologyLimits:
    """Return how far cells may be overcommitted: as the host says, or as the scheduler says, see `claims.limit_of`."""
    given = limits.get("numa_topology") or {}
    cpu, ram = "cpu_allocation_ratio", "ram_allocation_ratio"
    return NUMATopologyLimits(
        limit_of(node, cpu, 1, given.get(cpu)),
        limit_of(node, ram, 1, given.get(ram)),
        bool(given.get("packing", False)),
    )


def write_claimed(connection: sqlite3.Connection, uuid: str, hardware: Hardware) -> None:
    """Add what was chosen to the instance's claim."""
    if hardware != Hardware():
        chosen = json.dumps(hardware.as_dict(sparse=True))
        connection.execute("INSERT INTO claimed_hardware VALUES (?, ?)", (uuid, chosen))


def read_claimed(db: TrackerDB) -> dict[str, Hardware]:
    """Return what claims hold, by uuid."""
    rows = db.query("SELECT * FROM claimed_hardware")
    return {row["uuid"]: Hardware.from_dict(json.loads(row["chosen"]), "claimed_hardware") for row in rows}


def _without_foreign(hardware: HostHardware, domain: Domain) -> HostHardware:
    topology = hardware.topology
    pinned = parse_cpu_spec(domain.pinned_cpus)
    if topology is not None and pinned:
        topology = NUMATopology(
            tuple(
                cell.but(pinned_cpus=format_cpu_spec(parse_cpu_spec(cell.pinned_cpus) | (cell.dedicated_cpus & pinned)))
                for cell in topology.cells
            )
        )
    return HostHardware(topology, hardware.devices, hardware.taken | frozenset(domain.pci_addresses))
