# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.capabilities import (
    find_capability,
    has_capability,
    is_fixed,
)
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.classes import HostClasses
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.extra_specs_ops import read_requirement
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState

_SCOPE = "capabilities"
_ADDRESS_BITS = "hw:maxphysaddr_bits"


@dataclass(frozen=True)
class Demand:
    """What one extra spec asks of a host. One without a scope asks only hosts that know its name."""

    key: str
    path: tuple[str, ...]
    requirement: str
    is_scoped: bool

    def refusal(self, host_state: HostState) -> Optional[Reason]:
        if not self.is_scoped and not has_capability(host_state, self.key):
            return None
        meets = read_requirement(self.key, self.requirement)
        value = find_capability(host_state, self.path)
        if value is not None and meets(value):
            return None
        here = "it has none" if value is None else f"it has '{value:.60}'"
        return Reason(f"does not meet the extra spec {self.key} '{self.requirement}'", here)


class ComputeCapabilitiesFilter(BaseHostFilter):
    """Only hosts whose capabilities meet the flavor's extra specs (Nova's ComputeCapabilitiesFilter).

    An extra spec ``capabilities:path`` goes by the host's value at that path (`capabilities.find_capability`); a host
    that has none is refused. One without any scope is asked of hosts that know its name. ``hw:maxphysaddr_bits`` asks
    for as many bits of physical addresses. All must be met; `extra_specs_ops` says how a requirement is written.
    """

    run_filter_once_per_request = True

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(_demands(spec.flavor))

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        mask = columns.all()
        for demand in _demands(spec.flavor):
            mask &= self._meeting(columns, demand)
        return mask

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        return next((why for demand in _demands(spec.flavor) if (why := demand.refusal(host_state))), None)

    def _meeting(self, columns: HostColumns, demand: Demand) -> Mask:
        if not all(is_fixed(state, demand.path) for state in columns.states[:1]):
            return columns.only(row for row, state in enumerate(columns.states) if demand.refusal(state) is None)
        classes: HostClasses = columns.derived(
            (self, demand.path),
            lambda states: HostClasses(
                states, lambda state: (has_capability(state, demand.path[0]), find_capability(state, demand.path))
            ),
        )
        return classes.mask(demand, lambda state: demand.refusal(state) is None)


def _demands(flavor: Flavor) -> list[Demand]:
    extra_specs = dict(flavor.extra_specs)
    bits = extra_specs.pop(_ADDRESS_BITS, None)
    if bits is not None:
        extra_specs[f"{_SCOPE}:cpu_info:maxphysaddr:bits"] = f">= {bits}"
    demands = []
    for key, requirement in extra_specs.items():
        first, *rest = key.split(":")
        if not rest:
            demands.append(Demand(key, (key,), requirement, is_scoped=False))
        elif first == _SCOPE:
            demands.append(Demand(key, tuple(rest), requirement, is_scoped=True))
    return demands
