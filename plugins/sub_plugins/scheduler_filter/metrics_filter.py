# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.ratios import read_ratios


class MetricsFilter(BaseHostFilter):
    """Only hosts that report every metric of `metrics_weight_setting` (Nova's MetricsFilter).

    MetricsWeigher then needs to ask no host for what it does not have. Nova: elements of the setting that cannot be
    read are dropped with a warning; here they are an error.
    """

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(self._wanted())

    def host_key(self, host_state: HostState) -> Hashable:
        return frozenset(metric.get("name") for metric in host_state.metrics)

    def request_key(self, spec: RequestSpec) -> Hashable:
        return None

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        reported: set[Any] = {metric.get("name") for metric in host_state.metrics}
        missing = [name for name in self._wanted() if name not in reported]
        return Reason(f"does not report {' and '.join(missing)}") if missing else None

    def _wanted(self) -> list[str]:
        return list(read_ratios(self.options.metrics_weight_setting, "metrics_weight_setting"))
