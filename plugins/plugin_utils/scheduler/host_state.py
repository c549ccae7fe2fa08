# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scheduler believes of one host, and how a placement changes it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Optional, TypeVar

from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.fitting import Misfit, fit
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.pci_pools import allot, as_pools, take
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.usage import with_usage
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Service, added
from ansible_collections.novella.compute.plugins.module_utils.objects.cpu_spec import parse_cpu_spec
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    InvalidInput,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.inventory import Inventory
from ansible_collections.novella.compute.plugins.module_utils.objects.numa import NUMATopology, NUMATopologyLimits
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .aggregate import Aggregate
from .read_only_dict import ReadOnlyDict

LOG = logging.getLogger(__name__)

T = TypeVar("T")


def set_update_time_on_success(method: Callable[..., T]) -> Callable[..., Optional[T]]:
    """Set the host state's `updated` after a call that did not raise; warn and go on after one that did."""

    @functools.wraps(method)
    def wrapper(host_state: HostState, *args: Any, **kwargs: Any) -> Optional[T]:
        try:
            result = method(host_state, *args, **kwargs)
        # The model is only optimistic. The claim on the host decides, and its refusal leads to another host.
        except Exception as exc:
            LOG.warning("Host %s could not be charged for a placement: %r", host_state.host, exc)
            return None
        host_state.updated = datetime.now(timezone.utc)
        return result

    return wrapper


