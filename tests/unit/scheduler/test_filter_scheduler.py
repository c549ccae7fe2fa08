# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import time

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import ENABLED_FILTERS, ENABLED_WEIGHERS


def hosts(selections):
    return [selection.host for selection in selections]


def test_instances_spread_over_equal_hosts_in_the_order_of_names(api, report, spec):
    scheduler = api(report("kvm2"), report("kvm1"), report("kvm3"))
    assert hosts(scheduler.select_destinations([spec(f"vm-{n}") for n in range(5)])) == [
        "kvm1",
        "kvm2",
        "kvm3",
        "kvm1",
        "kvm2",
    ]


def test_a_negative_multiplier_stacks(api, report, spec):
    scheduler = api(
        report("kvm1"),
        report("kvm2", memory_mb_used=1024),
        enabled_weighers=["RAMWeigher"],
        ram_weight_multiplier=-1.0,
    )
    assert hosts(scheduler.select_destinations([spec("a"), spec("b")])) == ["kvm2", "kvm2"]


def test_the_answer_tells_how_it_came_about(api, report, spec):
    scheduler = api(report("kvm1"), report("kvm2", disabled=True), report("kvm3", memory_mb=2560))
    (selection,) = scheduler.select_destinations([spec(memory_mb=1024)])
    assert selection.as_dict() == {
        "instance_uuid": "uuid-web-1",
        "name": "web-1",
        "host": "kvm1",
        "alternates": ["kvm3"],
        "limits": {"memory_mb": 4608.0, "vcpu": 16.0, "disk_gb": 50.0},
        "weight": 3.0,
        "weights": dict.fromkeys(ENABLED_WEIGHERS, 0.0) | dict.fromkeys(ENABLED_WEIGHERS[:3], 1.0),
        "funnel": [
            {"name": name, "before": 2 if place else 3, "after": 2} for place, name in enumerate(ENABLED_FILTERS)
        ],
        "refusals": [{"host": "kvm2", "filter": "ComputeFilter", "reason": "is disabled"}],
        "refusals_left_out": 0,
        "nearest_miss": None,
        "message": None,
    }


@pytest.mark.parametrize(("attempts", "alternates"), [(1, []), (2, ["kvm2"]), (3, ["kvm2", "kvm3"])])
def test_as_many_alternates_are_named_as_there_may_be_retries(api, report, spec, attempts, alternates):
    scheduler = api(*(report(f"kvm{n}") for n in range(1, 5)), max_attempts=attempts)
    assert scheduler.select_destinations([spec()])[0].alternates == alternates


def test_an_anti_affinity_group_takes_a_host_each_and_then_has_none(api, report, spec, group):
    scheduler = api(report("kvm1"), report("kvm2"))
    web = group("web", members=["old"])
    selections = scheduler.select_destinations([spec(f"web-{n}", instance_group=web) for n in range(3)])
    assert hosts(selections) == ["kvm1", "kvm2", None]
    assert selections[2].message == (
        "No valid host for web-2 (small): 0 of 2 hosts fit. ServerGroupAntiAffinityFilter refused 2. "
        "Nearest: kvm1 already has 1 of at most 1 members of group web, unless anti-affinity of group web allows 2 "
        "per host."
    )


def test_an_affinity_group_follows_its_first_member(api, report, spec, group):
    scheduler = api(report("kvm1"), report("kvm2"), report("kvm3"))
    db = group("db", "affinity")
    requests = [spec("other"), spec("db-1", instance_group=db), spec("db-2", instance_group=db)]
    assert hosts(scheduler.select_destinations(requests)) == ["kvm1", "kvm2", "kvm2"]


def test_groups_of_one_batch_may_be_interleaved(api, report, spec, group):
    scheduler = api(report("kvm1"), report("kvm2"), report("kvm3"))
    web, db = group("web"), group("db", "affinity", hosts=["kvm2"], members=["db-0"])
    requests = [
        spec("web-1", instance_group=web),
        spec("db-1", instance_group=db),
        spec("web-2", instance_group=web),
        spec("db-2", instance_group=db),
        spec("web-3", instance_group=web),
    ]
    placed = hosts(scheduler.select_destinations(requests))
    assert sorted(placed[::2]) == ["kvm1", "kvm2", "kvm3"]
    assert placed[1::2] == ["kvm2", "kvm2"]


def test_a_group_is_remembered_for_the_next_batch(api, report, spec, group):
    scheduler = api(report("kvm1"), report("kvm2"))
    first = scheduler.select_destinations([spec("web-1", instance_group=group())])
    second = scheduler.select_destinations([spec("web-2", instance_group=group())])
    assert hosts(first + second) == ["kvm1", "kvm2"]


