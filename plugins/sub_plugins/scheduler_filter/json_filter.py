# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.hints import scheduler_hint
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.json_query import Query, read_query


class JsonFilter(BaseHostFilter):
    """Only hosts of which a query holds (Nova's JsonFilter).

    The scheduler hint ``query`` is a JSON text, or what it would hold: `json_query` says what it means. Nova: inside of
    another operator ``not`` is always true, here it negates; and a query that cannot be understood, or a variable with
    a path into something that has none, breaks the request with a traceback.
    """

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(scheduler_hint(spec, "query"))

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        query = _query(spec)
        if query.holds(host_state):
            return None
        blamed = query.failing(host_state)
        here = [f"{name} is {_shown(value)}" for name, value in blamed.variables(host_state).items()]
        return Reason(f"does not satisfy the query {blamed.text:.120}", ", ".join(here))


def _query(spec: RequestSpec) -> Query:
    hint = scheduler_hint(spec, "query") or []
    return read_query(hint if isinstance(hint, str) else json.dumps(hint))


def _shown(value: Any) -> str:
    return "unknown" if value is None else f"{value!r:.60}"
