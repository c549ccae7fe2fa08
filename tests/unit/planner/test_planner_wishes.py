# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Predicates, hints and failure domains in a plan."""

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.objects.inventory import Inventory
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand
from ansible_collections.novella.compute.plugins.plugin_utils.planner.sequence import sequence

RACK_1 = [{"key": "labels.rack", "operator": "==", "value": "r1"}]


def racks(kit, *hosts, **instances):
    """Return an observation of kvm1 in rack r1, kvm2 in r1 and kvm3 in r2."""
    labels = {"kvm1": "r1", "kvm2": "r1", "kvm3": "r2"}
    reports = [kit.report(host, instances.get(host, [])) for host in labels]
    return kit.observation(
        *[item.but(compute_node=item.compute_node.but(labels={"rack": labels[item.host]})) for item in reports]
    )


def homes(plan):
    return {action.name: action.host for action in plan.actions if action.operation == "create"}


def test_an_instance_goes_where_its_predicates_hold(kit):
    fleet = kit.fleet(instances={"web": kit.web(where=[{"not": RACK_1}])})
    assert homes(kit.plan(fleet, racks(kit))) == {"web": "kvm3"}


def test_an_instance_that_no_host_suits_is_told_why(kit):
    fleet = kit.fleet(instances={"web": kit.web(where=[{"key": "labels.row", "operator": "exists"}])})
    (unplaced,) = kit.plan(fleet, racks(kit)).unplaced
    assert "WhereFilter refused 3" in unplaced.message
    assert "has no label row" in unplaced.nearest_miss


def test_a_group_spreads_over_failure_domains(kit):
    fleet = kit.fleet(
        server_groups={"web": {"spread": {"over": "rack"}}}, instances={"web": kit.web(count=3, server_group="web")}
    )
    plan = kit.plan(fleet, racks(kit))
    assert len(homes(plan)) == 2
    assert "kvm3" in homes(plan).values()
    assert [selection.name for selection in plan.unplaced] == ["web-3"]


def test_instances_are_placed_behind_those_that_their_hints_name(kit):
    fleet = kit.fleet(
        instances={
            "log": kit.web(scheduler_hints={"same_host": "db"}),
            "cache": kit.web(scheduler_hints={"different_host": ["db", "log"]}),
            "db": kit.web(host="kvm2"),
        }
    )
    placed = homes(kit.plan(fleet, racks(kit)))
    assert (placed["log"], placed["db"]) == ("kvm2", "kvm2")
    assert placed["cache"] != "kvm2"


def test_all_of_an_entry_may_keep_away_from_each_other(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=3, scheduler_hints={"different_host": "web"})})
    assert sorted(homes(kit.plan(fleet, racks(kit))).values()) == ["kvm1", "kvm2", "kvm3"]


def test_the_sequence_changes_nothing_without_hints(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=3), "db": kit.web()})
    assert sequence(expand(fleet)) == [0, 1, 2, 3]


def test_a_chain_of_hints_is_followed_to_its_end(kit):
    names = [f"n{number}" for number in range(3000)]
    instances = {
        name: kit.web(scheduler_hints={"same_host": following})
        for name, following in zip(names, names[1:], strict=False)
    }
    instances[names[-1]] = kit.web()
    assert sequence(expand(kit.fleet(instances=instances))) == list(range(2999, -1, -1))


def test_an_instance_with_a_home_stays_there_when_only_its_wishes_change(kit):
    before = kit.fleet(instances={"web": kit.web(), "db": kit.web()})
    seen = racks(kit, kvm3=[kit.observed(kit.find(before, name)) for name in ("web", "db")])
    after = kit.fleet(
        instances={"web": kit.web(where=RACK_1), "db": kit.web(scheduler_hints={"different_host": "web"})}
    )
    plan = kit.plan(after, seen)
    assert plan.actions == []
    assert {finding.name: finding.reason for finding in plan.findings} == {
        "web": "stays on kvm3, which has label rack r2, not r1: moving is not built yet",
        "db": "stays on kvm3, where web (different_host) is too: moving is not built yet",
    }
    assert not any(finding.fatal for finding in plan.findings)


def test_an_instance_away_from_its_companion_is_told_of(kit):
    fleet = kit.fleet(instances={"web": kit.web(scheduler_hints={"same_host": "db"}), "db": kit.web()})
    seen = racks(kit, kvm1=[kit.observed(kit.find(fleet, "web"))], kvm2=[kit.observed(kit.find(fleet, "db"))])
    (finding,) = kit.plan(fleet, seen).findings
    assert finding.reason == "stays on kvm1, though db (same_host) is on kvm2: moving is not built yet"


def test_wishes_that_are_met_are_not_told_of(kit):
    wishes = {"where": RACK_1, "scheduler_hints": {"different_host": "web"}}
    fleet = kit.fleet(instances={"web": kit.web(count=2, **wishes)})
    first, second = (kit.observed(kit.find(fleet, name)) for name in ("web-1", "web-2"))
    plan = kit.plan(fleet, racks(kit, kvm1=[first], kvm2=[second]))
    assert (plan.actions, plan.findings) == ([], [])


def test_free_memory_says_nothing_of_an_instance_that_has_its_share(kit):
    where = [{"key": "free_ram_mb", "operator": ">=", "value": 4096}]
    fleet = kit.fleet(instances={"web": kit.web(where=where)})
    seen = racks(kit, kvm1=[kit.observed(kit.find(fleet, "web"))])
    assert kit.plan(fleet, seen).findings == []


def test_soft_groups_have_no_strays(kit):
    fleet = kit.fleet(
        server_groups={"web": {"policy": "soft-anti-affinity"}}, instances={"web": kit.web(count=2, server_group="web")}
    )
    seen = racks(kit, kvm1=[kit.observed(kit.find(fleet, name)) for name in ("web-1", "web-2")])
    assert kit.plan(fleet, seen).findings == []


def test_what_is_deleted_gives_its_resource_class_back_first(kit):
    flavors = {"small": {"vcpus": 1, "memory_mb": 512, "extra_specs": {"resources:CUSTOM_LICENCE": "1"}}}
    old = kit.fleet(flavors=flavors, instances={"old": kit.web()})
    item = kit.report("kvm1", [kit.observed(kit.find(old, "old"))])
    node = item.compute_node.but(inventories={"CUSTOM_LICENCE": Inventory(1)}, resources_used={"CUSTOM_LICENCE": 1})
    seen = kit.observation(item.but(compute_node=node))
    new = kit.fleet(flavors=flavors, instances={"new": kit.web()})
    assert homes(kit.plan(new, seen, prune=True)) == {"new": "kvm1"}
    assert homes(kit.plan(new, seen)) == {}
