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


class SameHostFilter(BaseHostFilter):
    """Only hosts that have one of certain instances (Nova's SameHostFilter).

    The scheduler hint ``same_host`` names them: an instance's uuid, or several. Where all of them are nowhere, no host
    will do.
    """

    run_filter_once_per_request = True

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(list_hint(spec, "same_host"))

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        return columns.only(columns.homes(list_hint(spec, "same_host")))

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted = list_hint(spec, "same_host")
        if not wanted or any(uuid in host_state.instances for uuid in wanted):
            return None
        return Reason(f"does not have {' or '.join(wanted)}, whose host is wanted")
