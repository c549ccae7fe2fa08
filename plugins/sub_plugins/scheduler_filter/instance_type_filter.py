# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class InstanceTypeFilter(BaseHostFilter):
    """Only enabled hosts with the flavor's memory left and every one of its extra specs (Nova's of the Diablo release).

    Each extra spec must equal, as text, the capability of the same name: one of the host's stats, a label, or a plain
    attribute of the host state such as `hypervisor_type`. There are no operators and no scopes, so any extra
    spec that is not meant for it leaves no valid host, as in Nova; RamFilter, ComputeFilter and
    ComputeCapabilitiesFilter took its place.
    """

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        missing = spec.flavor.memory_mb + host_state.instance_overhead_memory_mb - host_state.free_ram_mb
        if missing > 0:
            detail = f"{host_state.free_ram_mb} MB free"
            return Reason(f"lacks {missing} MB of memory", detail, missing / spec.flavor.memory_mb)
        if host_state.service.get("disabled"):
            return Reason("is disabled")
        if host_state.service.get("maintenance"):
            return Reason("is in maintenance")
        for key, wanted in spec.flavor.extra_specs.items():
            found = _capability(host_state, key)
            if found is None:
                return Reason(f"has no capability {key}")
            if str(found) != wanted:
                return Reason(f"has {key} {found}, not {wanted}")
        return None


def _capability(host_state: HostState, name: str) -> Any:
    for place in (host_state.stats, host_state.labels, vars(host_state)):
        if name in place:
            return place[name]
    return None
