# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for instances that the fleet does not declare any more."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import (
    LostInstance,
)


def steps(plan):
    return [(action.operation, action.name, action.host) for action in plan.actions]


def only(items):
    assert len(items) == 1, items
    return items[0]


def test_an_undeclared_instance_is_left_alone_unless_pruned(kit):
    seen = kit.observed(kit.find(kit.fleet(instances={"old": kit.web()}), "old"))
    hosts, fleet = kit.observation(kit.report("kvm1", [seen])), kit.fleet(instances={"web": kit.web(count=0)})
    kept = kit.plan(fleet, hosts)
    assert kept.actions == []
    assert only(kept.findings).as_dict(sparse=True) == {
        "kind": "undeclared",
        "uuid": seen.instance.uuid,
        "name": "old",
        "reason": "is not in the fleet; prune: true would delete it",
        "host": "kvm1",
    }
    pruned = only(kit.plan(fleet, hosts, prune=True).actions)
    assert (pruned.operation, pruned.host, pruned.impact) == ("delete", "kvm1", "data lost")
    assert pruned.reason == "is not in the fleet, and prune is on"


@pytest.fixture
def keeping(kit):
    """Plan for a host that keeps what is deleted for an hour, and holds one instance, web, in some state."""

    def plan(instances, power="running", prune=True, interval=3600, **record):
        seen = kit.observed(kit.find(kit.fleet(instances={"web": kit.web()}), "web"), power, **record)
        host = kit.report("kvm1", [seen]).but(reclaim_instance_interval=interval)
        return kit.plan(kit.fleet(instances=instances), kit.observation(host), prune=prune)

    return plan


NONE_OF_IT = {"flavor": "small", "image": "debian", "count": 0}


@pytest.mark.parametrize(("power", "vm_state"), [("running", "active"), ("shutdown", "stopped"), ("running", "error")])
def test_what_is_deleted_is_kept_where_its_host_keeps_it_and_the_plan_says_for_how_long(keeping, power, vm_state):
    action = only(keeping({"web": NONE_OF_IT}, power, vm_state=vm_state).actions)
    assert (action.operation, action.impact) == ("soft_delete", "data kept for 3600 s")
    assert action.reason == "is not in the fleet, and prune is on"


def test_what_was_never_built_is_deleted_at_once(keeping):
    assert only(keeping({"web": NONE_OF_IT}, vm_state="building").actions).operation == "delete"


@pytest.mark.parametrize("prune", [True, False])
def test_what_is_soft_deleted_already_is_left_alone_in_silence(keeping, prune):
    plan = keeping({"web": NONE_OF_IT}, "shutdown", prune, vm_state="soft-delete")
    assert (plan.actions, plan.findings) == ([], [])


def test_what_is_soft_deleted_on_a_host_that_keeps_nothing_any_more_is_not_stranded(keeping):
    plan = keeping({"web": NONE_OF_IT}, "shutdown", interval=0, vm_state="soft-delete")
    assert (only(plan.actions).operation, only(plan.actions).impact) == ("delete", "data lost")


@pytest.mark.parametrize(
    ("declared", "before", "restored"),
    [
        ("active", "stopped", "active"),
        ("stopped", "active", "stopped"),
        ("any", "stopped", "stopped"),
        ("any", "active", "active"),
    ],
)
def test_what_is_declared_again_is_restored(keeping, declared, before, restored):
    declaration = {"web": {"flavor": "small", "image": "debian", "vm_state": declared, "metadata": {"role": "new"}}}
    record = {"vm_state": "soft-delete", "old_vm_state": before, "deleted_at": "2026-11-21T09:00:00Z"}
    restore, update = keeping(declaration, "shutdown", **record).actions
    assert (restore.operation, restore.vm_state, restore.impact) == ("restore", restored, "data kept")
    assert restore.reason == "is declared again; it was deleted at 2026-11-21T09:00:00Z, and all of it is there"
    assert (update.operation, update.vm_state, update.spec.metadata) == ("update", None, {"role": "new"})


def test_a_soft_deleted_instance_makes_no_room_on_its_host(kit):
    seen = [kit.observed(kit.find(kit.fleet(instances={"old": kit.web(flavor="large")}), "old"))]
    host = kit.report("kvm1", seen, memory_mb=2560).but(reclaim_instance_interval=60)
    fleet = kit.fleet(instances={"new": kit.web(flavor="large")})
    plan = kit.plan(fleet, kit.observation(host), prune=True)
    assert steps(plan) == [("soft_delete", "old", "kvm1")]
    assert only(plan.unplaced).name == "new"


def test_the_disk_of_what_is_lost_stays_where_its_host_keeps_what_is_deleted(kit):
    lost = [LostInstance("uuid-of-old", "old", has_disk=True), LostInstance("uuid-of-older", "older", has_disk=False)]
    host = kit.report("kvm1", lost=lost).but(reclaim_instance_interval=60)
    plan = kit.plan(kit.fleet(instances={}), kit.observation(host), prune=True)
    assert steps(plan) == [("delete", "older", "kvm1")]
    assert "its root disk stays" in only(plan.findings).reason


def test_prune_clears_up_after_what_is_lost_of_this_fleet_and_of_no_other(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    seen = kit.observed(kit.find(fleet, "web"))
    lost = [
        LostInstance("uuid-of-old", "old", fleet="default", has_disk=True),
        LostInstance("uuid-of-strange", "strange", fleet="other", has_disk=True),
    ]
    hosts = kit.observation(kit.report("kvm1", [seen], lost=lost))
    assert kit.plan(fleet, hosts).actions == []
    action = only(kit.plan(fleet, hosts, prune=True).actions)
    assert (action.operation, action.name, action.host) == ("delete", "old", "kvm1")
