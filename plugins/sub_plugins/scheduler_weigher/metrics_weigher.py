# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.ratios import read_ratios
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher


class MetricsWeigher(BaseHostWeigher):
    """The sum of a host's metrics, each times its ratio in `metrics_weight_setting` (Nova's MetricsWeigher).

    A host that lacks one of them fails the request where `metrics_required` is set; MetricsFilter leaves such hosts
    out before. Otherwise all of its weight is `metrics_weight_of_unavailable`, unless the ratio or the multiplier
    is 0. Nova: elements of the setting that cannot be read are dropped with a warning; here they are an error.
    """

    multiplier_option = "metrics_weight_multiplier"

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        values = {metric["name"]: metric["value"] for metric in host_state.metrics}
        total = 0.0
        for name, ratio in self._ratios.items():
            if name in values:
                total += float(values[name]) * ratio
            elif self.options.metrics_required:
                raise InvalidInput(
                    f"{self.name} needs the metric {name}, which host {host_state.host} does not report.",
                    "Enable MetricsFilter to leave such hosts out, or set metrics_required to false.",
                )
            elif ratio * self.weight_multiplier(host_state):
                return self.options.metrics_weight_of_unavailable
        return total

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        weights: Optional[Column] = columns.derived(self, lambda states: self._all(states, spec))
        return weights

    def _all(self, states: Sequence[HostState], spec: RequestSpec) -> Optional[Column]:
        """Weigh all hosts, unless one fails: then each is to be asked when it is a candidate, and no other."""
        try:
            return np.array([self.weigh_object(state, spec) for state in states], dtype=np.float64)
        except (InvalidInput, KeyError, TypeError, ValueError):
            return None

    @functools.cached_property
    def _ratios(self) -> dict[str, float]:
        return read_ratios(self.options.metrics_weight_setting, "metrics_weight_setting")
