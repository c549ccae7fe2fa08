# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher


class BuildFailureWeigher(BaseHostWeigher):
    """Builds that failed in a row since the last success speak against a host (Nova's BuildFailureWeigher).

    `build_failure_weight_multiplier` is subtracted, an aggregate's override too. With its default of a million, a
    host with failures comes last, and is still taken where there is no other.
    """

    multiplier_option = "build_failure_weight_multiplier"

    def weight_multiplier(self, host_state: HostState) -> float:
        return -super().weight_multiplier(host_state)

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        return host_state.failed_builds

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        return columns["failed_builds"]
