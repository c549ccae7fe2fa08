# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class GroupAntiAffinityFilter(BaseHostFilter):
    """No host where a group of policy `legacy` already is (Nova's filter of that name, before policies)."""

    def concerns(self, spec: RequestSpec) -> bool:
        return spec.instance_group is not None and spec.instance_group.policy == "legacy"

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        group = spec.instance_group
        return None if group is None else ~columns.only(columns.rows_of(group.hosts))

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        group = spec.instance_group
        if group is None or group.policy != "legacy" or host_state.host not in group.hosts:
            return None
        return Reason(f"already has a member of group {group.name}")
