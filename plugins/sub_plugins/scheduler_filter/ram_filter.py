# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from typing import Optional

import numpy as np
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import Column, HostColumns, Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class RamFilter(BaseHostFilter):
    """Only hosts with enough memory left, over-commit included (Nova's RamFilter).

    usable = total * `ram_allocation_ratio` - used, where used includes what is reserved. No instance may be
    larger than the physical memory, whatever the ratio.
    """

    run_on_forced = True

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted = spec.flavor.memory_mb
        total = host_state.total_usable_ram_mb
        if total < wanted:
            text = f"has {total} MB of memory in all, {wanted - total} MB less than asked for"
            return Reason(text, margin=(wanted - total) / wanted)
        limit = total * host_state.ram_allocation_ratio
        usable = limit - (total - host_state.free_ram_mb)
        if usable >= wanted:
            return None
        missing = math.ceil(wanted - usable)
        detail = f"{math.floor(usable)} of {math.floor(limit)} MB free"
        return Reason(f"lacks {missing} MB of memory", detail, missing / wanted)

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        wanted = spec.flavor.memory_mb
        mask: Mask = (columns["total_usable_ram_mb"] >= wanted) & (_usable(columns) >= wanted)
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        wanted = spec.flavor.memory_mb
        share: Column = (wanted - np.minimum(_usable(columns), columns["total_usable_ram_mb"])) / wanted
        return share

    def limits(self, host_state: HostState) -> dict[str, float]:
        return {"memory_mb": host_state.total_usable_ram_mb * host_state.ram_allocation_ratio}


def _usable(columns: HostColumns) -> Column:
    total = columns["total_usable_ram_mb"]
    usable: Column = total * columns["ram_allocation_ratio"] - (total - columns["free_ram_mb"])
    return usable
