# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class TypeAffinityFilter(BaseHostFilter):
    """Only hosts that have no instance of any other flavor (Nova's TypeAffinityFilter)."""

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        others = {instance.spec.flavor.name for instance in host_state.instances.values()} - {spec.flavor.name}
        if not others:
            return None
        return Reason(f"has instances of {' and '.join(sorted(others))}, not only of {spec.flavor.name}")
