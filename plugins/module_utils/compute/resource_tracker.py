# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ResourceTracker: what the host has, what is used, and the claims of what will be.

The domains and the claims are the truth; live figures such as free memory are not. The domains are listed
inside the database's write lock, so that a claim and the list it was tested against cannot drift apart.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ..objects.compute_node import ComputeNode, Service, Usage
from ..objects.errors import ComputeResourcesUnavailable, InstanceLocked, InvalidInput, NotSupported, NovellaError
from ..objects.instance import Instance
from ..virt.driver import ComputeDriver, Domain, HostResources
from .claims import charge, check_claim, usage_of
from .clock import now
from .hardware.host_hardware import Hardware, HostHardware
from .hardware_claims import (
    Claimant,
    count_hardware,
    count_shared_cpus,
    own_limits,
    read_claimed,
    read_host_hardware,
    write_claimed,
)
from .host_options import HostOptions
from .inventories import DISK_GB, MEMORY_MB, VCPU, read_inventories, read_labels, read_traits
from .owner import current_owner, is_alive
from .resource_request import requested_resources
from .states import BUSY_VM_STATES
from .tracker_db import TrackerDB


class ResourceTracker:
    """Track one host's resources.

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

    @property
    def service(self) -> Service:
        """Return the host's service record."""
        return Service.from_dict(self._db.get_fact("service", {}))

    @property
    def disabled(self) -> bool:
        """Return whether the host refuses claims."""
        return self.service.disabled

    def update_available_resource(self) -> tuple[ComputeNode, list[Domain]]:
        """Return the ComputeNode, and the domains it was counted from, ours and foreign.

        Totals are the hypervisor's; used is what the domains and the claims in progress take.
        """
        # Claims are read first: one that ends meanwhile has its domain by then, so nothing is missed.
        claims = self._claims()
        hardware = read_claimed(self._db)
        domains = self._driver.list_domains()
        return self._compute_node(domains, claims, self._hardware(domains, hardware)), domains

    def instance_claims(self, wanted: Iterable[Claimant]) -> dict[str, Optional[NovellaError]]:
        """Claim resources for several instances in one transaction, first come, first served.

        Args:
            wanted: The instances. Which CPUs and devices each of them gets is decided here, see `claimed_hardware`.

        Returns:
            By uuid: None where the claim holds, else why it does not.
        """
        outcome: dict[str, Optional[NovellaError]] = {}
        wanted = list(wanted)
        with self._db.transaction() as connection:
            service = self.service
            held_by_others = self._release_own(connection, {item.instance.uuid for item in wanted})
            domains = self._driver.list_domains()
            present = {domain.uuid for domain in domains}
            hardware = self._hardware(domains, read_claimed(self._db))
            node = self._compute_node(domains, self._claims(), hardware)
            for item in wanted:
                instance = item.instance
                outcome[instance.uuid] = None
                if instance.uuid in present:
                    continue  # it is counted already; making it again is not this method's to refuse
                try:
                    if instance.uuid in held_by_others:
                        raise InstanceLocked(
                            f"{instance.spec.name} is being built by another run.", "Run again when it has ended."
                        )
                    node, hardware = self._claim(connection, service, node, hardware, item)
                except (ComputeResourcesUnavailable, InstanceLocked, InvalidInput, NotSupported) as refusal:
                    outcome[instance.uuid] = refusal
        return outcome

    def claimed_hardware(self, uuid: str) -> Hardware:
        """Return the CPUs and devices that an instance's claim holds."""
        return read_claimed(self._db).get(uuid, Hardware())

    def drop_stale_claims(self) -> int:
        """Give back the claims whose process died before it began to build, and return how many there were."""
        with self._db.transaction() as connection:
            stale = [row["uuid"] for row in self._db.query("SELECT * FROM claims") if not is_alive(row["owner"])]
            connection.executemany("DELETE FROM claims WHERE uuid = ?", [(uuid,) for uuid in stale])
        return len(stale)

    def drop_claim(self, uuid: str) -> None:
        """Give a claim back, or do nothing where there is none: its domain counts from now on, or nothing does."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM claims WHERE uuid = ?", (uuid,))

    def _release_own(self, connection: sqlite3.Connection, uuids: set[str]) -> set[str]:
        """Drop earlier claims of this run and of dead ones; return the uuids that other runs hold."""
        rows = [row for row in self._db.query("SELECT uuid, owner FROM claims") if row["uuid"] in uuids]
        others = {row["uuid"] for row in rows if row["owner"] != current_owner() and is_alive(row["owner"])}
        own = [(row["uuid"],) for row in rows if row["uuid"] not in others]
        connection.executemany("DELETE FROM claims WHERE uuid = ?", own)
        return others

    def _claim(
        self,
        connection: sqlite3.Connection,
        service: Service,
        node: ComputeNode,
        hardware: HostHardware,
        item: Claimant,
    ) -> tuple[ComputeNode, HostHardware]:
        """Claim for one instance, and return the node and its hardware with the claim counted."""
        instance, name = item.instance, item.instance.spec.name
        if service.disabled:
            why = f": {service.disabled_reason}" if service.disabled_reason else ""
            raise ComputeResourcesUnavailable(f"{name} does not fit on {self._options.host}: it is disabled{why}.")
        asked = usage_of(instance.spec)
        check_claim(name, requested_resources(instance.spec.flavor, instance.spec.image), node, item.limits)
        limits = own_limits(self._options, item.limits)
        chosen = hardware.choose(self._options.host, instance.spec, limits, item.pci_requests)
        connection.execute(
            "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?)",
            (instance.uuid, name, asked.vcpus, asked.memory_mb, asked.disk_gb, current_owner(), now()),
        )
        connection.executemany(
            "INSERT INTO claimed_resources VALUES (?, ?, ?)",
            [(instance.uuid, resource_class, amount) for resource_class, amount in asked.custom.items()],
        )
        write_claimed(connection, instance.uuid, chosen)
        return charge(node, asked), hardware.with_instance(chosen)

    def _usage(self, domain: Domain) -> Usage:
        instance = read_record(domain)
        try:
            return domain.size if instance is None else usage_of(instance.spec)
        except InvalidInput:
            # A record that was changed by hand must not take the host's audit down.
            return domain.size

    def _claims(self) -> dict[str, Usage]:
        rows = self._db.query("SELECT * FROM claims")
        custom: dict[str, dict[str, int]] = {}
        for row in self._db.query("SELECT * FROM claimed_resources"):
            custom.setdefault(row["uuid"], {})[row["resource_class"]] = row["amount"]
        return {
            row["uuid"]: Usage(row["vcpus"], row["memory_mb"], row["disk_gb"], custom.get(row["uuid"], {}))
            for row in rows
        }

    def _available(self) -> HostResources:
        if self._resources is None:
            self._resources = self._driver.get_available_resource()
        return self._resources

    def _hardware(self, domains: Iterable[Domain], claimed: Mapping[str, Hardware]) -> HostHardware:
        if self._hardware_there is None:
            devices = self._driver.list_pci_devices() if self._options.pci_device_spec else []
            self._hardware_there = read_host_hardware(self._options, self._available(), devices)
        return count_hardware(self._hardware_there, [(domain, read_record(domain)) for domain in domains], claimed)

    def _compute_node(
        self, domains: Iterable[Domain], claims: Mapping[str, Usage], hardware: HostHardware
    ) -> ComputeNode:
        options = self._options
        held = {domain.uuid: self._usage(domain) for domain in domains}
        used = Usage(
            options.reserved_host_cpus, options.reserved_host_memory_mb, -(-options.reserved_host_disk_mb // 1024)
        )
        # A claim whose domain exists already counts once.
        for usage in {**claims, **held}.values():
            used = used.plus(usage)
        stats = self._stats(domains, claims)
        has = self._available()
        vcpus = count_shared_cpus(self._options, has)
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
            disk_available_least=has.disk_available_least,
            reserved_host_cpus=options.reserved_host_cpus,
            reserved_host_memory_mb=options.reserved_host_memory_mb,
            reserved_host_disk_mb=options.reserved_host_disk_mb,
            cpu_allocation_ratio=options.cpu_allocation_ratio,
            ram_allocation_ratio=options.ram_allocation_ratio,
            disk_allocation_ratio=options.disk_allocation_ratio,
            running_vms=stats["num_instances"],
            current_workload=sum(count for key, count in stats.items() if key.startswith("num_task_")),
            hypervisor_type=has.hypervisor_type,
            hypervisor_version=has.hypervisor_version,
            host_ip=has.host_ip,
            cpu_info=dict(has.cpu_info),
            supported_instances=[list(triple) for triple in has.supported_instances],
            stats=stats,
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

    def _stats(self, domains: Iterable[Domain], claims: Mapping[str, Usage]) -> dict[str, Any]:
        """Return Nova's Stats. Whoever holds a claim is being built, with or without a domain yet."""
        present = {domain.uuid for domain in domains}
        stats: Counter[str] = Counter(num_instances=len(present | claims.keys()), io_workload=len(claims))
        for domain in domains:
            instance = read_record(domain)
            if instance is None:
                continue
            stats[f"num_vm_{instance.vm_state}"] += 1
            stats[f"num_proj_{instance.spec.project_id}"] += 1
            stats["io_workload"] += instance.vm_state in BUSY_VM_STATES
            if instance.task_state is not None:
                stats[f"num_task_{instance.task_state}"] += 1
        return dict(stats)


def read_record(domain: Domain) -> Optional[Instance]:
    """Return the instance that a domain is, or None where it is foreign or its record cannot be read.

    What cannot be read is not ours to touch: it counts, like any foreign domain.
    """
    if domain.record is None:
        return None
    try:
        instance = Instance.from_document(domain.record)
    except InvalidInput:
        return None
    return instance if instance.uuid == domain.uuid else None
