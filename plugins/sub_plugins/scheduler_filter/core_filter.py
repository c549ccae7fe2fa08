# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

import numpy as np
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import Column, HostColumns, Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class CoreFilter(BaseHostFilter):
    """Only hosts with enough vCPUs left, over-commit included (Nova's CoreFilter).

    usable = total * `cpu_allocation_ratio` - used. No instance may have more vCPUs than the host has CPUs,
    whatever the ratio. A host that reports no CPUs at all passes, as in Nova.
    """

    run_on_forced = True

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted = spec.flavor.vcpus
        total = host_state.vcpus_total
        if not total:
            return None
        if total < wanted:
            text = f"has {total} CPUs in all, {wanted - total} fewer than asked for"
            return Reason(text, margin=(wanted - total) / wanted)
        limit = total * host_state.cpu_allocation_ratio
        usable = limit - host_state.vcpus_used
        if usable >= wanted:
            return None
        missing = wanted - usable
        text = f"lacks {missing:g} vCPU{'s' * (missing != 1)}"
        return Reason(text, f"{usable:g} of {limit:g} free", missing / wanted)

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        wanted, total = spec.flavor.vcpus, columns["vcpus_total"]
        mask: Mask = (total == 0) | ((total >= wanted) & (_usable(columns) >= wanted))
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        wanted = spec.flavor.vcpus
        share: Column = (wanted - np.minimum(_usable(columns), columns["vcpus_total"])) / wanted
        return share

    def limits(self, host_state: HostState) -> dict[str, float]:
        if not host_state.vcpus_total:
            return {}
        return {"vcpu": host_state.vcpus_total * host_state.cpu_allocation_ratio}


def _usable(columns: HostColumns) -> Column:
    usable: Column = columns["vcpus_total"] * columns["cpu_allocation_ratio"] - columns["vcpus_used"]
    return usable
