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


class RAMWeigher(BaseHostWeigher):
    """More free memory is better (Nova's RAMWeigher).

    A positive `ram_weight_multiplier` spreads instances over the hosts, a negative one stacks them.
    """

    minval = 0
    multiplier_option = "ram_weight_multiplier"

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        return host_state.free_ram_mb

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        return columns["free_ram_mb"]
