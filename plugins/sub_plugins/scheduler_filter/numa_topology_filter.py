# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from typing import Any, Optional, Union

from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.fitting import Misfit, fit
from ansible_collections.novella.compute.plugins.module_utils.objects.numa import (
    InstanceNUMATopology,
    NUMATopologyLimits,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.changing_classes import ChangingClasses
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class NUMATopologyFilter(BaseHostFilter):
    """Only hosts on whose NUMA cells the instance's cells fit (Nova's NUMATopologyFilter).

    Dedicated CPUs, CPU threads, page sizes and the nearness of PCI devices are part of the fit; `hardware.fitting` has
    its rules. Cells of shared CPUs are overcommitted by the host's cpu_allocation_ratio and ram_allocation_ratio.
    A request without cells of its own passes. The option is `packing_host_numa_cells_allocation_strategy`.

    Nova: it also asks for the cells of networks. Networks have no cells here.
    """

    def concerns(self, spec: RequestSpec) -> bool:
        return spec.numa_topology is not None

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        outcome = self._fit(host_state, spec)
        return Reason(outcome.text, margin=outcome.margin) if isinstance(outcome, Misfit) else None

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        mask: Mask = self._margins(columns, spec) == 0
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        return self._margins(columns, spec)

    def limits(self, host_state: HostState) -> dict[str, Any]:
        return {"numa_topology": self._limits(host_state).as_dict(sparse=True)}

    def _margins(self, columns: HostColumns, spec: RequestSpec) -> Column:
        classes: ChangingClasses = columns.derived((self, "classes"), lambda _hosts: ChangingClasses(columns, _key))
        requests = tuple((item.count, item.numa_policy, str(item.spec)) for item in spec.pci_requests)
        return classes.margins((spec.numa_topology, requests), lambda state: self._margin(state, spec))

    def _margin(self, host_state: HostState, spec: RequestSpec) -> float:
        outcome = self._fit(host_state, spec)
        if not isinstance(outcome, Misfit):
            return 0.0
        return outcome.margin or math.inf

    def _fit(self, host_state: HostState, spec: RequestSpec) -> Union[InstanceNUMATopology, Misfit, None]:
        if spec.numa_topology is None:
            return None
        limits = self._limits(host_state)
        return fit(host_state.numa_topology, spec.numa_topology, limits, spec.pci_requests, host_state.pci_stats)

    def _limits(self, host_state: HostState) -> NUMATopologyLimits:
        return NUMATopologyLimits(
            host_state.cpu_allocation_ratio,
            host_state.ram_allocation_ratio,
            self.options.packing_host_numa_cells_allocation_strategy,
        )


def _key(state: HostState) -> Any:
    pools = tuple(tuple(pool.items()) for pool in state.pci_stats)
    return (state.numa_topology, pools, state.cpu_allocation_ratio, state.ram_allocation_ratio)
