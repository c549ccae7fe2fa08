# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a request went where it went, or nowhere."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .arrays import Mask, np
from .columns import HostColumns
from .filtering import Trace, passing
from .filters import BaseHostFilter
from .host_state import HostState

# A sentence names no more hosts than that.
_NAMED = 10
# Filters that cannot measure all hosts at once are asked about so many of the nearest.
_ASKED = 100


def nearest_miss(
    columns: HostColumns, among: Mask, spec: RequestSpec, filters: Sequence[BaseHostFilter]
) -> Optional[str]:
    """Return what the smallest single change would have to mend: ``kvm2 lacks 512 MB of memory``, or ``kvm2 already
    has 1 of at most 1 members of group web, unless anti-affinity of group web allows 2 per host``.

    All filters are asked about each host. The host that the fewest refuse is named, and among equals the one
    that is refused by the smallest margin.

    Args:
        among: The candidates, all of which were refused.
    """
    against = np.zeros(len(columns))
    margin = np.zeros(len(columns))
    sane = among.copy()
    unmeasured: list[tuple[BaseHostFilter, Mask]] = []
    for item in filters:
        try:
            fails, lacking = ~passing(item, columns, among, spec), item.shortage(columns, spec)
        # No host was left for it, so it was not asked before: it has nothing against any.
        except InvalidInput:
            continue
        # Here filters also see hosts that an earlier one keeps from them, and a user's may not be made for that.
        except Exception:
            fails, broken = _one_by_one(item, columns, among, spec)
            sane, lacking = sane & ~broken, None
        against += fails
        if lacking is None:
            unmeasured.append((item, fails))
        else:
            margin += np.where(fails, lacking, 0.0)
    candidates = np.flatnonzero(sane & (against > 0))
    if not len(candidates):
        return None
    fewest = candidates[against[candidates] == against[candidates].min()]
    for item, fails in unmeasured:
        margin[fewest[_ASKED:]] += np.where(fails[fewest[_ASKED:]], np.inf, 0.0)
        for row in map(int, fewest[:_ASKED]):
            margin[row] += _margin(item, columns, columns.states[row], spec) if fails[row] else 0.0
    state = columns.states[int(fewest[np.argmin(margin[fewest])])]
    return f"{state.host} {' and '.join(_reasons(columns, state, spec, filters))}"


def _one_by_one(item: BaseHostFilter, columns: HostColumns, among: Mask, spec: RequestSpec) -> tuple[Mask, Mask]:
    """Return which hosts a filter refuses, and on which it breaks."""
    refused, broken = [], []
    for row in map(int, np.flatnonzero(among)):
        try:
            if not item.host_passes(columns.states[row], spec):
                refused.append(row)
        except Exception:
            broken.append(row)
    return columns.only(refused), columns.only(broken)


def _margin(item: BaseHostFilter, columns: HostColumns, state: HostState, spec: RequestSpec) -> float:
    with contextlib.suppress(Exception):
        if (why := item.refusal_among(columns, state, spec)) is not None:
            return why.margin
    return math.inf


def _reasons(columns: HostColumns, state: HostState, spec: RequestSpec, filters: Sequence[BaseHostFilter]) -> list[str]:
    reasons = []
    for item in filters:
        with contextlib.suppress(Exception):
            if item.concerns(spec) and (why := item.refusal_among(columns, state, spec)) is not None:
                reasons.append(f"{why.text}, unless {why.remedy}" if why.remedy else why.text)
    return reasons


def no_valid_host(
    spec: RequestSpec, total: int, trace: Trace, unavailable: Mapping[str, str], nearest: Optional[str]
) -> str:
    """Return the sentence that says why no host is valid.

    Args:
        total: How many hosts there are to choose from.
        unavailable: Hosts of which nothing is known, each with the reason.
        nearest: What `nearest_miss` returned.
    """
    parts = [f"No valid host for {spec.name} ({spec.flavor.name}): 0 of {total} host{'s' * (total != 1)} fit."]
    counts = [(step.before - step.after, step.name) for step in trace.funnel if step.before > step.after]
    if counts:
        counts.sort(key=lambda item: item[0], reverse=True)
        parts.append(", ".join(f"{name} refused {count}" for count, name in counts) + ".")
    if nearest:
        parts.append(f"Nearest: {nearest}.")
    elif wanted := _wanted_hosts(spec):
        parts.append(f"Only {' or '.join(wanted)} would do.")
    if unavailable:
        named = [f"{host} ({why})" for host, why in sorted(unavailable.items())]
        more = [f"{len(named) - _NAMED} more"] if len(named) > _NAMED else []
        parts.append(f"Not available: {', '.join(named[:_NAMED] + more)}.")
    return " ".join(parts)


def _wanted_hosts(spec: RequestSpec) -> list[str]:
    destination = spec.requested_destination
    return [destination.host] if destination and destination.host else spec.force_hosts
