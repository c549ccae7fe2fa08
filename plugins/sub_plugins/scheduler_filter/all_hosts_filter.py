# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class AllHostsFilter(BaseHostFilter):
    """Every host (Nova's AllHostsFilter)."""

    run_filter_once_per_request = True

    def concerns(self, spec: RequestSpec) -> bool:
        return False

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        return None
