# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done about a guest whose power is not as its record says (Nova's _sync_instance_power_state).

Nova's table, as far as there are its states here. Where it does nothing, nothing is done under any policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .states import ACTIVE, DELETED, PAUSED, RESCUED, SOFT_DELETE, STOPPED

ENFORCE, OBSERVE, RESTART = POLICIES = ("enforce", "observe", "restart")

NO_STATE, RUNNING, SUSPENDED = "nostate", "running", "suspended"
OFF = ("shutdown", "crashed")


@dataclass(frozen=True)
class PowerDecision:
    """What to do about one instance.

    Args:
        operation: The operation to perform, or None.
        vm_state: For ``update``, what the record is to say.
        reason: Why.
        is_warning: It is nothing that can be done here; a person should look at it.
    """

    operation: Optional[str] = None
    vm_state: Optional[str] = None
    reason: str = ""
    is_warning: bool = False


NOTHING = PowerDecision()


def decide(vm_state: str, task_state: Optional[str], power_state: str, policy: str) -> PowerDecision:
    """Decide about one instance.

    Args:
        vm_state, task_state: Of the record.
        power_state: What the hypervisor says.
        policy: ``enforce``: Nova's table. ``observe``: the record is corrected and no guest's power is touched.
            ``restart``: Nova's table, but a guest that stopped by itself is started again.
    """
    if task_state is not None:
        return NOTHING
    states = f"(vm_state {vm_state}, power_state {power_state})"
    if vm_state == ACTIVE:
        return _decide_active(power_state, policy, states)
    # Memory that somebody has saved uses no power. Stopping would change nothing, and a start goes on from it.
    if vm_state == STOPPED and power_state not in (NO_STATE, SUSPENDED, *OFF):
        return _decide_stopped(power_state, policy, states)
    if vm_state == PAUSED and power_state in OFF:
        # Nova forces a stop; there is nothing left to be stopped.
        return PowerDecision("update", STOPPED, f"was paused, and is off {states}")
    if vm_state == RESCUED and power_state in OFF:
        return PowerDecision(reason=f"is rescued, and off {states}; unrescue it", is_warning=True)
    # One that was suspended when it was deleted keeps its memory, as it keeps its disks.
    quiet = (NO_STATE, "shutdown", SUSPENDED) if vm_state == SOFT_DELETE else (NO_STATE, "shutdown")
    if vm_state in (SOFT_DELETE, DELETED) and power_state not in quiet:
        return PowerDecision(reason=f"is {vm_state}, and not off {states}; restore it or stop it", is_warning=True)
    return NOTHING


def _decide_active(power_state: str, policy: str, states: str) -> PowerDecision:
    if power_state in OFF:
        verb = "has crashed" if power_state == "crashed" else "was stopped outside Novella"
        if policy == RESTART:
            return PowerDecision("start", reason=f"{verb} {states}")
        if policy == OBSERVE:
            return PowerDecision("update", STOPPED, f"{verb}; the record is corrected {states}")
        return PowerDecision("stop", reason=f"{verb}, and counts as stopped from now on {states}")
    if power_state == SUSPENDED and policy == ENFORCE:
        return PowerDecision("stop", reason=f"has suspended itself {states}")
    if power_state == SUSPENDED:
        return PowerDecision(reason=f"has suspended itself {states}; wake it up or stop it", is_warning=True)
    if power_state == NO_STATE:
        return PowerDecision(reason=f"is in no state that the hypervisor knows {states}", is_warning=True)
    return NOTHING


def _decide_stopped(power_state: str, policy: str, states: str) -> PowerDecision:
    if policy != OBSERVE:
        return PowerDecision("stop", reason=f"was started outside Novella {states}")
    if power_state == RUNNING:
        return PowerDecision("update", ACTIVE, f"was started outside Novella; the record is corrected {states}")
    return PowerDecision(reason=f"is {power_state} and counts as stopped {states}", is_warning=True)
