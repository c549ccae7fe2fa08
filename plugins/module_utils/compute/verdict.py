# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What judgement says of one instance: what is to be done, and what is left alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Optional

from ..objects.plan import Action, Finding
from .wanted import Sighting, WantedInstance

# What a user may consent to.
RESTART, REBUILD, DRIFT = "restart", "rebuild", "drift"
# The kinds of findings about what waits for consent, and about what somebody has changed outside Novella.
CONSENT = "consent"


@dataclass
class Verdict:
    """What one instance needs, and what of it the plan leaves alone."""

    actions: list[Action] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def make_action(
    operation: str, wanted: WantedInstance, sighting: Sighting, reason: str, impact: Optional[str] = None
) -> Action:
    """Return an action on an instance where it is."""
    action = Action(operation, wanted.uuid, wanted.spec.name, sighting.host, reason, impact)
    return action.but(generation=sighting.instance.generation)


def refuse(wanted: WantedInstance, sighting: Sighting, reason: str) -> Finding:
    """Return what cannot be done."""
    return Finding("unsupported", wanted.uuid, wanted.spec.name, reason, sighting.host, fatal=True)


def await_consent(wanted: WantedInstance, sighting: Sighting, reason: str) -> Finding:
    """Return what is not done before somebody consents to it."""
    return Finding(CONSENT, wanted.uuid, wanted.spec.name, reason, sighting.host, fatal=True)


def find_drift(wanted: WantedInstance, sighting: Sighting, reason: str) -> Finding:
    """Return what somebody has changed, and what is left so."""
    return Finding(DRIFT, wanted.uuid, wanted.spec.name, reason, sighting.host)


def how_to_allow(*kinds: str) -> str:
    """Return how to consent to what takes these, for people. A fleet may `allow` it as well."""
    return f"Say consent={','.join(kinds)} to have it done"


def consented(wanted: WantedInstance, consent: Collection[str]) -> set[str]:
    """Return what may be done to an instance: what this run says, and what the fleet does."""
    return {*consent, *wanted.allow}
