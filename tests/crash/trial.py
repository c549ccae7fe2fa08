# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is held against a host after a death: that one further run makes it as if nobody had died."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, Callable

from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import observe
from ansible_collections.novella.compute.plugins.plugin_utils.planner.planner import make_plan
from crash.scenarios import Scenario
from crash.traces import Traces, essence
from crash.victim import VictimHost

WHEN = "2026-11-21T10:00:00.000000Z"


class Trial:
    """One scenario, and what comes of it where nobody dies.

    Args:
        scenario: It.
        ready: Makes a host in the state before the operation, and removes it.
    """

    def __init__(self, scenario: Scenario, ready: Callable[[], AbstractContextManager[VictimHost]]) -> None:
        self.scenario = scenario
        self.ready = ready

    @cached_property
    def moments(self) -> int:
        """How many moments the operation's run has."""
        with self.ready() as host:
            return host.kill(0, [self.scenario.action]).moments

    @cached_property
    def reference(self) -> tuple[dict[str, Any], dict[str, int]]:
        """What a run leaves that nobody kills: the host's state, and the rows that name the instance."""
        with self.ready() as host:
            expect_done(host, self.scenario)
            return essence(host.audit()), Traces(host.state).of(self.scenario.action.uuid)

    @cached_property
    def is_planned(self) -> bool:
        """Whether it is what a plan for the fleet would do. Else whoever asked for it asks again."""
        with self.ready() as host:
            plan = plan_for(self.scenario.fleet, host.audit())
        return [action.operation for action in plan.actions] == [self.scenario.operation]

    def rehearse(self) -> None:
        """Find out what comes of it where nobody dies, before a host is at work that is the only one."""
        for found in (self.moments, self.reference, self.is_planned):
            assert found is not None

    def check(self, host: VictimHost, told: str) -> None:
        """Recover, converge, and compare with a run that nobody killed.

        Args:
            host: With what a death has left.
            told: The death, for messages.
        """
        traces, uuid = Traces(host.state), self.scenario.action.uuid
        in_flight = traces.operations()
        document = host.audit()
        assert traces.in_flight() == {}, f"{told}: recovery left {traces.in_flight()}"
        assert traces.unfinished() == [], f"{told}: recovery left {traces.unfinished()}"
        states = [seen["instance"].get("task_state") for seen in document.get("instances", [])]
        assert not any(states), f"{told}: task_state stays {states}"
        if in_flight:
            assert traces.tells_of_death(uuid), f"{told}: the history does not tell of it"
        again = host.audit()
        assert _steady(document) == _steady(again), f"{told}: a second audit differs"
        if self.is_planned:
            document = converge(host, self.scenario.fleet, told)
        elif essence(document) != self.reference[0]:
            results = host.reconcile([self.scenario.action])
            assert [item["status"] for item in results] == ["done"], f"{told}: not to be repeated: {results}"
            document = host.audit()
        assert essence(document) == self.reference[0], f"{told}: the host is not as after a run that lived"
        assert traces.of(uuid) == self.reference[1], f"{told}: something is left, or lacking"
        assert traces.in_flight() == {}, f"{told}: {traces.in_flight()} is left"


def expect_done(host: VictimHost, scenario: Scenario) -> None:
    """Do the scenario's operation where nobody dies."""
    results = host.reconcile([scenario.action])
    assert [item["status"] for item in results] == ["done"], (
        f"{scenario} cannot be tried: {results[0].get('error')}. Say what it needs in tests/crash/scenarios.py "
        "(ARGUMENTS, OPTIONS)."
    )


def plan_for(fleet: Fleet, document: Mapping[str, Any]) -> Plan:
    """Plan for a fleet of one host; what the fleet does not declare is pruned."""
    name = document["compute_node"]["host"]
    return make_plan(fleet, observe({name: document}, {}), created_at=WHEN, prune=True)


def converge(host: VictimHost, fleet: Fleet, told: str = "") -> dict[str, Any]:
    """Apply a fleet, as a playbook does, and see that a second run would change nothing. Return the host document."""
    plan = plan_for(fleet, host.audit())
    results = host.reconcile(plan.actions)
    assert all(item["status"] == "done" for item in results), f"{told}: the next apply fails: {results}"
    document = host.audit()
    second = plan_for(fleet, document)
    assert second.actions == second.findings == second.unplaced == [], f"{told}: a second apply is not quiet: {second}"
    return document


def _steady(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must not differ between two audits: all but the time, and what other programs write to the disk."""
    passing = ("updated_at", "disk_available_least")
    node = {key: value for key, value in document["compute_node"].items() if key not in passing}
    return {**document, "compute_node": node}
