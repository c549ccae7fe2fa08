# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState

_PREFIX = "trait:"


class IsolatedAggregatesFilter(BaseHostFilter):
    """Keeps the hosts of isolated aggregates for the requests that are meant for them (Nova's pre-filter
    isolate_aggregates; option `enable_isolated_aggregate_filtering`).

    The metadata ``trait:T: required`` isolates an aggregate: its hosts take only requests whose flavor or image require
    every such trait T. Other values of the key mean nothing, as in Nova. It takes the place of no trait on the hosts.
    """

    run_filter_once_per_request = True
    run_on_forced = True

    def concerns(self, spec: RequestSpec) -> bool:
        return self.options.enable_isolated_aggregate_filtering

    def host_key(self, host_state: HostState) -> Hashable:
        return tuple((aggregate.name, _traits(aggregate)) for aggregate in host_state.aggregates)

    def request_key(self, spec: RequestSpec) -> Hashable:
        return requested_resources(spec.flavor, spec.image).required

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        if not self.options.enable_isolated_aggregate_filtering:
            return None
        required = requested_resources(spec.flavor, spec.image).required
        for aggregate in host_state.aggregates:
            missing = sorted(_traits(aggregate) - required)
            if missing:
                traits = " and ".join(missing)
                return Reason(f"is isolated by aggregate {aggregate.name} for requests that require {traits}")
        return None


def _traits(aggregate: Aggregate) -> frozenset[str]:
    return frozenset(
        key.removeprefix(_PREFIX)
        for key, value in aggregate.metadata.items()
        if key.startswith(_PREFIX) and value == "required"
    )
