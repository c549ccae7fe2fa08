# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import ENABLED_FILTERS

RACKS = {"kvm1": "r1", "kvm2": "r1", "kvm3": "r2", "kvm4": "r2"}


@pytest.fixture(scope="session")
def racked(api, report):
    """Four equal hosts in two racks."""

    def make(**options):
        return api(*(report(host, labels={"rack": rack}) for host, rack in RACKS.items()), **options)

    return make


def hosts(selections):
    return [selection.host for selection in selections]


def requests_of(spec, group, count):
    return [spec(f"{group.name}-{number}", instance_group=group) for number in range(1, count + 1)]


def test_a_group_without_a_policy_may_spread_over_racks(racked, spec, group):
    web = group("web", "none", spread_over="rack")
    selections = racked().select_destinations(requests_of(spec, web, 3))
    assert hosts(selections) == ["kvm1", "kvm3", None]
    assert [(refusal.host, refusal.reason) for refusal in selections[2].refusals] == [
        ("kvm1", "is in rack r1, which already has 1 of at most 1 of group web"),
        ("kvm2", "is in rack r1, which already has 1 of at most 1 of group web"),
        ("kvm3", "is in rack r2, which already has 1 of at most 1 of group web"),
        ("kvm4", "is in rack r2, which already has 1 of at most 1 of group web"),
    ]


def test_as_many_members_share_a_domain_as_the_group_allows(racked, spec, group):
    web = group("web", "none", spread_over="rack", max_per_domain=2)
    placed = hosts(racked().select_destinations(requests_of(spec, web, 5)))
    assert sorted(RACKS[host] for host in placed[:4]) == ["r1", "r1", "r2", "r2"]
    assert placed[4] is None


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("anti-affinity", ["kvm1", "kvm2", "kvm3", "kvm4", None]),
        # All on one host, of which the rack takes two.
        ("affinity", ["kvm1", "kvm1", None, None, None]),
        ("soft-affinity", ["kvm1", "kvm1", "kvm3", "kvm3", None]),
        ("soft-anti-affinity", ["kvm1", "kvm2", "kvm3", "kvm4", None]),
    ],
)
def test_domains_go_with_every_policy(racked, spec, group, policy, expected):
    web = group("web", policy, spread_over="rack", max_per_domain=2)
    scheduler = racked(soft_affinity_weight_multiplier=100.0, soft_anti_affinity_weight_multiplier=100.0)
    assert hosts(scheduler.select_destinations(requests_of(spec, web, 5))) == expected


def test_members_that_were_there_before_count(api, report, spec, group):
    scheduler = api(
        report("kvm1", labels={"rack": "r1"}, instances=["old-1", "foreign"]),
        report("kvm2", labels={"rack": "r1"}),
        report("kvm3", labels={"rack": "r2"}),
    )
    web = group("web", "none", spread_over="rack", members=["old-1"], hosts=["kvm1"])
    assert hosts(scheduler.select_destinations(requests_of(spec, web, 2))) == ["kvm3", None]


def test_an_instance_does_not_stand_in_its_own_way(api, report, spec, group):
    scheduler = api(
        report("kvm1", labels={"rack": "r1"}, instances=["uuid-web-1"]),
        report("kvm2", labels={"rack": "r1"}),
        report("kvm3", labels={"rack": "r2"}, instances=["uuid-web-2"]),
    )
    web = group("web", "none", spread_over="rack", members=["uuid-web-1", "uuid-web-2"])
    (selection,) = scheduler.select_destinations([spec("web-1", instance_group=web, ignore_hosts=["kvm1"])])
    assert selection.host == "kvm2"


def test_a_domain_may_come_from_an_aggregate(host, spec, group, refusals):
    aggregates = [
        Aggregate("one", ["kvm1", "kvm2", "kvm3"], metadata={"rack": "r1"}),
        Aggregate("two", ["kvm2", "kvm3"], metadata={"rack": "r2"}),
        Aggregate("zone", ["kvm4"], "az1"),
    ]
    states = [
        host([item for item in aggregates if f"kvm{n}" in item.hosts], host=f"kvm{n}", labels=labels)
        for n, labels in enumerate(({}, {}, {"rack": "r3"}, {}), start=1)
    ]
    by_rack = spec(instance_group=group("web", "none", spread_over="rack"))
    assert refusals("ServerGroupSpreadFilter", states, by_rack) == [
        None,
        "has several values of rack, r1 and r2",
        # Its own label goes before what aggregates say.
        None,
        "has no label rack",
    ]
    by_zone = spec(instance_group=group("web", "none", spread_over="availability_zone"))
    assert refusals("ServerGroupSpreadFilter", states, by_zone) == ["has no label availability_zone"] * 3 + [None]


def test_a_group_that_does_not_spread_needs_no_labels(host, spec, group, refusals):
    for request in (spec(), spec(instance_group=group())):
        assert refusals("ServerGroupSpreadFilter", [host()], request) == [None]


def test_several_groups_of_one_batch_may_be_interleaved(racked, spec, group):
    web = group("web", "anti-affinity", spread_over="rack", max_per_domain=2)
    db = group("db", "affinity")
    queue = group("queue", "none", spread_over="rack")
    cache = group("cache", "soft-anti-affinity")
    near = group("near", "soft-affinity")
    groups = [web, db, queue, cache, near]
    batch = [
        spec(f"{item.name}-{number}", memory_mb=64, instance_group=item) for number in range(1, 5) for item in groups
    ]
    scheduler = racked(soft_affinity_weight_multiplier=100.0, soft_anti_affinity_weight_multiplier=100.0)
    placed = {selection.name: selection.host for selection in scheduler.select_destinations(batch)}
    where = {item.name: [placed[f"{item.name}-{number}"] for number in range(1, 5)] for item in groups}
    assert sorted(where["web"]) == sorted(RACKS)
    assert len(set(where["db"])) == 1
    assert sorted(RACKS[host] for host in where["queue"][:2]) == ["r1", "r2"]
    assert where["queue"][2:] == [None, None]
    assert sorted(where["cache"]) == sorted(RACKS)
    assert len(set(where["near"])) == 1