class HostState:
    """A host as the filters and weighers see it (Nova's HostState).

    Memory and disk are in MB unless the name says otherwise. `*_used` starts at what is reserved, and
    `free_*` may be negative. `vcpus_used` counts all vCPUs, as in Nova; `vcpus_total` are the shared CPUs, and
    `shared_vcpus_used` are the vCPUs on those, without the ones that have a host CPU each. `all_aggregates` are the
    fleet's, whether the host is in them or not. `fixed_allocation_ratios` names those that no aggregate exceeds, and
    `instance_overhead_memory_mb` is what QEMU takes for each instance. `instances` maps uuids to records, those placed
    in this run included. `limits` is what the claim on the host will be tested against.
    """

    def __init__(self, host: str, nodename: str) -> None:
        self.host = host
        self.nodename = nodename
        self.uuid: Optional[str] = None
        self.total_usable_ram_mb = 0
        self.free_ram_mb = 0
        self.total_usable_disk_gb = 0
        self.disk_mb_used = 0
        self.free_disk_mb = 0
        self.vcpus_total = 0
        self.vcpus_used = 0
        self.shared_vcpus_used = 0
        self.cpu_allocation_ratio = 0.0
        self.ram_allocation_ratio = 0.0
        self.disk_allocation_ratio = 0.0
        self.fixed_allocation_ratios: frozenset[str] = frozenset()
        self.instance_overhead_memory_mb = 0
        self.num_instances = 0
        self.num_io_ops = 0
        self.failed_builds = 0
        self.stats: dict[str, Any] = {}
        self.host_ip: Optional[str] = None
        self.hypervisor_type = ""
        self.hypervisor_version = 0
        self.hypervisor_hostname = nodename
        self.cpu_info: dict[str, Any] = {}
        self.supported_instances: list[list[str]] = []
        self.labels: dict[str, str] = {}
        self.traits: frozenset[str] = frozenset()
        self.inventories: dict[str, Inventory] = {}
        self.resources_used: dict[str, int] = {}
        self.metrics: list[dict[str, Any]] = []
        self.numa_topology: Optional[NUMATopology] = None
        self.pci_stats: list[dict[str, Any]] = []
        self.aggregates: list[Aggregate] = []
        self.all_aggregates: list[Aggregate] = []
        self.service = ReadOnlyDict()
        self.instances: dict[str, Instance] = {}
        self.limits: dict[str, Any] = {}
        self.updated: Optional[datetime] = None

    def __repr__(self) -> str:
        return (
            f"HostState({self.host!r}, ram: {self.free_ram_mb}MB, disk: {self.free_disk_mb}MB, "
            f"vcpus used: {self.vcpus_used} of {self.vcpus_total}, instances: {self.num_instances})"
        )

    @property
    def free_pci_devices(self) -> int:
        """How many PCI devices are left, of whatever kind."""
        return sum([pool["count"] for pool in self.pci_stats])

    def update_from_compute_node(self, node: ComputeNode) -> bool:
        """Take over a compute node's figures, unless this state was changed after they were written.

        Returns:
            Whether they were taken over.

        Raises:
            InvalidInput: A figure of the record cannot be read.
        """
        written = _parse_time(node.updated_at, node.host)
        if self.updated and written and self.updated > written:
            return False
        self.uuid = node.uuid
        self.total_usable_ram_mb = node.memory_mb
        self.free_ram_mb = node.free_ram_mb
        self.total_usable_disk_gb = node.local_gb
        self.disk_mb_used = node.local_gb_used * 1024
        least = node.free_disk_gb if node.disk_available_least is None else node.disk_available_least
        self.free_disk_mb = min(node.free_disk_gb, least) * 1024
        self.vcpus_total = node.vcpus
        self.shared_vcpus_used = node.vcpus_used
        cells = node.numa_topology.cells if node.numa_topology else ()
        self.vcpus_used = node.vcpus_used + sum(len(parse_cpu_spec(cell.pinned_cpus)) for cell in cells)
        self.cpu_allocation_ratio = node.cpu_allocation_ratio
        self.ram_allocation_ratio = node.ram_allocation_ratio
        self.disk_allocation_ratio = node.disk_allocation_ratio
        self.fixed_allocation_ratios = frozenset(node.fixed_allocation_ratios)
        self.instance_overhead_memory_mb = node.instance_overhead_memory_mb
        self.stats = dict(node.stats)
        self.num_instances = self._count("num_instances")
        self.num_io_ops = self._count("io_workload")
        self.failed_builds = self._count("failed_builds")
        self.host_ip = node.host_ip
        self.hypervisor_type = node.hypervisor_type
        self.hypervisor_version = node.hypervisor_version
        self.hypervisor_hostname = node.hypervisor_hostname
        self.cpu_info = node.cpu_info
        self.supported_instances = node.supported_instances
        self.labels = dict(node.labels)
        self.traits = frozenset(node.traits)
        self.inventories = node.inventories
        self.resources_used = node.resources_used
        self.metrics = list(node.metrics)
        self.numa_topology = node.numa_topology
        self.pci_stats = as_pools(node.pci_device_pools)
        self.updated = written
        return True

    def update_service(self, service: Service) -> None:
        """Take over whether the host takes new instances."""
        self.service = ReadOnlyDict(service.as_dict())

    @set_update_time_on_success
    def consume_from_instance(self, spec: RequestSpec) -> None:
        """Take the resources of a placed request from the host (Nova's consume_from_request).

        As in Nova, swap is not counted here; the next audit and the claim count it. Nova takes the flavor's size, even
        where extra specs name other amounts; here it is what the filters asked for, and what the claim takes.
        """
        asked = requested_resources(spec.flavor, spec.image)
        self.free_ram_mb -= asked.memory_with(self.instance_overhead_memory_mb)
        self.free_disk_mb -= asked.consumed_disk_mb
        self.shared_vcpus_used += asked.vcpus
        own_cells = spec.numa_topology.cells if spec.numa_topology else ()
        self.vcpus_used += asked.vcpus + sum(len(cell.dedicated_vcpus) for cell in own_cells)
        self.resources_used = added(self.resources_used, dict(asked.custom))
        self.num_instances += 1
        self._consume_hardware(spec)
        self.num_io_ops += 1

    def _consume_hardware(self, spec: RequestSpec) -> None:
        """Take NUMA cells and PCI devices, as they are chosen here and now; the claim on the host chooses for good."""
        cells = None
        if spec.numa_topology is not None and self.numa_topology is not None:
            limits = NUMATopologyLimits.from_dict(self.limits.get("numa_topology", {}), "limits.numa_topology")
            fitted = fit(self.numa_topology, spec.numa_topology, limits, spec.pci_requests, self.pci_stats)
            # A forced host may have no room.
            if not isinstance(fitted, Misfit):
                cells = fitted.cells
                self.numa_topology = with_usage(self.numa_topology, fitted)
        shares = allot(self.pci_stats, spec.pci_requests, cells, self.numa_topology)
        if shares is None:
            raise ComputeResourcesUnavailable(f"Host {self.host} has not all PCI devices that {spec.name} asks for.")
        self.pci_stats = take(self.pci_stats, shares)

    def _count(self, key: str) -> int:
        value = self.stats.get(key, 0)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise InvalidInput(f"Host {self.host} reports {key} as {value!r:.60}, which is no integer.") from None


def _parse_time(text: Optional[str], host: str) -> Optional[datetime]:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"Host {host} reports updated_at as {text!r:.60}, which is no ISO-8601 time.") from None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
