# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is tried again, and what is not."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import HostAnswer
from ansible_collections.novella.compute.plugins.plugin_utils.planner.attempts import (
    close_attempt,
    failures_of_plan,
    settle,
)


@pytest.fixture
def fleet(kit):
    return kit.fleet(instances={"web": kit.web(count=2)})


@pytest.fixture
def plan(kit, fleet):
    return kit.plan(fleet, kit.observation(kit.report("kvm1"), kit.report("kvm2")))


@pytest.fixture
def previous(plan):
    return {
        "plan": plan.as_document(),
        "attempt": 1,
        "tried": {},
        "failures": [],
        "max_attempts": 3,
        "refused": [],
        "contested": {},
        "contests": 0,
    }


@pytest.fixture
def answer(plan):
    """Let a host say how its slice went: one status or error code for each of its actions."""

    def make(host, outcome, attempt=1):
        results = []
        for action in plan.actions_on(host):
            result = {"uuid": action.uuid, "name": action.name, "operation": action.operation, "status": outcome}
            if outcome not in ("done", "planned"):
                error = {"code": outcome, "message": f"{outcome} happened.", "remedy": "Mend it."}
                result.update(status="failed", error=error)
            results.append(result)
        return HostAnswer(host, {}, "", {"attempt": attempt, "results": results})

    return make


def test_nothing_failed_where_all_was_done(previous, answer):
    stock = close_attempt(previous, [answer("kvm1", "done"), answer("kvm2", "planned")])
    assert (stock.attempt, stock.failures, stock.retry) == (2, [], [])


@pytest.mark.parametrize(
    "code", ["ComputeResourcesUnavailable", "HypervisorError", "DeadlineExceeded", "InstanceExists"]
)
def test_the_faults_of_a_host_are_tried_on_another(previous, answer, code):
    stock = close_attempt(previous, [answer("kvm1", code), answer("kvm2", "done")])
    assert [(failure.name, failure.host) for failure in stock.retry] == [("web-1", "kvm1")]
    assert stock.tried_again == {stock.retry[0].uuid: ["kvm1"]}
    assert stock.failures == []


@pytest.mark.parametrize("code", ["ImageUnacceptable", "InvalidInput", "NotSupported", "InstanceLocked"])
def test_what_another_host_would_refuse_too_is_not_tried_again(previous, answer, code):
    stock = close_attempt(previous, [answer("kvm1", code), answer("kvm2", "done")])
    assert stock.retry == []
    assert [failure.as_dict() for failure in stock.failures] == [
        {
            "uuid": stock.failures[0].uuid,
            "name": "web-1",
            "operation": "create",
            "code": code,
            "message": f"{code} happened. Mend it.",
            "host": "kvm1",
            "is_certain": True,
        }
    ]


@pytest.mark.parametrize(
    "outcome",
    [
        {"unreachable": True, "msg": "Connection reset"},
        {"failed": True, "msg": "Connection reset", "code": "DeadlineExceeded", "attempt": 1},
    ],
)
def test_a_host_that_falls_silent_leaves_it_open_and_nothing_is_tried_elsewhere(previous, answer, outcome):
    stock = close_attempt(previous, [HostAnswer("kvm1", None, "gone", outcome), answer("kvm2", "done")])
    assert stock.retry == []
    assert stock.failures[0].message == "It is not known whether it was done: Connection reset."
    assert not stock.failures[0].is_certain


def test_the_results_of_another_attempt_are_not_looked_at(previous, answer):
    stock = close_attempt(previous, [answer("kvm1", "done", attempt=7), answer("kvm2", "done")])
    assert stock.failures[0].message == "The host took no part in the reconcile."


def test_attempts_come_to_an_end(previous, plan, answer):
    uuid = plan.actions_on("kvm1")[0].uuid
    last = {**previous, "attempt": 3, "tried": {uuid: ["kvm8", "kvm9"]}}
    stock = close_attempt(last, [answer("kvm1", "HypervisorError", attempt=3), answer("kvm2", "done", attempt=3)])
    assert stock.retry == []
    assert [failure.code for failure in stock.failures] == ["HypervisorError"]


def test_what_another_run_was_faster_with_takes_no_attempt_from_an_instance(previous, plan, answer):
    action = plan.actions_on("kvm1")[0]
    others = {action.uuid: {"name": action.name, "reason": "another run holds it"}}
    left = {**previous, "plan": plan.but(actions=[]).as_document(), "contested": others}
    stock = close_attempt({**left, "attempt": 9, "contests": 8}, [])
    assert (stock.contested, stock.contests, stock.failures) == ([action.uuid], 9, [])
    stock = close_attempt({**left, "attempt": 10, "contests": 9}, [])
    assert (stock.contested, [failure.code for failure in stock.failures]) == ([], ["InstanceLocked"])
    alone = close_attempt({**left, "max_attempts": 1}, [])
    assert (alone.contested, [failure.code for failure in alone.failures]) == ([], ["InstanceLocked"])


def test_hosts_that_were_tried_add_up(previous, plan, answer):
    uuid = plan.actions_on("kvm1")[0].uuid
    again = {**previous, "tried": {uuid: ["kvm9"]}}
    stock = close_attempt(again, [answer("kvm1", "HypervisorError"), answer("kvm2", "done")])
    assert stock.tried_again == {uuid: ["kvm9", "kvm1"]}


def test_what_no_other_host_can_take_has_failed_with_both_reasons(kit, fleet, previous, answer):
    stock = close_attempt(previous, [answer("kvm1", "HypervisorError"), answer("kvm2", "done")])
    hosts = kit.observation(kit.report("kvm1"), kit.report("kvm2", disabled=True))
    failure = settle(stock, kit.plan(fleet, hosts, tried=stock.tried_again))[0]
    assert failure.code == "HypervisorError"
    assert failure.message.startswith("HypervisorError happened. Mend it. No valid host for web-1 (small)")


def test_what_another_host_takes_has_not_failed(kit, fleet, previous, answer):
    stock = close_attempt(previous, [answer("kvm1", "HypervisorError"), answer("kvm2", "done")])
    hosts = kit.observation(kit.report("kvm1"), kit.report("kvm2"))
    assert settle(stock, kit.plan(fleet, hosts, tried=stock.tried_again)) == []


def test_what_a_plan_cannot_bring_about_is_a_failure(kit):
    fleet = kit.fleet(instances={"big": kit.web(flavor="huge"), "web": kit.web()})
    stateless = kit.observed(kit.find(fleet, "web"), "nostate")
    failures = failures_of_plan(kit.plan(fleet, kit.observation(kit.report("kvm1", [stateless]))))
    assert [(failure.name, failure.code) for failure in failures] == [("big", "NoValidHost"), ("web", "NotSupported")]


def test_something_else_than_a_result_of_plan_is_refused():
    with pytest.raises(InvalidInput, match="previous lacks 'plan'"):
        close_attempt({}, [])
