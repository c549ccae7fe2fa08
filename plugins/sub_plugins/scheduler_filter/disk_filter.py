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


class DiskFilter(HostRatio, BaseHostFilter):
    """Only hosts with enough disk left, over-commit included (Nova's DiskFilter).

    Asked for are root, ephemeral and swap disks, or what the flavor's extra specs say of DISK_GB. usable = total *
    `disk_allocation_ratio` - (total - free), where free is the lower of what is unclaimed and what is really left. No
    instance may ask for more than the whole disk, whatever the ratio.
    """

    run_on_forced = True
    ratio_name = "disk_allocation_ratio"

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted = _wanted(spec)
        total = host_state.total_usable_disk_gb * 1024
        if total < wanted:
            text = f"has {_size(total)} of disk in all, {_size(wanted - total)} less than asked for"
            return Reason(text, margin=(wanted - total) / wanted)
        limit = total * self.ratio(host_state)
        usable = limit - (total - host_state.free_disk_mb)
        if usable >= wanted:
            return None
        missing = math.ceil(wanted - usable)
        detail = f"{_size(math.floor(usable))} of {_size(math.floor(limit))} free"
        # An instance without any disk of its own is refused where less than nothing is left.
        return Reason(f"lacks {_size(missing)} of disk", detail, missing / max(wanted, 1))

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        wanted, total = _wanted(spec), columns["total_usable_disk_gb"] * 1024
        mask: Mask = (total >= wanted) & (self._usable(columns) >= wanted)
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        wanted, total = _wanted(spec), columns["total_usable_disk_gb"] * 1024
        share: Column = (wanted - np.minimum(self._usable(columns), total)) / max(wanted, 1)
        return share

    def limits(self, host_state: HostState) -> dict[str, float]:
        return {"disk_gb": host_state.total_usable_disk_gb * self.ratio(host_state)}

    def _usable(self, columns: HostColumns) -> Column:
        total = columns["total_usable_disk_gb"] * 1024
        usable: Column = total * self.ratios(columns) - (total - columns["free_disk_mb"])
        return usable


def _wanted(spec: RequestSpec) -> int:
    return requested_resources(spec.flavor, spec.image).disk_mb


def _size(megabytes: int) -> str:
    return f"{megabytes} MB" if megabytes % 1024 else f"{megabytes // 1024} GB"
