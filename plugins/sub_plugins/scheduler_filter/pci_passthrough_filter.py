# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.pci_pools import allot, free_devices
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.changing_classes import ChangingClasses
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class PciPassthroughFilter(BaseHostFilter):
    """Only hosts with the PCI devices free that the flavor asks for (Nova's PciPassthroughFilter).

    A flavor asks with ``pci_passthrough:alias``, by the names of the option `pci_alias`. Whether the devices are near
    to the instance's NUMA cells is for NUMATopologyFilter to say.
    """

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(spec.pci_requests)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        pools = host_state.pci_stats
        if allot(pools, spec.pci_requests) is not None:
            return None
        for request in spec.pci_requests:
            free = free_devices(pools, request)
            if free < request.count:
                text = f"has {free} of {request.count} PCI devices {request.alias_name or request.spec} free"
                return Reason(text, margin=(request.count - free) / request.count)
        return Reason("has too few PCI devices free for all that is asked for")

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        mask: Mask = self._margins(columns, spec) == 0
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        return self._margins(columns, spec)

    def _margins(self, columns: HostColumns, spec: RequestSpec) -> Column:
        classes: ChangingClasses = columns.derived((self, "classes"), lambda _hosts: ChangingClasses(columns, _key))
        signature = tuple((item.count, item.numa_policy, str(item.spec)) for item in spec.pci_requests)
        return classes.margins(signature, lambda state: self._margin(state, spec))

    def _margin(self, host_state: HostState, spec: RequestSpec) -> float:
        reason = self.refusal(host_state, spec)
        return 0.0 if reason is None else reason.margin or math.inf


def _key(state: HostState) -> Any:
    return tuple(tuple(pool.items()) for pool in state.pci_stats)