def test_a_policy_whose_plugin_is_not_enabled_is_not_ignored(api, report, spec, group):
    scheduler = api(report("kvm1"), enabled_filters=["RamFilter"], enabled_weighers=["RAMWeigher"])
    selections = scheduler.select_destinations(
        [
            spec("a", instance_group=group()),
            spec("b", instance_group=group("near", "soft-affinity")),
            spec("c", instance_group=group("odd", "apart")),
            spec("d"),
        ]
    )
    assert [selection.message for selection in selections] == [
        (
            "a was not placed: Policy anti-affinity of group web needs ServerGroupAntiAffinityFilter, "
            "which is not enabled."
        ),
        (
            "b was not placed: Policy soft-affinity of group near needs ServerGroupSoftAffinityWeigher, "
            "which is not enabled."
        ),
        (
            "c was not placed: Group odd has the unknown policy 'apart'; known are affinity, anti-affinity, "
            "soft-affinity, soft-anti-affinity, legacy, none."
        ),
        None,
    ]
    assert hosts(selections) == [None, None, None, "kvm1"]


def test_a_request_that_fails_takes_nothing_from_the_others(api, report, spec):
    scheduler = api(report("kvm1", memory_mb=2560))
    requests = [spec("a", memory_mb=1024), spec("big", memory_mb=2048), spec("b", memory_mb=1024), spec("c")]
    assert hosts(scheduler.select_destinations(requests)) == ["kvm1", None, "kvm1", None]


def test_a_host_that_was_refused_to_one_request_is_there_for_the_next(api, report, spec):
    scheduler = api(report("kvm1", memory_mb=1024), report("kvm2"))
    requests = [spec("big", memory_mb=4096), spec("little", memory_mb=512)]
    assert hosts(scheduler.select_destinations(requests)) == ["kvm2", "kvm1"]


def test_each_of_the_best_hosts_is_drawn_by_the_seed_and_the_rest_never(api, report, spec):
    def place(seed):
        scheduler = api(*(report(f"kvm{n}", memory_mb=5000 - n) for n in range(5)), host_subset_size=3, seed=seed)
        return scheduler.select_destinations([spec()])[0]

    drawn = {place(seed).host for seed in range(20)}
    assert drawn == {"kvm0", "kvm1", "kvm2"}
    assert [place(7) for _again in range(3)] == [place(7)] * 3
    assert all(place(seed).host not in place(seed).alternates for seed in range(20))


def test_a_subset_larger_than_the_fleet_is_the_fleet(api, report, spec):
    assert hosts(api(report("kvm1"), host_subset_size=9).select_destinations([spec()])) == ["kvm1"]


def test_a_users_filter_that_only_says_yes_or_no_works_beside_ours(api, report, spec, collection):
    name = collection(
        "scheduler_filter",
        "even",
        "from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter\n\n\n"
        "class Even(BaseHostFilter):\n"
        "    def host_passes(self, host_state, spec):\n"
        "        return int(host_state.host[-1]) % 2 == 0\n",
    )
    scheduler = api(report("kvm1"), report("kvm2"), enabled_filters=["ComputeFilter", name])
    (selection,) = scheduler.select_destinations([spec()])
    assert selection.host == "kvm2"
    assert [item.as_dict() for item in selection.refusals] == [
        {"host": "kvm1", "filter": "acme.sched.even", "reason": "is refused by acme.sched.even"}
    ]


def test_an_error_in_a_users_filter_names_it_and_stops_only_its_request(api, report, spec, collection):
    name = collection(
        "scheduler_filter",
        "fragile",
        "from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter\n\n\n"
        "class Fragile(BaseHostFilter):\n"
        "    def host_passes(self, host_state, spec):\n"
        "        return spec.scheduler_hints['rack'] == 'r1'\n",
    )
    scheduler = api(report("kvm1"), enabled_filters=[name])
    bad, good = scheduler.select_destinations([spec("a"), spec("b", scheduler_hints={"rack": "r1"})])
    assert bad.host is None
    assert bad.message == (
        "a was not placed: acme.sched.fragile raised KeyError('rack') on host kvm1. "
        "Repair it, or take it out of the enabled ones."
    )
    assert good.host == "kvm1"


def test_a_batch_of_twenty_on_a_hundred_hosts_is_no_matter_of_seconds(api, report, spec):
    scheduler = api(
        *(report(f"kvm{n:03}", memory_mb=32768 + n) for n in range(100)),
        aggregates=[Aggregate("all", [f"kvm{n:03}" for n in range(100)], "az1")],
    )
    before = time.process_time()
    selections = scheduler.select_destinations([spec(f"vm-{n}", availability_zone="az1") for n in range(20)])
    assert time.process_time() - before < 0.5
    assert None not in hosts(selections)


def test_hosts_that_are_refused_alike_keep_their_own_reasons(api, report, spec):
    down = api(
        report("kvm1", disabled=True, disabled_reason="broken fan"),
        report("kvm2", disabled=True, disabled_reason="moves to another rack"),
        report("kvm3", disabled=True, disabled_reason="broken fan"),
    )
    for selection in down.select_destinations([spec("web-1"), spec("web-2")]):
        assert [(item.host, item.reason) for item in selection.refusals] == [
            ("kvm1", "is disabled: broken fan"),
            ("kvm2", "is disabled: moves to another rack"),
            ("kvm3", "is disabled: broken fan"),
        ]
