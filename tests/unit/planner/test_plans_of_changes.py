# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for guests that change in place: by consent where they notice it, and only where it fits."""

from __future__ import annotations

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.drift import Drift

LARGER = {"vcpus": 1, "memory_mb": 512, "root_gb": 8}
SPECS = {
    name: {"vcpus": 1, "memory_mb": 512, "root_gb": 5, "extra_specs": specs}
    for name, specs in {
        "watched": {"hw:watchdog_action": "reset"},
        "pinned": {"hw:cpu_policy": "dedicated"},
        "labelled": {"disk": "ssd"},
    }.items()
}


def only(items):
    assert len(items) == 1, items
    return items[0]


@pytest.fixture
def change(kit):
    """Plan a change of the only instance."""

    def plan(power="running", before=None, drift=(), host=None, **after):
        options = {key: after.pop(key) for key in ("consent",) if key in after}
        flavors = {
            "small": {"vcpus": 1, "memory_mb": 512, "root_gb": 5},
            "large": {"vcpus": 2, "memory_mb": 2048, "root_gb": 10},
            "huge": {"vcpus": 64, "memory_mb": 65536, "root_gb": 10},
            "roomy": LARGER,
            "narrow": {**LARGER, "root_gb": 2},
            **SPECS,
        }
        allow = after.pop("fleet_allow", [])
        old = kit.fleet(flavors=flavors, instances={"web": kit.web(**(before or {}))})
        new = kit.fleet(flavors=flavors, allow=allow, instances={"web": kit.web(**(before or {}), **after)})
        seen = kit.observed(kit.find(old, "web"), power).but(drift=list(drift))
        found = kit.plan(new, kit.observation(kit.report("kvm1", [seen])), **options)
        for action in found.actions:
            assert action.spec is None or action.spec.flavor in (
                kit.find(old, "web").spec.flavor,
                new.flavors.get(after.get("flavor", "small")),
            )
        return found

    return plan


def test_a_larger_flavor_waits_for_consent_and_says_how_to_give_it(change):
    plan = change(flavor="large")
    assert plan.actions == []
    finding = only(plan.findings)
    assert (finding.kind, finding.fatal, finding.host) == ("consent", True, "kvm1")
    assert finding.reason == (
        "flavor.vcpus 1 -> 2 and flavor.memory_mb 512 -> 2048 and flavor.root_gb 5 -> 10 need a restart; "
        "the instance stays as it is. Say consent=restart to have it done"
    )


@pytest.mark.parametrize("word", [{"consent": ["restart"]}, {"allow": ["restart"]}, {"fleet_allow": ["restart"]}])
def test_a_larger_flavor_restarts_the_guest_whoever_consents(change, word):
    plan = change(flavor="large", **word)
    action = only(plan.actions)
    assert (action.operation, action.impact, action.restart) == ("reconfigure", "restart", True)
    assert action.spec.flavor.name == "large"
    assert plan.findings == []


def test_consent_to_a_rebuild_is_none_to_a_restart(change):
    assert change(flavor="large", consent=["rebuild"]).actions == []


def test_what_waits_does_not_hold_up_the_rest(change):
    plan = change(flavor="large", metadata={"role": "web"})
    action = only(plan.actions)
    assert (action.operation, action.spec.flavor.name) == ("update", "small")
    assert only(plan.findings).kind == "consent"


def test_a_guest_that_is_off_needs_no_consent_as_nothing_is_restarted(change):
    plan = change("shutdown", before={"vm_state": "stopped"}, flavor="large")
    action = only(plan.actions)
    assert (action.operation, action.impact, action.restart) == ("reconfigure", "at next boot", False)


def test_a_guest_that_is_started_anyhow_is_changed_before(change):
    plan = change("shutdown", flavor="large")
    assert [(action.operation, action.restart) for action in plan.actions] == [("reconfigure", False), ("start", False)]


def test_a_larger_root_disk_alone_is_live_and_a_smaller_one_refused(change):
    action = only(change(flavor="roomy").actions)
    assert (action.operation, action.impact, action.restart) == ("reconfigure", "live", False)
    plan = change(flavor="narrow", consent=["restart", "rebuild"])
    assert plan.actions == []
    assert only(plan.findings).reason == "flavor.root_gb 5 -> 2 needs a new instance; the instance stays as it is"


def test_a_device_comes_with_the_next_boot_and_nobody_is_asked(change):
    action = only(change(flavor="watched").actions)
    assert (action.operation, action.impact, action.restart) == ("reconfigure", "at next boot", False)


def test_what_only_filters_read_is_in_the_record_alone(change):
    assert only(change(flavor="labelled").actions).operation == "update"


def test_what_does_not_fit_is_told_beforehand_and_all_else_is_done(change):
    plan = change(flavor="huge", consent=["restart"], metadata={"role": "web"})
    assert only(plan.actions).operation == "update"
    finding = only(plan.findings)
    assert finding.fatal
    assert "web does not fit on kvm1: it wants 64 vCPUs, the host has 8 in all" in finding.reason


def test_a_paused_guest_must_wait(change):
    plan = change("paused", before={"vm_state": "paused"}, flavor="large", consent=["restart"])
    assert plan.actions == []
    assert "must wait: it is paused" in only(plan.findings).reason


DEFINED = Drift("vcpus", "1", "3")
RUNNING = Drift("vcpus", "1", "3", is_live=True)
PLUGGED = Drift("disk /tmp/a.img", None, "virtio", is_live=True)


def test_what_somebody_changed_is_told_once_and_left_so(change):
    plan = change(drift=[DEFINED, RUNNING])
    assert plan.actions == []
    finding = only(plan.findings)
    assert (finding.kind, finding.fatal) == ("drift", False)
    assert finding.reason == (
        "was changed outside Novella: vcpus 1 -> 3. Say consent=drift,restart to put it right, which restarts it"
    )


@pytest.mark.parametrize(
    ("drift", "power", "consent", "restart"),
    [
        ([DEFINED], "running", ["drift"], False),
        ([DEFINED, PLUGGED], "running", ["drift"], False),
        ([DEFINED, RUNNING], "running", ["drift", "restart"], True),
    ],
)
def test_it_is_put_right_as_gently_as_it_can_be(change, drift, power, consent, restart):
    action = only(change(power, drift=drift, consent=consent).actions)
    assert (action.operation, action.spec, action.restart) == ("reconfigure", None, restart)
    assert action.impact == ("restart" if restart else "live")


def test_what_needs_no_restart_is_put_right_though_the_rest_waits(change):
    plan = change(drift=[PLUGGED, RUNNING], consent=["drift"])
    assert (only(plan.actions).operation, only(plan.actions).restart) == ("reconfigure", False)
    assert only(plan.findings).reason == (
        "was changed outside Novella: vcpus 1 -> 3. It takes a restart to put it right. "
        "Say consent=drift,restart to have it done"
    )


def test_a_declared_change_says_that_it_puts_the_rest_right(change):
    action = only(change(drift=[DEFINED], flavor="large", consent=["restart"]).actions)
    assert "what was changed outside Novella is put right: vcpus 1 -> 3" in action.reason
