# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.hints import list_hint
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class DifferentHostFilter(BaseHostFilter):
    """Only hosts that have none of certain instances (Nova's DifferentHostFilter).

    The scheduler hint ``different_host`` names them: an instance's uuid, or several. One that is nowhere is no
    hindrance.
    """

    run_filter_once_per_request = True

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(list_hint(spec, "different_host"))

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        return ~columns.only(columns.homes(list_hint(spec, "different_host")))

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        here = [uuid for uuid in list_hint(spec, "different_host") if uuid in host_state.instances]
        if not here:
            return None
        return Reason(f"has {' and '.join(here)}, whose host is to be another")
