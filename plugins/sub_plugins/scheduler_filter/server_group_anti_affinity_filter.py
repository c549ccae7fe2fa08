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


class ServerGroupAntiAffinityFilter(BaseHostFilter):
    """At most `max_server_per_host` members of an anti-affinity group on a host (Nova's filter of that name).

    A host that already has the very instance passes.
    """

    def concerns(self, spec: RequestSpec) -> bool:
        return spec.instance_group is not None and spec.instance_group.policy == "anti-affinity"

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        group = spec.instance_group
        if group is None:
            return None
        own = columns.homes([spec.instance_uuid])
        taken = columns.homes(group.members)
        full = [row for row, here in taken.items() if here >= group.max_server_per_host and row not in own]
        return ~columns.only(full)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        group = spec.instance_group
        if group is None or group.policy != "anti-affinity" or spec.instance_uuid in host_state.instances:
            return None
        here = len(host_state.instances.keys() & group.members)
        if here < group.max_server_per_host:
            return None
        return Reason(
            f"already has {here} of at most {group.max_server_per_host} members of group {group.name}",
            remedy=f"anti-affinity of group {group.name} allows {here + 1} per host",
        )
