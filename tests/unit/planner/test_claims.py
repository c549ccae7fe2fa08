# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claim phase from the controller: of two runs that want one instance one goes on, and never both."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.whereabouts import Recollection, Whereabout
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import HostAnswer
from ansible_collections.novella.compute.plugins.plugin_utils.planner.claims import (
    REGISTRARS,
    registrars,
    request_claims,
    settle_claims,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.memory import memory_to_tell, remember
from hypothesis import given
from hypothesis import strategies as st

from .conftest import find, make_fleet, observation, observed, plan_for, report, web

HOSTS = [f"kvm{number}" for number in range(1, 10)]


def answers(claims: dict[str, dict], hosts: int = 3) -> list[HostAnswer]:
    """All hosts answer; those that are not named have nothing to object to."""
    names = [f"kvm{number}" for number in range(1, hosts + 1)]
    return [HostAnswer(host, {}, claim=claims.get(host, {"objections": {}, "refusals": {}})) for host in names]


def planned(count: int = 2, hosts: int = 3, **group: object):
    groups = {"server_groups": {"web": group}} if group else {}
    body = web(count=count, **({"server_group": "web"} if group else {}))
    fleet = make_fleet(instances={"web": body}, **groups)
    seen = observation(*(report(f"kvm{number}") for number in range(1, hosts + 1)))
    plan = plan_for(fleet, seen)
    return fleet, plan, request_claims(plan, seen)


def test_each_host_is_asked_for_room_for_its_own_creates_alone() -> None:
    _fleet, plan, requests = planned()
    for action in plan.actions:
        asked = [
            host for host, request in requests.items() if action.uuid in {item["uuid"] for item in request.actions}
        ]
        assert asked == [action.host]
    assert all({wish.name for wish in request.wishes} == {"web-1", "web-2"} for request in requests.values())


def test_a_single_host_needs_no_claim_beforehand() -> None:
    assert planned(hosts=1)[2] == {}


def test_what_has_a_home_is_not_asked_for() -> None:
    fleet = make_fleet(instances={"web": web()})
    seen = observation(report("kvm1", [observed(find(fleet, "web"), task_state="spawning")]), report("kvm2"))
    assert [action.operation for action in plan_for(fleet, seen).actions] == ["create"]
    assert request_claims(plan_for(fleet, seen), seen) == {}


@given(st.sets(st.sampled_from(HOSTS), min_size=6), st.sets(st.sampled_from(HOSTS), min_size=6), st.text(max_size=5))
def test_controllers_that_see_most_of_the_same_hosts_ask_a_common_one(one: set[str], other: set[str], key: str) -> None:
    assert set(registrars(key, one)) & set(registrars(key, other))
    assert len(registrars(key, one)) == REGISTRARS


def test_an_objection_of_any_host_keeps_the_instance_from_being_built() -> None:
    _fleet, plan, requests = planned()
    first = plan.actions[0]
    settled = settle_claims(plan, requests, answers({"kvm2": {"objections": {first.uuid: "another run holds it"}}}))
    assert settled.contested == {first.uuid: "another run holds it"}
    assert [action.name for action in settled.plan.actions] == ["web-2"]


def test_of_two_runs_that_meet_the_one_gives_way_whom_the_deciding_host_refused() -> None:
    _fleet, plan, requests = planned(count=1)
    uuid = plan.actions[0].uuid
    decider, *others = registrars(f"instance/{uuid}", requests)
    objects = {"objections": {uuid: "another run holds it"}}
    loser = settle_claims(plan, requests, answers({decider: objects}))
    winner = settle_claims(plan, requests, answers({others[0]: objects}))
    assert (loser.gives_way, winner.gives_way) == (True, False)
    assert {wish.uuid for unused in loser.releases.values() for wish in unused.wishes} == {uuid}
    # It keeps the name, and has no more room than it needs when it plans again.
    assert [(host, unused.wishes) for host, unused in winner.releases.items()] == [(plan.actions[0].host, [])]
    assert loser.plan.actions == winner.plan.actions == []


def test_of_two_runs_that_want_one_group_the_host_that_keeps_the_group_decides() -> None:
    _fleet, plan, requests = planned(policy="affinity")
    [key] = {key for request in requests.values() for wish in request.wishes for key in wish.groups}
    decider, *others = registrars(key, requests)
    objects = {"objections": {action.uuid: "group web: another run holds it" for action in plan.actions}}
    assert settle_claims(plan, requests, answers({decider: objects})).gives_way
    assert not settle_claims(plan, requests, answers(dict.fromkeys(others, objects))).gives_way


def test_a_group_is_kept_for_the_members_that_are_built_when_another_member_is_given_up() -> None:
    _fleet, plan, requests = planned(policy="affinity")
    first = plan.actions[0].uuid
    objects = {"objections": {first: "another run holds it"}}
    settled = settle_claims(plan, requests, answers(dict.fromkeys(requests, objects)))
    assert [action.name for action in settled.plan.actions] == ["web-2"]
    released = [wish for unused in settled.releases.values() for wish in unused.wishes]
    assert {(wish.uuid, tuple(wish.groups)) for wish in released} == {(first, ())}


def test_a_host_that_cannot_be_asked_for_room_and_keeps_no_name_is_passed_over_for_another() -> None:
    _fleet, plan, requests = planned(count=9, hosts=9)
    keepers = {action.uuid: registrars(f"instance/{action.uuid}", requests) for action in plan.actions}
    action = next(action for action in plan.actions if action.host not in keepers[action.uuid])
    told = {action.host: {"unreachable": True, "msg": "No route to host"}}
    [failure] = settle_claims(plan, requests, answers(told, hosts=9)).refused
    assert (failure.name, failure.is_retryable) == (action.name, True)
    assert failure.message == f"{action.host} could not be asked for room: No route to host."


def test_a_refused_claim_is_told_with_the_hosts_words_and_tried_elsewhere() -> None:
    _fleet, plan, requests = planned(count=1)
    [action] = plan.actions
    error = {"code": "ComputeResourcesUnavailable", "message": "web does not fit on it.", "remedy": ""}
    settled = settle_claims(plan, requests, answers({action.host: {"refusals": {action.uuid: error}}}))
    assert [(item.code, item.host) for item in settled.refused] == [("ComputeResourcesUnavailable", action.host)]
    assert settled.plan.actions == []


@pytest.mark.parametrize(
    ("group", "is_shared"),
    [
        ({"policy": "affinity"}, True),
        ({"policy": "anti-affinity"}, False),
        ({"policy": "none", "spread": {"over": "rack"}}, True),
    ],
)
def test_a_group_whose_members_must_agree_across_hosts_is_asked_for_as_a_whole(group, is_shared) -> None:
    if "spread_over" in group:
        pytest.importorskip("numpy")
    _fleet, plan, requests = planned(**group)
    keys = {key for request in requests.values() for wish in request.wishes for key in wish.groups}
    assert keys == ({"group/default/default/web"} if is_shared and plan.actions else set())


def silent(*recollections: Recollection, **unreachable: str):
    seen = observation(report("kvm1"), **unreachable)
    return dataclasses.replace(seen, remembered=remember(unreachable, recollections))


def test_what_was_last_on_a_silent_host_is_unknown_and_everything_else_is_built() -> None:
    fleet = make_fleet(instances={"web": web(count=2)})
    there = Whereabout(find(fleet, "web-1").uuid, "web-1", "kvm3")
    plan = plan_for(fleet, silent(Recollection("kvm3", 5, [there]), kvm3="timed out"))
    [finding] = plan.findings
    assert (finding.kind, finding.name, finding.fatal) == ("unknown", "web-1", True)
    assert finding.reason == "was last on kvm3, which did not answer (timed out); it is not created elsewhere"
    assert [action.name for action in plan.actions] == ["web-2"]


def test_of_a_host_that_nobody_was_told_of_anything_may_be_there() -> None:
    fleet = make_fleet(instances={"web": web(count=2)})
    plan = plan_for(fleet, silent(Recollection("kvm3", None), kvm3="timed out"))
    assert [finding.kind for finding in plan.findings] == ["unknown", "unknown"]
    assert plan.actions == []


def test_an_instance_that_was_about_to_be_made_on_a_silent_host_is_unknown() -> None:
    fleet = make_fleet(instances={"web": web()})
    coming = Whereabout(find(fleet, "web").uuid, "web", "kvm3")
    plan = plan_for(fleet, silent(Recollection("kvm3", 5, [], [coming]), kvm3="timed out"))
    assert [finding.kind for finding in plan.findings] == ["unknown"]


def test_the_newest_word_of_a_silent_host_counts() -> None:
    gone = Whereabout("u1", "old", "kvm3")
    kept = Whereabout("u2", "new", "kvm3")
    told = remember(["kvm3"], [Recollection("kvm3", 5, [gone]), Recollection("kvm3", 6, [kept])])
    assert list(told.instances) == ["u2"]


def test_who_knew_all_is_told_what_changed_and_others_are_told_all() -> None:
    before = {"kvm1": 1, "kvm2": 1}
    seen = observation(report("kvm1", generation=2), report("kvm2"))
    first = memory_to_tell(seen, before, "run", [], [])
    assert first["hosts"] == {"kvm1": "all", "kvm2": "all"}
    assert (sorted(first["all"]), sorted(first["changed"])) == (["kvm1", "kvm2"], ["kvm1"])
    known = memory_to_tell(observation(report("kvm1"), report("kvm2")), before, "run", [], [])["mark"]
    informed = observation(
        dataclasses.replace(report("kvm1", generation=2), remembers=known),
        dataclasses.replace(report("kvm2"), remembers=known),
    )
    told = memory_to_tell(informed, before, "run", [], [])
    assert (told["hosts"], "all" in told) == ({"kvm1": "changed", "kvm2": "changed"}, False)


def test_hosts_that_know_all_are_told_nothing_but_that_the_run_ends() -> None:
    counts = {"kvm1": 1, "kvm2": 1}
    mark = memory_to_tell(observation(report("kvm1"), report("kvm2")), counts, "run", [], [])["mark"]
    seen = observation(*(dataclasses.replace(report(host), remembers=mark) for host in counts))
    assert memory_to_tell(seen, counts, "run", [], []) == {}
    told = memory_to_tell(seen, counts, "run", ["kvm2"], [])
    assert (told["hosts"], told["run"], told["changed"]) == ({"kvm2": "changed"}, "run", {})


def test_a_host_that_keeps_the_name_and_fell_silent_is_no_consent() -> None:
    _fleet, plan, requests = planned(count=1)
    [action] = plan.actions
    keeper = next(host for host in requests if host != action.host)
    settled = settle_claims(plan, requests, answers({keeper: {"unreachable": True, "msg": "timed out"}}))
    assert settled.contested == {action.uuid: f"{keeper}, which keeps its name, fell silent"}
    assert (settled.fell_silent, settled.plan.actions) == ([keeper], [])


def test_what_could_not_be_reserved_is_not_made_while_a_host_is_silent_that_may_have_it() -> None:
    fleet = make_fleet(instances={"web": web()})
    uuid = find(fleet, "web").uuid
    seen = observation(report("kvm1"), kvm2="timed out")
    [finding] = plan_for(fleet, seen, tried={uuid: []}, contested=[uuid]).findings
    assert (finding.kind, finding.fatal) == ("unknown", True)
    known = silent(Recollection("kvm2", 5), kvm2="timed out")
    assert [action.name for action in plan_for(fleet, known, tried={uuid: []}, contested=[uuid]).actions] == ["web"]
