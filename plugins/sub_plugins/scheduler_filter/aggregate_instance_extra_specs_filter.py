# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import split_values
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.extra_specs_ops import read_requirement
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState

_SCOPE = "aggregate_instance_extra_specs"


class AggregateInstanceExtraSpecsFilter(BaseHostFilter):
    """Only hosts whose aggregates' metadata meet the flavor's extra specs (Nova's filter of that name).

    Extra specs with the scope ``aggregate_instance_extra_specs``, and those without any, go by the metadata of that
    key over all aggregates of the host, split at commas: one of the values must match, and there must be one. All must
    be met; `extra_specs_ops` says how a requirement is written.
    """

    run_filter_once_per_request = True

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(_requirements(spec.flavor))

    def host_key(self, host_state: HostState) -> Hashable:
        return frozenset(aggregate.name for aggregate in host_state.aggregates)

    def request_key(self, spec: RequestSpec) -> Hashable:
        return tuple(sorted(_requirements(spec.flavor)))

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        for key, requirement in _requirements(spec.flavor):
            meets = read_requirement(key, requirement)
            values = split_values(host_state.aggregates, key)
            if not values:
                return Reason(f"is in no aggregate that has {key}")
            if not any(meets(value) for value in values):
                return Reason(f"is in aggregates whose {key} is {' or '.join(sorted(values))}, not '{requirement}'")
        return None


def _requirements(flavor: Flavor) -> list[tuple[str, str]]:
    # A key may be asked of twice: with and without the scope.
    requirements = []
    for key, requirement in flavor.extra_specs.items():
        scope, colon, rest = key.partition(":")
        if not colon:
            requirements.append((key, requirement))
        elif scope == _SCOPE:
            requirements.append((rest, requirement))
    return requirements
