# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a plan puts instances, in which order, and why not."""

import pytest


def steps(plan):
    return [(action.operation, action.name, action.host) for action in plan.actions]


def only(items):
    assert len(items) == 1, items
    return items[0]


def test_what_is_deleted_makes_room_for_what_is_created(kit):
    old = kit.observed(kit.find(kit.fleet(instances={"old": kit.web(flavor="large")}), "old"))
    hosts = kit.observation(kit.report("kvm1", [old], memory_mb=2600))
    fleet = kit.fleet(instances={"new": kit.web(flavor="large")})
    assert only(kit.plan(fleet, hosts).unplaced).name == "new"
    assert steps(kit.plan(fleet, hosts, prune=True)) == [("delete", "old", "kvm1"), ("create", "new", "kvm1")]


def test_actions_come_in_the_order_that_makes_room(kit):
    names = {"a": "active", "b": "stopped", "c": "active", "d": "active"}
    fleet = kit.fleet(instances={name: kit.web(vm_state=state) for name, state in names.items()})
    gone = kit.observed(kit.find(kit.fleet(instances={"z": kit.web()}), "z"))
    seen = [
        kit.observed(kit.find(fleet, "b"), "running", vm_state="active"),
        kit.observed(kit.find(fleet, "c"), "shutdown"),
        kit.observed(kit.find(fleet, "d"), "running", vm_state="stopped"),
        gone,
    ]
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", seen)), prune=True)
    assert [(action.operation, action.name) for action in plan.actions] == [
        ("delete", "z"),
        ("update", "d"),
        ("stop", "b"),
        ("start", "c"),
        ("create", "a"),
    ]


def test_groups_know_their_members_on_the_hosts(kit):
    fleet = kit.fleet(
        server_groups={"web": {"policy": "anti-affinity"}}, instances={"web": kit.web(count=4, server_group="web")}
    )
    seen = kit.observed(kit.find(fleet, "web-2"))
    hosts = kit.observation(kit.report("kvm1", [seen], memory_mb=99999), kit.report("kvm2"), kit.report("kvm3"))
    plan = kit.plan(fleet, hosts)
    assert steps(plan) == [("create", "web-1", "kvm2"), ("create", "web-3", "kvm3")]
    assert only(plan.unplaced).name == "web-4"


def test_zones_and_named_hosts_bind_the_choice(kit):
    fleet = kit.fleet(
        aggregates={"ssd": {"hosts": ["kvm3"], "availability_zone": "az1"}},
        instances={"db": kit.web(availability_zone="az1"), "here": kit.web(host="kvm2")},
    )
    hosts = kit.observation(*(kit.report(name) for name in ("kvm1", "kvm2", "kvm3")))
    assert steps(kit.plan(fleet, hosts)) == [("create", "db", "kvm3"), ("create", "here", "kvm2")]


def test_a_named_host_must_have_room_all_the_same(kit):
    fleet = kit.fleet(instances={"web": kit.web(flavor="large", host="kvm2")})
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1"), kit.report("kvm2", memory_mb=2048)))
    assert plan.actions == []
    assert "kvm2 lacks 512 MB of memory" in only(plan.unplaced).message


def test_what_fits_nowhere_says_why_and_the_others_go_on(kit):
    fleet = kit.fleet(instances={"big": kit.web(flavor="huge"), "web": kit.web()})
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1"), kit.report("kvm2", disabled=True)))
    assert steps(plan) == [("create", "web", "kvm1")]
    selection = only(plan.unplaced)
    assert selection.message.startswith("No valid host for big (huge): 0 of 2 hosts fit.")
    assert "Nearest: kvm1 has 4608 MB of memory in all" in selection.message
    assert plan.unchanged == 0


def test_an_instance_stays_where_the_fleet_no_longer_wants_it_and_that_is_said(kit):
    before = kit.fleet(instances={"web": kit.web(), "db": kit.web()})
    after = kit.fleet(
        aggregates={"a": {"hosts": ["kvm2"], "availability_zone": "az2"}},
        instances={"web": kit.web(availability_zone="az2"), "db": kit.web(host="kvm2")},
    )
    seen = [kit.observed(kit.find(before, name)) for name in ("web", "db")]
    plan = kit.plan(after, kit.observation(kit.report("kvm1", seen), kit.report("kvm2")))
    assert steps(plan) == [("update", "web", "kvm1")]
    assert [(finding.name, finding.reason, finding.fatal) for finding in plan.findings] == [
        ("web", "stays on kvm1, which is not in az2: moving is not built yet", False),
        ("db", "stays on kvm1, though host: kvm2 is declared: moving is not built yet", False),
    ]


@pytest.mark.parametrize(
    ("policy", "hosts", "reason"),
    [
        (
            "anti-affinity",
            ["kvm1", "kvm1", "kvm2"],
            "stays on kvm1, which has 2 members of group web, of at most 1: moving is not built yet",
        ),
        (
            "affinity",
            ["kvm1", "kvm2", "kvm1"],
            "stays on kvm2, while most of group web (affinity) are on kvm1: moving is not built yet",
        ),
    ],
)
def test_a_broken_group_is_reported(kit, policy, hosts, reason):
    fleet = kit.fleet(
        server_groups={"web": {"policy": policy}}, instances={"web": kit.web(count=3, server_group="web")}
    )
    seen = {host: [] for host in hosts}
    for number, host in enumerate(hosts, start=1):
        seen[host].append(kit.observed(kit.find(fleet, f"web-{number}")))
    plan = kit.plan(fleet, kit.observation(*(kit.report(host, items) for host, items in seen.items())))
    assert plan.actions == []
    assert only(plan.findings).reason == reason
