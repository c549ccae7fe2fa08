# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import lowest_number, whole_values
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher

USUAL = 22.0


class CoolInlet(BaseHostWeigher):
    """Prefer hosts with cold air at their inlet.

    Its temperature is the host's label ``inlet_celsius``, and 22 where there is none. The aggregate metadata key
    ``cool_inlet_weight_multiplier`` says how much it counts for the hosts of an aggregate; without it, that is 1.
    """

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        return -float(host_state.labels.get("inlet_celsius", USUAL))

    def weight_multiplier(self, host_state: HostState) -> float:
        return lowest_number(whole_values(host_state.aggregates, "cool_inlet_weight_multiplier"), 1.0)
