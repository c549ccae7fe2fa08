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


class AvailabilityZoneFilter(BaseHostFilter):
    """Only hosts of the requested availability zone (Nova's AvailabilityZoneFilter).

    A host that no aggregate gives a zone is in `default_availability_zone`.
    """

    run_filter_once_per_request = True
    run_on_forced = True

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(spec.availability_zone)

    def host_key(self, host_state: HostState) -> Hashable:
        return frozenset(split_values(host_state.aggregates, "availability_zone"))

    def request_key(self, spec: RequestSpec) -> Hashable:
        return spec.availability_zone

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted = spec.availability_zone
        if not wanted:
            return None
        zones = split_values(host_state.aggregates, "availability_zone") or {self.options.default_availability_zone}
        if wanted in zones:
            return None
        return Reason(f"is in availability zone {' and '.join(sorted(zones))}, not {wanted}")
