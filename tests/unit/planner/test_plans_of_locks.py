# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for instances that are locked, and for those that a fleet declares to be."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.plugin_utils.planner.attempts import failures_of_plan
from ansible_collections.novella.compute.plugins.plugin_utils.planner.tables import plan_line, plan_table

REFUSAL = "is locked: an audit. Unlock it first (novella.compute.instance_action action=unlock)"


def steps(plan):
    return [(action.operation, action.name) for action in plan.actions]


def only(items):
    assert len(items) == 1, items
    return items[0]


@pytest.fixture
def one(kit):
    """Plan a fleet of one instance, web, that runs on kvm1 and is locked, or not."""

    def plan(is_locked=True, power="running", vm_state="active", **declared):
        seen = kit.observed(kit.find(kit.fleet(instances={"web": kit.web()}), "web"), power, vm_state=vm_state)
        record = seen.instance.but(locked=is_locked, locked_reason="an audit" if is_locked else None)
        hosts = kit.observation(kit.report("kvm1", [seen.but(instance=record)]))
        fleet = kit.fleet(instances={"web": kit.web(**declared)})
        planned = kit.plan(fleet, hosts)
        return planned, lambda: kit.plan(fleet, kit.carry_out(fleet, hosts, planned))

    return plan


def test_what_is_as_declared_needs_nothing_though_it_is_locked(one):
    plan, _later = one()
    assert (plan.actions, plan.findings, plan.unchanged) == ([], [], 1)


@pytest.mark.parametrize(
    "case",
    [
        {"vm_state": "active", "power": "shutdown"},
        {"vm_state": "stopped", "power": "shutdown"},
        {"vm_state": "error"},
        {"vm_state": "soft-delete", "power": "shutdown"},
        {"vm_state": "suspended", "power": "suspended"},
    ],
    ids=str,
)
def test_what_its_lock_forbids_is_not_planned_and_the_run_fails_at_its_end(one, case):
    plan, later = one(**case)
    assert steps(plan) == []
    finding = only(plan.findings)
    assert (finding.kind, finding.reason, finding.host, finding.fatal) == ("locked", REFUSAL, "kvm1", True)
    failure = only(failures_of_plan(plan))
    assert (failure.code, failure.message) == ("InstanceIsLocked", f"web {REFUSAL}.")
    assert later().findings == plan.findings
    assert "Cannot be done:\n  web is locked: an audit." in plan_table(plan)


def test_its_record_is_still_brought_up_to_date(one):
    plan, later = one(power="paused", metadata={"role": "db"}, tags=["b", "a"], display_name="Till")
    update = only(plan.actions)
    assert update.operation == "update"
    assert update.reason == (
        "was paused outside Novella; the record is corrected (vm_state active -> paused); "
        "tags none -> a, b; display_name none -> Till; metadata.role none -> db"
    )
    assert only(plan.findings).kind == "locked"
    assert later().actions == []


def test_what_is_declared_unlocked_is_unlocked_first(one):
    plan, later = one(locked=False, power="paused", tags=["a"])
    assert steps(plan) == [("unlock", "web"), ("update", "web"), ("unpause", "web")]
    unlock = plan.actions[0]
    assert (unlock.reason, unlock.impact) == ("it is declared unlocked", "live")
    assert only(unlock.diff).as_dict() == {"field": "locked", "before": True, "after": False}
    assert plan.findings == []
    assert later().unchanged == 1


def test_what_is_declared_locked_is_locked_last(one):
    plan, later = one(is_locked=False, locked=True, power="paused", tags=["a"])
    assert steps(plan) == [("update", "web"), ("unpause", "web"), ("lock", "web")]
    assert plan.actions[-1].reason == "it is declared locked"
    assert plan_line(plan) == "Plan: 1 to unpause, 1 to update, 1 to lock; 0 unchanged."
    assert later().unchanged == 1


@pytest.mark.parametrize("is_locked", [True, False])
def test_a_fleet_that_says_nothing_of_the_lock_leaves_it_as_it_is(one, is_locked):
    plan, _later = one(is_locked=is_locked, tags=["a"])
    assert steps(plan) == [("update", "web")]


def test_what_is_declared_locked_is_made_so_at_once(kit):
    fleet = kit.fleet(instances={"web": kit.web(locked=True)})
    hosts = kit.observation(kit.report("kvm1"))
    plan = kit.plan(fleet, hosts)
    create = only(plan.actions)
    assert (create.operation, create.locked) == ("create", True)
    assert ("locked", None, True) in [(change.field, change.before, change.after) for change in create.diff]
    assert Plan.from_document(plan.as_document()) == plan
    assert kit.plan(fleet, kit.carry_out(fleet, hosts, plan)).unchanged == 1


@pytest.mark.parametrize("keeps", [0, 3600])
def test_prune_leaves_what_is_locked_and_deletes_the_rest(kit, keeps):
    before = kit.fleet(instances={"old": kit.web(count=2)})
    seen = [kit.observed(kit.find(before, name)) for name in ("old-1", "old-2")]
    locked = seen[0].but(instance=seen[0].instance.but(locked=True, locked_reason="an audit"))
    host = kit.report("kvm1", [locked, seen[1]]).but(reclaim_instance_interval=keeps)
    fleet = kit.fleet(instances={"old": kit.web(count=0)})
    pruned = kit.plan(fleet, kit.observation(host), prune=True)
    assert steps(pruned) == [("soft_delete" if keeps else "delete", "old-2")]
    finding = only(pruned.findings)
    assert (finding.kind, finding.name, finding.reason, finding.fatal) == ("locked", "old-1", REFUSAL, True)
    kept = kit.plan(fleet, kit.observation(host))
    assert [finding.kind for finding in kept.findings] == ["undeclared", "undeclared"]
