# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState

from .server_group_soft_affinity_weigher import ServerGroupSoftAffinityWeigher


class ServerGroupSoftAntiAffinityWeigher(ServerGroupSoftAffinityWeigher):
    """Fewer members of a soft-anti-affinity group are better (Nova's weigher of that name).

    With a `soft_anti_affinity_weight_multiplier` of 1 it is as strong as any other weigher; it decides where it must
    only if it is raised.
    """

    policy = "soft-anti-affinity"
    multiplier_option = "soft_anti_affinity_weight_multiplier"

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        return -super().weigh_object(host_state, spec)

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        members = super().raw(columns, spec)
        return None if members is None else -members
