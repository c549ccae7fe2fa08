# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account of a host: what there is, and what domains, claims and moves take of it.

It is counted anew each time, from what exists (Nova's _update_available_resource and its steps). There is no ledger
beside the domains that could be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Optional

from ..objects.compute_node import ComputeNode, Usage
from ..objects.errors import InvalidInput, NotSupported
from ..objects.instance import Instance
from ..objects.migration import Migration, MoveHalf
from ..objects.volume import Volume
from ..virt.driver import ComputeDriver
from ..virt.hypervisor import DiskSpace, Domain, HostResources
from .build_failures import read_failed_builds
from .claims import charge, check_claim, check_free_disk, usage_of
from .clock import now
from .hardware.host_hardware import Hardware, HostHardware
from .hardware_claims import (
    Claimant,
    count_hardware,
    count_shared_cpus,
    numa_limits,
    read_claimed,
    read_host_hardware,
)
from .host_options import HostOptions
from .inventories import DISK_GB, MEMORY_MB, VCPU, read_inventories, read_labels, read_traits
from .migrations import Migrations, held_half
from .records import read_record
from .resource_request import requested_resources
from .stats import count_stats, count_workload, is_resource_free
from .tracker_db import TrackerDB
from .volume_sizes import charged_flavor, missing_gb, own_flavor, own_gb

_GIB = 1 << 30


@dataclass(frozen=True)
class Holding:
    """What one claim, or one half of a move, takes of the host. The hypervisor's overhead is not in it."""

    usage: Usage
    hardware: Hardware


@dataclass(frozen=True)
class Tally:
    """A host's account at one moment.

    Args:
        node: What there is and what is taken.
        hardware: The same of cells and devices.
        domains: Those that were counted.
        volumes: Likewise.
        unwritten_gb: What the disks may still take that claims and moves are about to write.
    """

    node: ComputeNode
    hardware: HostHardware
    domains: list[Domain]
    unwritten_gb: int
    volumes: list[Volume]

    def with_holding(self, held: Holding) -> Tally:
        """Return it with one more claim counted."""
        return replace(
            self,
            node=charge(self.node, held.usage),
            hardware=self.hardware.with_instance(held.hardware),
            unwritten_gb=self.unwritten_gb + held.usage.disk_gb,
        )


class HostAccount:
    """Count what a host has and what is taken.

    Args:
        options: The operator's settings of the host.
        driver: The hypervisor.
        db: The open tracker database.
    """

    def __init__(self, options: HostOptions, driver: ComputeDriver, db: TrackerDB) -> None:
        self._options = options
        self._driver = driver
        self._db = db
        self._resources: Optional[HostResources] = None
        self._hardware_there: Optional[HostHardware] = None

    def count(self, changed: Optional[Instance] = None, without: Optional[str] = None) -> Tally:
        """Count everything.

        Args:
            changed: A record that counts in the place of the one that its domain has.
            without: The uuid of an instance whose domain does not count.
        """
        # Claims and moves are read first: one that ends meanwhile has its domain by then, so nothing is missed.
        claims, migrations = self._claims(), Migrations(self._db).list_open()
        being_made = sum(row["disk_gb"] for row in self._db.query("SELECT disk_gb FROM volume_claims"))
        domains, volumes = self._driver.list_domains(), self._driver.list_volumes()
        domains = [domain for domain in domains if domain.uuid != without]
        seen = [(domain, read_record(domain)) for domain in domains]
        if changed is not None:
            seen = [(domain, changed if domain.uuid == changed.uuid else record) for domain, record in seen]
        here = {domain.uuid: (domain, record) for domain, record in seen}
        taking = [(domain, record) for domain, record in seen if not is_resource_free(domain, record)]
        waiting = {uuid: claim for uuid, claim in claims.items() if uuid not in here}
        moving = self._moving(migrations, here)
        overhead = self._options.instance_overhead_memory_mb
        used = self._reserved()
        for domain, record in taking:
            used = used.plus(_domain_usage(domain, record).with_overhead(overhead))
        used = used.plus(Usage(0, 0, own_gb(volumes) + being_made))
        for held in (*waiting.values(), *moving):
            used = used.plus(held.usage.with_overhead(overhead))
        hardware = count_hardware(
            self._all_hardware(),
            taking,
            {uuid: claim.hardware for uuid, claim in waiting.items()},
            _arriving(migrations),
        )
        for held in moving:
            hardware = hardware.with_instance(held.hardware)
        stats = count_stats(seen, claims.keys(), read_failed_builds(self._options, self._db))
        node = self._node(used, hardware).but(
            stats=stats, running_vms=stats["num_instances"], current_workload=count_workload(stats)
        )
        # A claim writes until its operation ends, whether its domain is there by then or not.
        unwritten = sum(held.usage.disk_gb for held in (*claims.values(), *moving))
        return Tally(node, hardware, domains, unwritten + being_made, volumes)

    def choose(self, tally: Tally, item: Claimant, written_gb: Optional[int] = None) -> Holding:
        """Test a claim, and choose the cells, CPUs and devices that it is to have.

        Args:
            written_gb: What it may write that it has not; None for all of its disks.

        Raises:
            ComputeResourcesUnavailable: It does not fit; every reason is named.
            InvalidInput: Flavor and image contradict each other.
            NotSupported: It asks for devices that nobody has resolved, or the driver cannot measure its disk.
        """
        spec = item.instance.spec
        charged = spec.but(flavor=charged_flavor(own_flavor(spec), missing_gb(spec.volumes, tally.volumes)))
        check_claim(spec.name, requested_resources(charged.flavor, spec.image), tally.node, item.limits)
        usage = usage_of(charged)
        if self._options.minimum_free_disk_mb:
            space = self._disk_space(())
            if space is None:
                raise NotSupported(
                    f"minimum_free_disk_mb is {self._options.minimum_free_disk_mb} on {self._options.host}, and the "
                    f"driver '{self._options.driver}' cannot tell what is free.",
                    "Leave the option out there.",
                )
            check_free_disk(
                spec.name,
                usage.disk_gb if written_gb is None else written_gb,
                tally.node,
                space.free,
                tally.unwritten_gb,
                self._options.minimum_free_disk_mb,
            )
        limits = numa_limits(tally.node, item.limits)
        return Holding(usage, tally.hardware.choose(self._options.host, spec, limits, item.pci_requests))

    def with_disk_space(self, tally: Tally) -> Tally:
        """Return it, its node with a disk_available_least: free now, less what the domains' disks may still grow by.

        Nova: in GiB, truncated towards zero; it may be negative.
        """
        space = self._disk_space(tally.domains)
        least = None if space is None else int((space.free - space.growth) / _GIB)
        return replace(tally, node=tally.node.but(disk_available_least=least))

    def _disk_space(self, domains: Iterable[Domain]) -> Optional[DiskSpace]:
        return self._driver.get_disk_space(domains)

    def _reserved(self) -> Usage:
        options = self._options
        # Disk is counted in whole GiB; a part of one that is reserved is not given out.
        reserved_gb = -(-options.reserved_host_disk_mb // 1024)
        return Usage(options.reserved_host_cpus, options.reserved_host_memory_mb, reserved_gb)

    def _claims(self) -> dict[str, Holding]:
        rows = self._db.query("SELECT * FROM claims")
        custom: dict[str, dict[str, int]] = {}
        for row in self._db.query("SELECT * FROM claimed_resources"):
            custom.setdefault(row["uuid"], {})[row["resource_class"]] = row["amount"]
        hardware = read_claimed(self._db)
        return {
            row["uuid"]: Holding(
                Usage(row["vcpus"], row["memory_mb"], row["disk_gb"], custom.get(row["uuid"], {})),
                hardware.get(row["uuid"], Hardware()),
            )
            for row in rows
        }

    def _moving(
        self, migrations: Iterable[Migration], here: Mapping[str, tuple[Domain, Optional[Instance]]]
    ) -> list[Holding]:
        halves: list[Optional[MoveHalf]] = []
        for migration in migrations:
            domain, record = here.get(migration.instance_uuid, (None, None))
            halves.append(held_half(migration, self._options.host, domain, record))
        return [Holding(half.usage, _hardware_of(half)) for half in halves if half is not None]

    def _available(self) -> HostResources:
        if self._resources is None:
            self._resources = self._driver.get_available_resource()
        return self._resources

    def _all_hardware(self) -> HostHardware:
        if self._hardware_there is None:
            devices = self._driver.list_pci_devices() if self._options.pci_device_spec else []
            self._hardware_there = read_host_hardware(self._options, self._available(), devices)
        return self._hardware_there

    def _node(self, used: Usage, hardware: HostHardware) -> ComputeNode:
        options, has = self._options, self._available()
        vcpus = count_shared_cpus(options, has)
        return ComputeNode(
            uuid=has.uuid,
            host=options.host,
            hypervisor_hostname=has.hypervisor_hostname,
            vcpus=vcpus,
            memory_mb=has.memory_mb,
            local_gb=has.local_gb,
            vcpus_used=used.vcpus,
            memory_mb_used=used.memory_mb,
            local_gb_used=used.disk_gb,
            reserved_host_cpus=options.reserved_host_cpus,
            reserved_host_memory_mb=options.reserved_host_memory_mb,
            reserved_host_disk_mb=options.reserved_host_disk_mb,
            cpu_allocation_ratio=options.allocation_ratio("cpu"),
            ram_allocation_ratio=options.allocation_ratio("ram"),
            disk_allocation_ratio=options.allocation_ratio("disk"),
            fixed_allocation_ratios=options.fixed_allocation_ratios,
            instance_overhead_memory_mb=options.instance_overhead_memory_mb,
            hypervisor_type=has.hypervisor_type,
            hypervisor_version=has.hypervisor_version,
            host_ip=has.host_ip,
            cpu_info=dict(has.cpu_info),
            supported_instances=[list(triple) for triple in has.supported_instances],
            labels=read_labels(options.labels),
            traits=read_traits(options.traits),
            inventories=read_inventories(
                options.resources, {VCPU: vcpus, MEMORY_MB: has.memory_mb, DISK_GB: has.local_gb}
            ),
            resources_used=used.custom,
            numa_topology=hardware.topology,
            pci_device_pools=hardware.pools,
            updated_at=now(),
        )


def _domain_usage(domain: Domain, record: Optional[Instance]) -> Usage:
    try:
        return domain.size if record is None else usage_of(record.spec)
    except InvalidInput:
        # A record that was changed by hand must not take the host's audit down.
        return domain.size


def _hardware_of(half: MoveHalf) -> Hardware:
    return Hardware(half.numa_topology, list(half.pci_devices))


def _arriving(migrations: Iterable[Migration]) -> dict[str, Hardware]:
    """Return what instances have been given here that come from another host, by uuid.

    While a guest arrives, its record still tells of the CPUs that it had there.
    """
    return {
        migration.instance_uuid: _hardware_of(migration.new)
        for migration in migrations
        if migration.new is not None and migration.source_host != migration.dest_host
    }
