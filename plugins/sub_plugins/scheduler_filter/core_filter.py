# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.allocation_ratio import HostRatio
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, Mask, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class CoreFilter(HostRatio, BaseHostFilter):
    """Only hosts with enough vCPUs left, over-commit included (Nova's CoreFilter).

    usable = total * `cpu_allocation_ratio` - used. No instance may have more vCPUs than the host has CPUs,
    whatever the ratio. A host that reports no CPUs at all passes, as in Nova. Dedicated CPUs are not counted here, and
    the flavor's extra specs may ask for another amount of VCPU, or for none.
    """

    run_on_forced = True
    ratio_name = "cpu_allocation_ratio"

    def concerns(self, spec: RequestSpec) -> bool:
        return _wanted(spec) > 0

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted = _wanted(spec)
        total = host_state.vcpus_total
        if not total or not wanted:
            return None
        if total < wanted:
            text = f"has {total} CPUs in all, {wanted - total} fewer than asked for"
            return Reason(text, margin=(wanted - total) / wanted)
        limit = total * self.ratio(host_state)
        usable = limit - host_state.shared_vcpus_used
        if usable >= wanted:
            return None
        missing = wanted - usable
        text = f"lacks {missing:g} vCPU{'s' * (missing != 1)}"
        return Reason(text, f"{usable:g} of {limit:g} free", missing / wanted)

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        wanted, total = _wanted(spec), columns["vcpus_total"]
        mask: Mask = (total == 0) | ((total >= wanted) & (self._usable(columns) >= wanted))
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        wanted = _wanted(spec)
        share: Column = (wanted - np.minimum(self._usable(columns), columns["vcpus_total"])) / max(wanted, 1)
        return share

    def limits(self, host_state: HostState) -> dict[str, float]:
        if not host_state.vcpus_total:
            return {}
        return {"vcpu": host_state.vcpus_total * self.ratio(host_state)}

    def _usable(self, columns: HostColumns) -> Column:
        usable: Column = columns["vcpus_total"] * self.ratios(columns) - columns["shared_vcpus_used"]
        return usable


def _wanted(spec: RequestSpec) -> int:
    return requested_resources(spec.flavor, spec.image).vcpus
