# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import ClassVar, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class ServerGroupAffinityFilter(BaseHostFilter):
    """Members of an affinity group go where the group is (Nova's filter of that name).

    The first member may go anywhere.
    """

    policy: ClassVar[str] = "affinity"

    def concerns(self, spec: RequestSpec) -> bool:
        return spec.instance_group is not None and spec.instance_group.policy == self.policy

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        group = spec.instance_group
        if group is None or not group.hosts:
            return columns.all()
        return columns.only(columns.rows_of(group.hosts))

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        group = spec.instance_group
        if group is None or group.policy != self.policy or not group.hosts or host_state.host in group.hosts:
            return None
        remedy = f"group {group.name} is soft-affinity" if self.policy == "affinity" else ""
        return Reason(f"is not where group {group.name} is, {' and '.join(group.hosts)}", remedy=remedy)
