# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done about changes of the guest itself, in place: those declared, and those made outside Novella."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Optional

from ..objects.drift import Drift
from ..objects.instance import InstanceSpec
from ..objects.plan import FieldChange
from .comparison import Comparison, describe, show
from .impacts import IMPACTS, LIVE, NEXT_BOOT, find_row
from .impacts import RESTART as RESTARTED
from .states import ACTIVE, STOPPED
from .verdict import DRIFT, RESTART, Verdict, await_consent, find_drift, how_to_allow, make_action, refuse
from .wanted import Sighting, WantedInstance

# What a running guest can be given and relieved of; anything else of it changes at its next boot.
PLUGGED = ("disk ", "interface ")


def reconfigure(
    wanted: WantedInstance,
    sighting: Sighting,
    comparison: Comparison,
    state: Optional[str],
    consent: Collection[str],
    verdict: Verdict,
) -> InstanceSpec:
    """Add what changes the guest in place, and return the spec that it has then.

    Args:
        comparison: Its changes.
        state: What the instance is when its turn comes; one that is neither active nor stopped must wait.
        consent: What may be done.
    """
    changes, drifts = comparison.reconfigured, sighting.seen.drift
    kept = comparison.kept
    spec = comparison.reach(kept, changes)
    if changes and sighting.instance.adopted is not None:
        reason = f"{_told(changes)} cannot be: it was adopted, and keeps its own definition. Change it with virsh"
        verdict.findings.append(refuse(wanted, sighting, reason))
        changes, spec = [], kept
    elif changes and state not in (ACTIVE, STOPPED):
        reason = f"{_told(changes)} must wait: it is {state}. Run again when it is active or stopped"
        verdict.findings.append(refuse(wanted, sighting, reason))
        changes, spec = [], kept
    impact = _impact(changes, state) if changes else LIVE
    if impact == RESTARTED and RESTART not in consent:
        verb = "needs" if len(changes) == 1 else "need"
        reason = f"{_told(changes)} {verb} a restart; the instance stays as it is. {how_to_allow(RESTART)}"
        verdict.findings.append(await_consent(wanted, sighting, reason))
        changes, spec = [], kept
    if changes:
        reasons = [_told(changes)]
        if drifts:
            reasons.append(f"what was changed outside Novella is put right: {_drifted(drifts)}")
        action = make_action("reconfigure", wanted, sighting, "; ".join(reasons), impact)
        done = [*changes, *map(_as_change, drifts)]
        verdict.actions.append(action.but(diff=done, spec=spec, restart=impact == RESTARTED))
    elif drifts:
        _put_right(wanted, sighting, state, consent, verdict)
    return spec


def _put_right(
    wanted: WantedInstance, sighting: Sighting, state: Optional[str], consent: Collection[str], verdict: Verdict
) -> None:
    """Add what makes the guest as its record says, as gently as it can be done."""
    drifts = sighting.seen.drift
    restarted = [item for item in drifts if item.is_live and not item.field.startswith(PLUGGED)]
    takes_restart = bool(restarted) and state == ACTIVE
    reason = f"was changed outside Novella: {_drifted(drifts)}"
    needed = [DRIFT, RESTART] if takes_restart else [DRIFT]
    if state not in (ACTIVE, STOPPED):
        verdict.findings.append(find_drift(wanted, sighting, f"{reason}. It is {state}, and is left so"))
        return
    if DRIFT in consent and takes_restart and RESTART not in consent and len(restarted) < len(drifts):
        # What needs none is put right at once.
        left = f"was changed outside Novella: {_drifted(restarted)}. It takes a restart to put it right"
        verdict.findings.append(find_drift(wanted, sighting, f"{left}. {how_to_allow(*needed)}"))
        drifts, takes_restart = [item for item in drifts if item not in restarted], False
        reason = f"was changed outside Novella: {_drifted(drifts)}"
    elif not set(needed).issubset(consent):
        cost = ", which restarts it" if takes_restart else ""
        verdict.findings.append(
            find_drift(wanted, sighting, f"{reason}. Say consent={','.join(needed)} to put it right{cost}")
        )
        return
    impact = RESTARTED if takes_restart else LIVE
    action = make_action("reconfigure", wanted, sighting, reason, impact)
    changes = [_as_change(item) for item in drifts]
    verdict.actions.append(action.but(diff=changes, restart=takes_restart))


def _impact(changes: Sequence[FieldChange], state: Optional[str]) -> str:
    impact = max((find_row(change.field).impact for change in changes), key=IMPACTS.index)
    # One that is off has nothing to be restarted.
    return NEXT_BOOT if impact == RESTARTED and state == STOPPED else impact


def _told(changes: Sequence[FieldChange]) -> str:
    return " and ".join(map(describe, changes))


def _drifted(drifts: Sequence[Drift]) -> str:
    """Return drift as people read it: the same on a guest and in its definition is told once."""
    return ", ".join(dict.fromkeys(f"{item.field} {show(item.before)} -> {show(item.after)}" for item in drifts))


def _as_change(item: Drift) -> FieldChange:
    return FieldChange(item.field, item.after, item.before)
