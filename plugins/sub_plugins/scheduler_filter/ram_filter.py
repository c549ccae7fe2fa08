# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.allocation_ratio import HostRatio
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, Mask, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class RamFilter(HostRatio, BaseHostFilter):
    """Only hosts with enough memory left, over-commit included (Nova's RamFilter).

    usable = total * `ram_allocation_ratio` - used, where used includes what is reserved. No instance may be
    larger than the physical memory, whatever the ratio. The flavor's extra specs may ask for another amount of
    MEMORY_MB, or for none. With it is asked for what QEMU takes for each instance (`instance_overhead_memory_mb`).
    """

    run_on_forced = True
    ratio_name = "ram_allocation_ratio"

    def concerns(self, spec: RequestSpec) -> bool:
        return _wanted(spec) > 0

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        overhead = host_state.instance_overhead_memory_mb
        wanted = requested_resources(spec.flavor, spec.image).memory_with(overhead)
        total = host_state.total_usable_ram_mb
        if not wanted:
            return None
        if total < wanted:
            text = f"has {total} MB of memory in all, {wanted - total} MB less than asked for"
            return Reason(text, margin=(wanted - total) / wanted)
        limit = total * self.ratio(host_state)
        usable = limit - (total - host_state.free_ram_mb)
        if usable >= wanted:
            return None
        missing = math.ceil(wanted - usable)
        taken = f", and QEMU takes {overhead} MB" if overhead else ""
        detail = f"{math.floor(usable)} of {math.floor(limit)} MB free{taken}"
        return Reason(f"lacks {missing} MB of memory", detail, missing / wanted)

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        wanted = self._wanted_of_all(columns, spec)
        mask: Mask = (columns["total_usable_ram_mb"] >= wanted) & (self._usable(columns) >= wanted)
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        wanted = self._wanted_of_all(columns, spec)
        there = np.minimum(self._usable(columns), columns["total_usable_ram_mb"])
        share: Column = (wanted - there) / np.maximum(wanted, 1)
        return share

    def limits(self, host_state: HostState) -> dict[str, float]:
        return {"memory_mb": host_state.total_usable_ram_mb * self.ratio(host_state)}

    def _wanted_of_all(self, columns: HostColumns, spec: RequestSpec) -> Column:
        wanted = _wanted(spec)
        overhead = columns["instance_overhead_memory_mb"]
        asked: Column = overhead + wanted if wanted else np.zeros(len(columns))
        return asked

    def _usable(self, columns: HostColumns) -> Column:
        total = columns["total_usable_ram_mb"]
        usable: Column = total * self.ratios(columns) - (total - columns["free_ram_mb"])
        return usable


def _wanted(spec: RequestSpec) -> int:
    return requested_resources(spec.flavor, spec.image).memory_mb
