# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scheduler's options, with Nova's names and defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.base import Record
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid, nearest

from .ratios import read_ratios

ENABLED_FILTERS = (
    "ComputeFilter",
    "AvailabilityZoneFilter",
    "TenantAggregatesFilter",
    "IsolatedAggregatesFilter",
    "RamFilter",
    "CoreFilter",
    "DiskFilter",
    "ResourceClassFilter",
    "TraitsFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "WhereFilter",
    "DifferentHostFilter",
    "SameHostFilter",
    "NUMATopologyFilter",
    "PciPassthroughFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
    "ServerGroupSpreadFilter",
)
ENABLED_WEIGHERS = (
    "RAMWeigher",
    "CPUWeigher",
    "DiskWeigher",
    "IoOpsWeigher",
    "NumInstancesWeigher",
    "HypervisorVersionWeigher",
    "PCIWeigher",
    "ServerGroupSoftAffinityWeigher",
    "ServerGroupSoftAntiAffinityWeigher",
    "BuildFailureWeigher",
    "ImagePropertiesWeigher",
)
NOT_NEGATIVE = ("pci_weight_multiplier", "soft_affinity_weight_multiplier", "soft_anti_affinity_weight_multiplier")
# Options that a filter reads, and that would be ignored without it.
NEEDED = {
    "limit_tenants_to_placement_aggregate": "TenantAggregatesFilter",
    "enable_isolated_aggregate_filtering": "IsolatedAggregatesFilter",
}
RATIOS = ("image_props_weight_setting", "metrics_weight_setting")
AT_LEAST_ONE = ("host_subset_size", "max_attempts")
AT_LEAST_ZERO = ("max_io_ops_per_host", "max_instances_per_host", "explained_refusals")


@dataclass(frozen=True)
class SchedulerOptions(Record):
    """How hosts are chosen. Options have the names and defaults of nova.conf.

    `enabled_filters` run in their order; the default one shows cheap and general refusals first. `max_attempts`
    counts the builds of one instance, so that `max_attempts` - 1 alternates are named. Among the
    `host_subset_size` best hosts one is drawn, by `seed`; with 1 the best is taken.
    `shuffle_best_same_weighed_hosts` shuffles the hosts that share the highest weight, by `seed` too.
    `default_availability_zone` is the zone of hosts that no aggregate gives one.

    Those of nova.conf's group ``metrics`` begin with ``metrics_``, and `pci_alias` is ``[pci] alias``. Of
    `explained_refusals` see `Selection.refusals`; it is our own.
    """

    enabled_filters: list[str] = field(default_factory=lambda: list(ENABLED_FILTERS))
    enabled_weighers: list[str] = field(default_factory=lambda: list(ENABLED_WEIGHERS))
    ram_weight_multiplier: float = 1.0
    cpu_weight_multiplier: float = 1.0
    disk_weight_multiplier: float = 1.0
    io_ops_weight_multiplier: float = -1.0
    num_instances_weight_multiplier: float = 0.0
    hypervisor_version_weight_multiplier: float = 1.0
    metrics_weight_multiplier: float = 1.0
    pci_weight_multiplier: float = 1.0
    soft_affinity_weight_multiplier: float = 1.0
    soft_anti_affinity_weight_multiplier: float = 1.0
    build_failure_weight_multiplier: float = 1000000.0
    cross_cell_move_weight_multiplier: float = 1000000.0
    image_props_weight_multiplier: float = 0.0
    image_props_weight_setting: list[str] = field(default_factory=list)
    metrics_weight_setting: list[str] = field(default_factory=list)
    metrics_required: bool = True
    metrics_weight_of_unavailable: float = -10000.0
    host_subset_size: int = 1
    shuffle_best_same_weighed_hosts: bool = False
    max_attempts: int = 3
    seed: int = 0
    default_availability_zone: str = "nova"
    max_io_ops_per_host: int = 8
    max_instances_per_host: int = 50
    isolated_images: list[str] = field(default_factory=list)
    isolated_hosts: list[str] = field(default_factory=list)
    restrict_isolated_hosts_to_isolated_images: bool = True
    aggregate_image_properties_isolation_namespace: Optional[str] = None
    aggregate_image_properties_isolation_separator: str = "."
    image_properties_default_architecture: Optional[str] = None
    packing_host_numa_cells_allocation_strategy: bool = False
    pci_alias: list[dict[str, Any]] = field(default_factory=list)
    limit_tenants_to_placement_aggregate: bool = False
    placement_aggregate_required_for_tenants: bool = False
    enable_isolated_aggregate_filtering: bool = False
    explained_refusals: int = 50

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], where: str = "scheduler") -> SchedulerOptions:
        """Build the options from what a user wrote; what is left out has its default.

        Args:
            where: How a message names the place.

        Raises:
            OptionInvalid: An option is unknown or out of its range.
            InvalidInput: A value has the wrong type.
        """
        known = [field.name for field in fields(cls)]
        for key in data:
            if key not in known:
                raise OptionInvalid(
                    f"{where} has the unknown option '{key}'.{nearest(key, known)}", f"Known are {', '.join(known)}."
                )
        options = cls.from_dict(data, where)
        options._check(where)
        return options

    def _check(self, where: str) -> None:
        for names, least in ((AT_LEAST_ONE, 1), (AT_LEAST_ZERO, 0), (NOT_NEGATIVE, 0)):
            for name in names:
                if getattr(self, name) < least:
                    raise OptionInvalid(f"{where}.{name} must be at least {least}, not {getattr(self, name)}.")
        for field_ in fields(self):
            value = getattr(self, field_.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise OptionInvalid(f"{where}.{field_.name} must be a finite number, not {value}.")
        for option, plugin in NEEDED.items():
            if getattr(self, option) and plugin not in self.enabled_filters:
                raise OptionInvalid(f"{where}.{option} needs {plugin} in enabled_filters.")
        for name in RATIOS:
            read_ratios(getattr(self, name), f"{where}.{name}")
        for name in ("enabled_filters", "enabled_weighers"):
            plugins = getattr(self, name)
            twice = next((plugin for index, plugin in enumerate(plugins) if plugin in plugins[:index]), None)
            if twice is not None:
                raise OptionInvalid(f"{where}.{name} names {twice} twice.")