def test_soft_policies_give_way_where_there_is_no_room(api, report, spec, group):
    def place(policy):
        scheduler = api(
            report("kvm1", memory_mb=1536),
            report("kvm2", memory_mb=1536),
            soft_affinity_weight_multiplier=10.0,
            soft_anti_affinity_weight_multiplier=10.0,
        )
        return hosts(scheduler.select_destinations(requests_of(spec, group("web", policy), 4)))

    assert place("soft-affinity") == ["kvm1", "kvm1", "kvm2", "kvm2"]
    assert place("soft-anti-affinity") == ["kvm1", "kvm2", "kvm1", "kvm2"]


@pytest.mark.parametrize(
    ("name", "policy", "expected"),
    [
        ("ServerGroupSoftAffinityWeigher", "soft-affinity", [0.0, 0.5, 1.0]),
        ("ServerGroupSoftAntiAffinityWeigher", "soft-anti-affinity", [1.0, 0.5, 0.0]),
        ("ServerGroupSoftAffinityWeigher", "soft-anti-affinity", [0.0, 0.0, 0.0]),
        ("ServerGroupSoftAntiAffinityWeigher", "affinity", [0.0, 0.0, 0.0]),
    ],
)
def test_members_on_a_host_are_counted(host, spec, group, weights, name, policy, expected):
    states = [
        host(host="kvm1", instances=["foreign"]),
        host(host="kvm2", instances=["a"]),
        host(host="kvm3", instances=["b", "c"]),
    ]
    request = spec(instance_group=group("web", policy, members=["a", "b", "c", "gone"]))
    assert weights(name, states, request) == expected
    assert weights(name, states, spec()) == [0.0, 0.0, 0.0]


def test_a_member_that_is_named_twice_counts_once(api, report, spec, group):
    scheduler = api(report("kvm1", instances=["uuid-web-1"]), report("kvm2"))
    web = group("web", max_server_per_host=2, members=["uuid-web-1", "uuid-web-1"], hosts=["kvm1", "kvm1"])
    requests = [spec("web-2", instance_group=web, ignore_hosts=["kvm2"])]
    assert hosts(scheduler.select_destinations(requests)) == ["kvm1"]


def test_a_member_that_the_request_counts_already_is_not_counted_again(api, report, spec, group):
    web = group("web", max_server_per_host=2, members=["uuid-web-1", "uuid-web-2"])
    assert hosts(api(report("kvm1")).select_destinations(requests_of(spec, web, 3))) == ["kvm1", "kvm1", None]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"policy": "antiaffinity"},
            (
                "Group web has the unknown policy 'antiaffinity'; known are affinity, anti-affinity, soft-affinity, "
                "soft-anti-affinity, legacy, none. Did you mean 'anti-affinity'?"
            ),
        ),
        ({"policy": "none"}, "Group web has policy none and no spread_over, so it asks for nothing."),
        (
            {"policy": "legacy"},
            "Policy legacy of group web needs GroupAffinityFilter or GroupAntiAffinityFilter, which is not enabled.",
        ),
        ({"max_server_per_host": 0}, "Group web allows 0 members on a host; allow at least 1."),
        (
            {"policy": "affinity", "max_server_per_host": 2},
            "Group web has max_server_per_host, which goes with policy anti-affinity, not affinity.",
        ),
        ({"spread_over": " "}, "Group web has an empty spread_over; name a label of the hosts, such as rack."),
        ({"spread_over": "rack", "max_per_domain": 0}, "Group web allows 0 members per rack; allow at least 1."),
        ({"max_per_domain": 2}, "Group web has max_per_domain, which goes with spread_over."),
    ],
)
def test_a_group_that_contradicts_itself_is_told_and_not_placed(racked, spec, group, fields, message):
    web = group("web", **{"policy": "anti-affinity", **fields})
    odd, other = racked().select_destinations([spec("web-1", instance_group=web), spec("other")])
    assert (odd.host, odd.message) == (None, f"web-1 was not placed: {message}")
    assert other.host == "kvm1"


def test_a_legacy_group_cannot_be_kept_both_together_and_apart(racked, spec, group):
    scheduler = racked(enabled_filters=["GroupAffinityFilter", "GroupAntiAffinityFilter"])
    (selection,) = scheduler.select_destinations([spec("a", instance_group=group("old", "legacy"))])
    assert selection.message == (
        "a was not placed: Policy legacy of group old contradicts itself: GroupAffinityFilter and "
        "GroupAntiAffinityFilter are enabled."
    )


def test_a_spread_that_no_filter_would_keep_is_not_ignored(racked, spec, group):
    scheduler = racked(enabled_filters=[name for name in ENABLED_FILTERS if name != "ServerGroupSpreadFilter"])
    (selection,) = scheduler.select_destinations([spec("a", instance_group=group(spread_over="rack"))])
    assert selection.message == (
        "a was not placed: spread_over of group web needs ServerGroupSpreadFilter, which is not enabled."
    )
