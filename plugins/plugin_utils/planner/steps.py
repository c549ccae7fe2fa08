# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the plan action hands to the playbooks: who does what now, and what is known for the next step."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan

from .attempts import Failure
from .claims import ClaimRequest, Settlement

# What goes unchanged from the first attempt to the last.
CARRIED = ("summary", "max_attempts", "availability_zones", "run", "generations")
# Seconds that a run waits for another one to take what both want, or to give way.
_SHORT_WAIT, _LONG_WAIT = 1.0, 3.0


def describe(
    plan: Plan,
    failures: Sequence[Failure],
    attempt: int,
    tried: Mapping[str, Sequence[str]],
    claims: Mapping[str, ClaimRequest] | None = None,
    asked: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the part of the result that each attempt has anew.

    Args:
        claims: What to ask the hosts for before anything is built.
        asked: The hosts that were asked in earlier attempts.
    """
    requests = claims or {}
    return {
        "changed": bool(plan.actions),
        "plan": plan.as_document(),
        "slices": _slices(plan),
        "attempt": attempt,
        "remaining": bool(plan.actions),
        "tried": tried,
        "failures": [failure.as_dict() for failure in failures],
        "claims": {host: request.as_dict() for host, request in requests.items()},
        "asked": sorted({*asked, *requests}),
        "refused": [],
        "contested": {},
        "releases": {},
        "fell_silent": [],
        "back_off": 0,
        "memory": {},
        "silent": [],
        "over": {},
    }


def describe_settled(settlement: Settlement, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what changes in the result once the claims are settled.

    Args:
        names: Of the instances, by uuid.
    """
    back_off = 0.0
    if settlement.contested:
        wait = _LONG_WAIT if settlement.gives_way else _SHORT_WAIT
        # Two runs that wait equally long would meet again.
        back_off = wait + random.SystemRandom().uniform(0, wait)
    return {
        "changed": bool(settlement.plan.actions),
        "plan": settlement.plan.as_document(),
        "slices": _slices(settlement.plan),
        "refused": [failure.as_dict() for failure in settlement.refused],
        "contested": {uuid: {"name": names[uuid], "reason": why} for uuid, why in settlement.contested.items()},
        "releases": {host: [wish.as_dict() for wish in wishes] for host, wishes in settlement.releases.items()},
        "fell_silent": settlement.fell_silent,
        "back_off": round(back_off, 1),
    }


def _slices(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    slices: dict[str, list[dict[str, Any]]] = {}
    for action in plan.actions:
        slices.setdefault(action.host, []).append(action.as_dict(sparse=True))
    return slices
