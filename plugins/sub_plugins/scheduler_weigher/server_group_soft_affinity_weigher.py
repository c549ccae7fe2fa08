# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import ClassVar, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher


class ServerGroupSoftAffinityWeigher(BaseHostWeigher):
    """More members of a soft-affinity group are better (Nova's weigher of that name).

    With a `soft_affinity_weight_multiplier` of 1 it is as strong as any other weigher; it decides where it must only
    if it is raised.
    """

    policy: ClassVar[str] = "soft-affinity"
    multiplier_option = "soft_affinity_weight_multiplier"

    def concerns(self, spec: RequestSpec) -> bool:
        return spec.instance_group is not None and spec.instance_group.policy == self.policy

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        group = spec.instance_group
        if group is None or group.policy != self.policy:
            return 0.0
        return len(host_state.instances.keys() & set(group.members))

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        if spec.instance_group is None:
            return None
        members: Column = np.zeros(len(columns))
        for row, here in columns.homes(spec.instance_group.members).items():
            members[row] = here
        return members
