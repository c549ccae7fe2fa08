# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts will hold once a plan is carried out."""

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.compute.run_states import POWER_OF
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, ObservedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan

from .forecast import forecast
from .observation import Observation

# By operation.
POWER = {
    **dict.fromkeys(("start", "unpause", "resume", "unshelve"), "running"),
    **dict.fromkeys(("stop", "soft_delete", "shelve"), "shutdown"),
    "pause": "paused",
    "suspend": "suspended",
}


def foresee(observation: Observation, plan: Plan) -> Observation:
    """Return the observation that an audit would make after the plan was carried out without a failure."""
    leaving = {action.uuid for action in plan.actions if action.operation == "delete"}
    coming: dict[str, list[Instance]] = {}
    powers: dict[str, str] = {}
    for action in plan.actions:
        if action.operation == "create" and action.spec is not None:
            vm_state = action.vm_state or "active"
            coming.setdefault(action.host, []).append(
                Instance(action.uuid, action.spec, vm_state=vm_state, host=action.host)
            )
            powers[action.uuid] = POWER_OF[vm_state]
        elif action.operation == "restore":
            powers[action.uuid] = "shutdown" if action.vm_state == "stopped" else "running"
        elif action.operation in POWER:
            powers[action.uuid] = POWER[action.operation]
    reports = {
        report.host: report.but(instances=[_switch(seen, powers) for seen in report.instances])
        for report in forecast(observation.reports, leaving, coming, {})
    }
    return Observation(reports, observation.unreachable)


def _switch(seen: ObservedInstance, powers: dict[str, str]) -> ObservedInstance:
    power = powers.get(seen.instance.uuid)
    return seen if power is None else seen.but(power_state=power)
