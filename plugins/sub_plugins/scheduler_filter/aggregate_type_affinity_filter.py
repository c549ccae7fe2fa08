# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import split_values
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class AggregateTypeAffinityFilter(BaseHostFilter):
    """Hosts that aggregates keep for certain flavors only take those (Nova's AggregateTypeAffinityFilter).

    The metadata key ``instance_type`` names the flavors, separated by commas; those of several aggregates add up.
    """

    run_filter_once_per_request = True

    def host_key(self, host_state: HostState) -> Hashable:
        return frozenset(split_values(host_state.aggregates, "instance_type"))

    def request_key(self, spec: RequestSpec) -> Hashable:
        return spec.flavor.name

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        flavors = split_values(host_state.aggregates, "instance_type")
        if not flavors or spec.flavor.name in flavors:
            return None
        return Reason(f"takes only flavor {' and '.join(sorted(flavors))}, not {spec.flavor.name}")
