# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState

_PREFIX = "filter_tenant_id"


class TenantAggregatesFilter(BaseHostFilter):
    """Confines projects to their aggregates (Nova's pre-filter require_tenant_aggregate; option
    `limit_tenants_to_placement_aggregate`).

    An aggregate is a project's if a metadata key that begins with ``filter_tenant_id`` has the project's id. A project
    with aggregates goes to their hosts only. One without goes anywhere, or with
    `placement_aggregate_required_for_tenants` nowhere. Others may use a project's hosts all the same;
    AggregateMultiTenancyIsolation keeps them out.
    """

    run_filter_once_per_request = True
    run_on_forced = True

    def concerns(self, spec: RequestSpec) -> bool:
        return self.options.limit_tenants_to_placement_aggregate

    def host_key(self, host_state: HostState) -> Hashable:
        return frozenset(project for aggregate in host_state.aggregates for project in _projects(aggregate))

    def request_key(self, spec: RequestSpec) -> Hashable:
        return spec.project_id

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        options, project = self.options, spec.project_id
        if not options.limit_tenants_to_placement_aggregate:
            return None
        if any(project in _projects(aggregate) for aggregate in host_state.aggregates):
            return None
        # Of all, not of this host's: an aggregate whose hosts are silent confines its project nonetheless.
        own = [aggregate.name for aggregate in host_state.all_aggregates if project in _projects(aggregate)]
        if own:
            return Reason(f"is not in aggregate {' or '.join(own)} of project {project}")
        if options.placement_aggregate_required_for_tenants:
            return Reason(f"is closed to project {project}, which has no aggregate")
        return None


def _projects(aggregate: Aggregate) -> set[str]:
    return {value for key, value in aggregate.metadata.items() if key.startswith(_PREFIX)}
