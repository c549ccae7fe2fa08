# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.exact import ExactFilter
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class ExactRamFilter(ExactFilter):
    """Only hosts that have exactly the memory of the flavor left (Nova's ExactRamFilter, made for bare metal).

    What QEMU would take for the instance is not left for it.
    """

    def wanted(self, spec: RequestSpec) -> int:
        return requested_resources(spec.flavor, spec.image).memory_mb

    def left(self, host_state: HostState) -> int:
        return host_state.free_ram_mb - host_state.instance_overhead_memory_mb

    def left_of_all(self, columns: HostColumns) -> Column:
        left: Column = columns["free_ram_mb"] - columns["instance_overhead_memory_mb"]
        return left

    def amount(self, number: int) -> str:
        return f"{number} MB of memory"

    def limits(self, host_state: HostState) -> dict[str, float]:
        return {"memory_mb": host_state.total_usable_ram_mb}
