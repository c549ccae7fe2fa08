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


class NumInstancesWeigher(BaseHostWeigher):
    """More instances weigh more, of whatever size and state (Nova's NumInstancesWeigher).

    A positive `num_instances_weight_multiplier` packs instances, a negative one spreads them; the default, 0, does
    not care. Nova: the help of its option says the contrary, its code does as ours.
    """

    multiplier_option = "num_instances_weight_multiplier"

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        return host_state.num_instances

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        return columns["num_instances"]
