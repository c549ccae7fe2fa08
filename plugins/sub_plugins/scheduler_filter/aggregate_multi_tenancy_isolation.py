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

_PREFIX = "filter_tenant_id"


class AggregateMultiTenancyIsolation(BaseHostFilter):
    """Hosts that aggregates keep for certain projects only take those (Nova's AggregateMultiTenancyIsolation).

    The projects are the values of all metadata keys that begin with ``filter_tenant_id``, over all aggregates of the
    host, split at commas. As in Nova, the projects are not kept to these hosts: others take everyone.
    """

    run_filter_once_per_request = True

    def host_key(self, host_state: HostState) -> Hashable:
        return _projects(host_state)

    def request_key(self, spec: RequestSpec) -> Hashable:
        return spec.project_id

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        projects = _projects(host_state)
        if not projects or spec.project_id in projects:
            return None
        return Reason(f"is kept for project {' and '.join(sorted(projects))}, not for {spec.project_id}")


def _projects(host_state: HostState) -> frozenset[str]:
    keys = {key for aggregate in host_state.aggregates for key in aggregate.metadata if key.startswith(_PREFIX)}
    return frozenset(project for key in keys for project in split_values(host_state.aggregates, key))
