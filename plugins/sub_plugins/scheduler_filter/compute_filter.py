# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Service
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class ComputeFilter(BaseHostFilter):
    """Only hosts that are enabled and not in maintenance (Nova's ComputeFilter and its compute_status_filter).

    Nova also asks for a recent heartbeat. Here the audit of this very run is the heartbeat: a host that did
    not answer has no state at all, and is named as not available.
    """

    run_filter_once_per_request = True
    run_on_forced = True

    def host_key(self, host_state: HostState) -> Hashable:
        return tuple(host_state.service.get(key) for key in ("disabled", "disabled_reason", "maintenance"))

    def request_key(self, spec: RequestSpec) -> Hashable:
        return None

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        refusal = Service.from_dict(host_state.service).refusal
        return None if refusal is None else Reason(refusal)
