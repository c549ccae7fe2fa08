# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Mask
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class RetryFilter(BaseHostFilter):
    """No host, with that node, where the request was tried before (Nova's RetryFilter)."""

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(spec.retry_hosts)

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        rows = columns.rows_of(host for host, _node in _tried(spec))
        return ~columns.only(row for row in rows if self.refusal(columns.states[row], spec))

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        if (host_state.host, host_state.nodename) in _tried(spec):
            return Reason("was tried before")
        return None


def _tried(spec: RequestSpec) -> list[tuple[str, str]]:
    for pair in spec.retry_hosts:
        if len(pair) != 2:
            raise InvalidInput(f"retry_hosts holds {pair!r:.60}, which is no pair of a host and its node.")
    return [(pair[0], pair[1]) for pair in spec.retry_hosts]
