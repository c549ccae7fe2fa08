# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Mask, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_facts import CHANGING
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.predicate import (
    AllOf,
    Comparison,
    Not,
    Predicate,
)
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.predicate_reader import read_where

# What NumPy compares for all hosts at once.
_AT_ONCE = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}


class WhereFilter(BaseHostFilter):
    """Only hosts of which every predicate of the request's `where` holds. Novella's own; Nova has JsonFilter.

    A host without the key that a predicate names does not match, and neither does it match the opposite.
    """

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(spec.where)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        if not spec.where:
            return None
        predicate = read_where(spec.where)
        if predicate.holds(host_state):
            return None
        against = sum(not part.holds(host_state) for part in predicate.parts)
        return Reason(predicate.complaint(host_state), margin=against / len(predicate.parts))

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        holds, _fails = _masks(columns, read_where(spec.where))
        return holds


def _masks(columns: HostColumns, predicate: Predicate) -> tuple[Mask, Mask]:
    """Return of which hosts a predicate holds, and of which it does not."""
    if isinstance(predicate, Not):
        holds, fails = _masks(columns, predicate.part)
        return fails, holds
    if isinstance(predicate, Comparison):
        if predicate.key.name in CHANGING and predicate.operator in _AT_ONCE:
            compare = getattr(np, _AT_ONCE[predicate.operator])
            matching: Mask = compare(columns[predicate.key.name], predicate.value)
            return matching, ~matching
        if predicate.key.name in CHANGING:
            return _ask(predicate, columns.states)
        # To Python 1 and True are equal; here they are not, so the text is the key.
        found: tuple[Mask, Mask] = columns.derived(("where", repr(predicate)), lambda states: _ask(predicate, states))
        return found
    holds, fails = _masks(columns, predicate.parts[0])
    for part in predicate.parts[1:]:
        more_hold, more_fail = _masks(columns, part)
        if isinstance(predicate, AllOf):
            holds, fails = holds & more_hold, fails | more_fail
        else:
            holds, fails = holds | more_hold, fails & more_fail
    return holds, fails


def _ask(predicate: Comparison, states: Sequence[HostState]) -> tuple[Mask, Mask]:
    verdicts = [predicate.holds(state) for state in states]
    return (
        np.array([verdict is True for verdict in verdicts], dtype=np.bool_),
        np.array([verdict is False for verdict in verdicts], dtype=np.bool_),
    )
