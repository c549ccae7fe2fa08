# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.exact import ExactFilter
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class ExactCoreFilter(ExactFilter):
    """Only hosts that have exactly the vCPUs of the flavor left (Nova's ExactCoreFilter, made for bare metal).

    A host that reports no CPUs is refused, where CoreFilter lets it pass.
    """

    def wanted(self, spec: RequestSpec) -> int:
        return requested_resources(spec.flavor, spec.image).vcpus

    def left(self, host_state: HostState) -> int:
        return host_state.vcpus_total - host_state.shared_vcpus_used

    def left_of_all(self, columns: HostColumns) -> Column:
        left: Column = columns["vcpus_total"] - columns["shared_vcpus_used"]
        return left

    def amount(self, number: int) -> str:
        return f"{number} vCPU{'s' * (number != 1)}"

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        return super().refusal(host_state, spec) if host_state.vcpus_total else Reason("reports no CPUs")

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        mask: Mask = (columns["vcpus_total"] > 0) & (self.left_of_all(columns) == self.wanted(spec))
        return mask

    def limits(self, host_state: HostState) -> dict[str, float]:
        return {"vcpu": host_state.vcpus_total}
