# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compute node: what a host has, and what of it is taken."""

from dataclasses import dataclass, field
from typing import Any, Optional

from .base import Record, since
from .inventory import Inventory
from .numa import NUMATopology
from .pci import PciDevicePool


@dataclass(frozen=True)
class ComputeNode(Record):
    """Nova's ComputeNode. Totals are physical; `*_used` starts at the reserved amounts, as Nova's does.

    `disk_available_least` is measured: free space of the pool less what its thin volumes may still grow by.
    `supported_instances` holds ``[arch, hypervisor_type, vm_mode]`` triples. `hypervisor_version` is
    major*1000000 + minor*1000 + micro. `labels` are the operator's (``novella_labels``), `traits` Placement's.
    `inventories` holds what the operator declares, by resource class (``novella_resources``), and `resources_used` what
    instances take of the classes that have no field of their own.
    `metrics` are Nova's monitor metrics: name, value, timestamp, source. `vcpus` are the CPUs for shared use, where the
    operator sets dedicated ones apart; those are told by `numa_topology`. `pci_device_pools` count the free devices.
    `fixed_allocation_ratios` names the ratios that the operator has set for this host: no aggregate exceeds those.
    `instance_overhead_memory_mb` is what QEMU takes for each instance besides its memory.
    """

    uuid: str
    host: str
    hypervisor_hostname: str
    vcpus: int
    memory_mb: int
    local_gb: int
    vcpus_used: int = 0
    memory_mb_used: int = 0
    local_gb_used: int = 0
    disk_available_least: Optional[int] = None
    reserved_host_cpus: int = 0
    reserved_host_memory_mb: int = 512
    reserved_host_disk_mb: int = 0
    cpu_allocation_ratio: float = 4.0
    ram_allocation_ratio: float = 1.0
    disk_allocation_ratio: float = 1.0
    fixed_allocation_ratios: list[str] = field(default_factory=list, metadata=since("1.1"))
    instance_overhead_memory_mb: int = field(default=0, metadata=since("1.1"))
    running_vms: int = 0
    current_workload: int = 0
    hypervisor_type: str = ""
    hypervisor_version: int = 0
    host_ip: Optional[str] = None
    cpu_info: dict[str, Any] = field(default_factory=dict)
    supported_instances: list[list[str]] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    traits: list[str] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    inventories: dict[str, Inventory] = field(default_factory=dict)
    resources_used: dict[str, int] = field(default_factory=dict)
    numa_topology: Optional[NUMATopology] = None
    pci_device_pools: list[PciDevicePool] = field(default_factory=list)
    updated_at: Optional[str] = None

    @property
    def free_ram_mb(self) -> int:
        return self.memory_mb - self.memory_mb_used

    @property
    def free_disk_gb(self) -> int:
        return self.local_gb - self.local_gb_used


@dataclass(frozen=True)
class Service(Record):
    """Whether the host takes new instances (Nova's service record).

    A host in maintenance takes none either; that is for work on the host, and to be told apart from an operator's
    disabling for other reasons. `updated_at` is when either was changed last, ISO-8601 UTC.
    """

    disabled: bool = False
    disabled_reason: Optional[str] = None
    maintenance: bool = field(default=False, metadata=since("1.1"))
    updated_at: Optional[str] = field(default=None, metadata=since("1.1"))

    @property
    def refusal(self) -> Optional[str]:
        """Why the host takes no new instances, such as ``is disabled: broken fan``, or None."""
        why = f"is disabled: {self.disabled_reason}" if self.disabled_reason else "is disabled"
        reasons = [why] if self.disabled else []
        if self.maintenance:
            reasons.append("is in maintenance")
        return " and ".join(reasons) or None


@dataclass(frozen=True)
class Usage(Record):
    """An amount of resources, used or asked for. `custom` is by custom resource class."""

    vcpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0
    custom: dict[str, int] = field(default_factory=dict)

    def plus(self, other: "Usage") -> "Usage":
        return Usage(
            self.vcpus + other.vcpus,
            self.memory_mb + other.memory_mb,
            self.disk_gb + other.disk_gb,
            added(self.custom, other.custom),
        )

    def with_overhead(self, memory_mb: int) -> "Usage":
        """Return it with QEMU's own memory. What takes no memory of the host's, such as an overridden amount of 0,
        has no overhead either."""
        return self.but(memory_mb=self.memory_mb + memory_mb) if self.memory_mb and memory_mb else self


def added(amounts: dict[str, int], more: dict[str, int], sign: int = 1) -> dict[str, int]:
    """Return the sums of amounts by name, or with a `sign` of -1 the differences; nothing falls below 0."""
    if not more:
        return amounts
    sums = {name: max(0, amounts.get(name, 0) + sign * more.get(name, 0)) for name in sorted({**amounts, **more})}
    return {name: amount for name, amount in sums.items() if amount}
