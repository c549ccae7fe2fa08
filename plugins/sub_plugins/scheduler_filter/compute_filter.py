# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class ComputeFilter(BaseHostFilter):
    """Only hosts whose service is enabled (Nova's ComputeFilter and its compute_status_filter).

    Nova also asks for a recent heartbeat. Here the audit of this very run is the heartbeat: a host that did
    not answer has no state at all, and is named as not available.
    """

    run_filter_once_per_request = True
    run_on_forced = True

    def host_key(self, host_state: HostState) -> Hashable:
        return bool(host_state.service.get("disabled")), host_state.service.get("disabled_reason")

    def request_key(self, spec: RequestSpec) -> Hashable:
        return None

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        if not host_state.service.get("disabled"):
            return None
        why = host_state.service.get("disabled_reason")
        return Reason(f"is disabled: {why}" if why else "is disabled")
