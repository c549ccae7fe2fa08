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
from .images import list_transfers
from .observation import Observation

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
    contests: int = 0,
    contested: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """Return the part of the result that each attempt has anew.

    Args:
        claims: What to ask the hosts for before anything is built.
        asked: The hosts that were asked in earlier attempts.
        contests: How many of those another run was in the way of.
        contested: What another run is about to make, as it seems; see `awaited`.
    """
    requests, contested = claims or {}, contested or {}
    return {
        "changed": bool(plan.actions),
        "plan": plan.as_document(),
        "slices": _slices(plan),
        "images": list_transfers(plan),
        "attempt": attempt,
        "remaining": bool(plan.actions or contested),
        "tried": tried,
        "failures": [failure.as_dict() for failure in failures],
        "claims": {host: request.as_dict() for host, request in requests.items()},
        "asked": sorted({*asked, *requests}),
        "refused": [],
        "contested": dict(contested),
        "contests": contests,
        "releases": {},
        "fell_silent": [],
        "back_off": _back_off(_LONG_WAIT) if contested else 0,
        "memory": {},
        "silent": [],
        "over": {},
    }


def awaited(plan: Plan, observation: Observation) -> dict[str, dict[str, str]]:
    """Return, by uuid, the name of what another run has claimed room for, and the reason why it is left to it.

    That run may give it up again, so there is no telling yet.
    """
    claimed = {item.uuid for report in observation.reports.values() for item in report.in_progress if item.run}
    left = [finding for finding in plan.findings if finding.kind == "busy" and finding.uuid in claimed]
    return {finding.uuid: {"name": finding.name, "reason": f"it {finding.reason}"} for finding in left}


def describe_settled(
    settlement: Settlement, names: Mapping[str, str], contested: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Return what changes in the result once the claims are settled.

    Args:
        names: Of the instances, by uuid.
        contested: What was so before.
    """
    contested = {
        **contested,
        **{uuid: {"name": names[uuid], "reason": why} for uuid, why in settlement.contested.items()},
    }
    wait = _LONG_WAIT if settlement.gives_way else _SHORT_WAIT
    return {
        "changed": bool(settlement.plan.actions),
        "plan": settlement.plan.as_document(),
        "slices": _slices(settlement.plan),
        "refused": [failure.as_dict() for failure in settlement.refused],
        "contested": contested,
        "releases": {host: request.as_dict() for host, request in settlement.releases.items()},
        "fell_silent": settlement.fell_silent,
        "back_off": _back_off(wait) if contested else 0,
    }


def _back_off(seconds: float) -> float:
    """Return how long to wait for another run. Two runs that wait equally long would meet again."""
    return round(seconds + random.SystemRandom().uniform(0, seconds), 1)


def _slices(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    slices: dict[str, list[dict[str, Any]]] = {}
    for action in plan.actions:
        slices.setdefault(action.host, []).append(action.as_dict(sparse=True))
    return slices
