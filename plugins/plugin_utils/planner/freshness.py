# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuses a saved plan whose hosts have changed since it was made."""

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import PlanOutdated
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import HostMark, Plan

from .observation import Observation


def check_plan(plan: Plan, observation: Observation) -> None:
    """Hold the plan against the hosts as they are now.

    Raises:
        PlanOutdated: A host changed, fell silent, or came up; each is named.
    """
    changes = [
        change
        for host in sorted({*plan.hosts, *plan.unreachable, *observation.reports, *observation.unreachable})
        if (change := _change(host, plan, observation))
    ]
    if changes:
        raise PlanOutdated(
            f"The plan was made at {plan.created_at} and is outdated: {'; '.join(changes)}.",
            "Nothing was done. Make a new plan.",
            changes=changes,
        )


def _change(host: str, plan: Plan, observation: Observation) -> str:
    mark, report = plan.hosts.get(host), observation.reports.get(host)
    if mark is None and report is None:
        return ""
    if report is None:
        return f"{host} does not answer now ({observation.unreachable.get(host, 'it is not in the group any more')})"
    if mark is None:
        if host in plan.unreachable:
            return f"{host} did not answer then ({plan.unreachable[host]}), and does now"
        return f"{host} is new"
    now = HostMark(report.generation, report.digest())
    if mark == now:
        return ""
    if mark.generation != now.generation:
        counted = f"its generation went from {mark.generation} to {now.generation}"
        return f"{host} was changed by another run of Novella: {counted}"
    return f"{host} was changed with other tools: domains, their power or the host's size differ"
