# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for an instance, by where and how it is."""

import json

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import (
    ForeignDomain,
    InstanceInProgress,
    LostInstance,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan


def steps(plan):
    return [(action.operation, action.name, action.host) for action in plan.actions]


def only(items):
    assert len(items) == 1, items
    return items[0]


@pytest.fixture
def one(kit):
    """Plan a fleet of one instance, web, that is on kvm1 in some state."""

    def plan(power="running", declared="active", **record):
        fleet = kit.fleet(instances={"web": kit.web(vm_state=declared)})
        wanted = kit.find(fleet, "web")
        record.setdefault("vm_state", "active")
        seen = kit.observed(wanted, power, **record)
        return kit.plan(fleet, kit.observation(kit.report("kvm1", [seen]), kit.report("kvm2")))

    return plan


def test_a_declared_instance_that_is_nowhere_is_created(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    action = only(kit.plan(fleet, kit.observation(kit.report("kvm1"), kit.report("kvm2"))).actions)
    assert (action.operation, action.host, action.reason) == ("create", "kvm1", "is declared but on no host")
    assert action.alternates == ["kvm2"]
    assert action.limits == {"memory_mb": 4608.0, "vcpu": 32.0, "disk_gb": 200.0}
    assert action.vm_state == "active"
    assert action.spec == kit.find(fleet, "web").spec


@pytest.mark.parametrize(("declared", "created"), [("active", "active"), ("stopped", "stopped"), ("any", "active")])
def test_it_is_created_in_the_declared_state(kit, declared, created):
    fleet = kit.fleet(instances={"web": kit.web(vm_state=declared)})
    assert only(kit.plan(fleet, kit.observation(kit.report("kvm1"))).actions).vm_state == created


@pytest.mark.parametrize(
    ("power", "declared", "record"),
    [
        ("running", "active", "active"),
        ("shutdown", "stopped", "stopped"),
        ("crashed", "stopped", "stopped"),
        ("shutdown", "any", "active"),
        ("running", "any", "stopped"),
        ("paused", "any", "active"),
    ],
)
def test_an_instance_as_declared_needs_nothing(one, power, declared, record):
    plan = one(power, declared, vm_state=record)
    assert (plan.actions, plan.findings, plan.unchanged) == ([], [], 1)


@pytest.mark.parametrize(
    ("power", "declared", "record", "operation", "reason"),
    [
        (
            "shutdown",
            "active",
            "active",
            "start",
            "was stopped outside Novella (vm_state active, power_state shutdown)",
        ),
        ("crashed", "active", "active", "start", "has crashed (vm_state active, power_state crashed)"),
        ("shutdown", "active", "stopped", "start", "vm_state: active is declared, the instance is stopped"),
        ("running", "stopped", "active", "stop", "vm_state: stopped is declared, the instance is active"),
        (
            "running",
            "stopped",
            "stopped",
            "stop",
            "was started outside Novella (vm_state stopped, power_state running)",
        ),
        (
            "running",
            "active",
            "stopped",
            "update",
            "was started outside Novella; the record is corrected (vm_state stopped -> active)",
        ),
        (
            "shutdown",
            "stopped",
            "active",
            "update",
            "was stopped outside Novella; the record is corrected (vm_state active -> stopped)",
        ),
    ],
)
def test_power_is_brought_to_what_is_declared(one, power, declared, record, operation, reason):
    action = only(one(power, declared, vm_state=record).actions)
    assert (action.operation, action.host, action.reason) == (operation, "kvm1", reason)


def test_a_state_that_the_hypervisor_does_not_know_is_reported_and_left(one):
    plan = one("nostate")
    assert plan.actions == []
    finding = only(plan.findings)
    assert (finding.kind, finding.fatal) == ("unsupported", True)
    assert finding.reason.startswith("is nostate: the hypervisor does not know what it does.")


@pytest.mark.parametrize(
    ("power", "declared", "record", "steps_there", "reason"),
    [
        ("running", "paused", "active", ["pause"], "vm_state: paused is declared, the instance is active"),
        ("shutdown", "paused", "stopped", ["start", "pause"], "vm_state: paused is declared, the instance is stopped"),
        ("paused", "stopped", "paused", ["unpause", "stop"], "vm_state: stopped is declared, the instance is paused"),
        ("suspended", "active", "suspended", ["resume"], "vm_state: active is declared, the instance is suspended"),
        (
            "paused",
            "active",
            "active",
            ["update", "unpause"],
            "was paused outside Novella; the record is corrected (vm_state active -> paused)",
        ),
    ],
)
def test_any_state_is_reached_from_any_other_through_active(one, power, declared, record, steps_there, reason):
    actions = one(power, declared, vm_state=record).actions
    assert ([action.operation for action in actions], actions[0].reason) == (steps_there, reason)


@pytest.mark.parametrize(
    ("vm_state", "task_state", "operation", "reason"),
    [
        ("building", "spawning", "create", "its creation did not finish"),
        ("building", None, "create", "its creation did not finish"),
        ("error", None, "create", "its creation did not finish"),
        ("active", "deleting", "create", "its deletion did not finish"),
        ("active", "powering-on", "start", "an operation did not finish (task_state powering-on)"),
        ("active", "updating", "update", "an operation did not finish (task_state updating)"),
    ],
)
def test_what_did_not_finish_is_done_again_on_the_same_host(one, vm_state, task_state, operation, reason):
    action = only(one("shutdown", vm_state=vm_state, task_state=task_state).actions)
    assert (action.operation, action.host, action.reason) == (operation, "kvm1", reason)


def test_a_stop_that_did_not_finish_is_done_again(one):
    action = only(one("running", "stopped", task_state="powering-off").actions)
    assert (action.operation, action.reason) == ("stop", "an operation did not finish (task_state powering-off)")


def test_changed_metadata_is_an_update_in_place(kit):
    before, after = (kit.fleet(instances={"web": kit.web(metadata={"role": role})}) for role in ("web", "db"))
    seen = kit.observation(kit.report("kvm1", [kit.observed(kit.find(before, "web"))]))
    action = only(kit.plan(after, seen).actions)
    assert (action.operation, action.reason, action.impact) == ("update", "metadata.role web -> db", "at next boot")
    assert [change.as_dict() for change in action.diff] == [{"field": "metadata.role", "before": "web", "after": "db"}]
    assert action.spec == kit.find(after, "web").spec
    assert action.vm_state is None


def test_a_flavor_under_a_new_name_is_the_same_flavor(kit):
    before = kit.fleet(instances={"web": kit.web()})
    tiny = {"tiny": {"vcpus": 1, "memory_mb": 512, "root_gb": 5}}
    after = kit.fleet(flavors=tiny, instances={"web": kit.web(flavor="tiny")})
    seen = kit.observation(kit.report("kvm1", [kit.observed(kit.find(before, "web"))]))
    action = only(kit.plan(after, seen).actions)
    assert (action.operation, action.reason) == ("update", "flavor.name small -> tiny")


def test_an_image_from_another_place_is_the_same_by_its_checksum(kit):
    images = [
        {"debian": {"source": source, "checksum": "sha256:" + "0" * 64}}
        for source in ("/srv/a.qcow2", "https://example.org/a.qcow2")
    ]
    before, after = (kit.fleet(images=image, instances={"web": kit.web()}) for image in images)
    seen = kit.observation(kit.report("kvm1", [kit.observed(kit.find(before, "web"))]))
    assert only(kit.plan(after, seen).actions).operation == "update"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ssh_keys": ["ssh-ed25519 AAAA"]}, "a change of ssh_keys"),
        ({"user_data": "#!/bin/sh"}, "a change of user_data"),
        ({"image": "alpine"}, "image.source /srv/images/debian.qcow2 -> /srv/images/alpine.qcow2"),
    ],
)
def test_what_takes_a_new_root_disk_is_done_with_consent_alone(kit, change, reason):
    images = {name: {"source": f"/srv/images/{name}.qcow2"} for name in ("debian", "alpine")}
    changed = {**change, "metadata": {"a": "b"}}
    before, after = (kit.fleet(images=images, instances={"web": kit.web(**keys)}) for keys in ({}, changed))
    seen = kit.observation(kit.report("kvm1", [kit.observed(kit.find(before, "web"))]))
    plan = kit.plan(after, seen)
    assert only(plan.actions).operation == "update"
    finding = only(plan.findings)
    assert finding.fatal
    assert finding.reason == (
        f"{reason} needs a rebuild, by which the data on its root disk are lost; the instance stays as it is. "
        "Say consent=rebuild to have it done"
    )
    plan = kit.plan(after, seen, consent=["rebuild"])
    action = only(plan.actions)
    assert (action.operation, action.reason, action.impact) == ("rebuild", reason, "data lost")
    assert action.spec == kit.find(after, "web").spec
    assert plan.findings == []


@pytest.mark.parametrize(
    ("ephemeral", "price", "impact"),
    [
        ({}, "which restarts it and keeps the data on its volumes", "data kept"),
        ({"ephemeral_gb": 1}, "by which the data on its ephemeral disks are lost", "data lost"),
    ],
)
def test_a_rebuild_of_what_boots_from_a_volume_keeps_that_and_says_so(kit, ephemeral, price, impact):
    flavors = {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1, **ephemeral}}
    system = {"size_gb": 2, "image": "debian", "boot_index": 0}
    before, after = (
        kit.fleet(flavors=flavors, instances={"web": {"flavor": "small", "volumes": [system], **keys}})
        for keys in ({}, {"user_data": "#!/bin/sh"})
    )
    seen = kit.observation(kit.report("kvm1", [kit.observed(kit.find(before, "web"))]))
    finding = only(kit.plan(after, seen).findings)
    assert f"a change of user_data needs a rebuild, {price}; the instance stays as it is." in finding.reason
    action = only(kit.plan(after, seen, consent=["rebuild"]).actions)
    assert (action.operation, action.impact) == ("rebuild", impact)


def test_a_rescued_instance_is_left_alone_until_it_is_unrescued(kit):
    before = kit.fleet(instances={"web": kit.web()})
    after = kit.fleet(instances={"web": kit.web(vm_state="stopped", metadata={"a": "b"})})
    seen = kit.observed(kit.find(before, "web"), vm_state="rescued")
    plan = kit.plan(after, kit.observation(kit.report("kvm1", [seen])))
    assert plan.actions == []
    finding = only(plan.findings)
    assert (finding.kind, finding.fatal) == ("rescued", False)
    assert finding.reason == "is rescued; it is brought to what is declared when it is unrescued"


def test_an_instance_on_two_hosts_is_reported_and_neither_is_touched(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    seen = kit.observed(kit.find(fleet, "web"), "shutdown")
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", [seen]), kit.report("kvm2", [seen])), prune=True)
    assert plan.actions == []
    finding = only(plan.findings)
    assert (finding.kind, finding.fatal) == ("split", True)
    assert finding.reason.startswith("is on kvm1 and kvm2 at once")


def test_an_undeclared_instance_on_two_hosts_is_not_pruned(kit):
    seen = kit.observed(kit.find(kit.fleet(instances={"web": kit.web()}), "web"))
    hosts = kit.observation(kit.report("kvm1", [seen]), kit.report("kvm2", [seen]))
    plan = kit.plan(kit.fleet(instances={"db": kit.web(vm_state="any", host="kvm1")}), hosts, prune=True)
    assert steps(plan) == [("create", "db", "kvm1")]
    assert only(plan.findings).kind == "split"


def test_a_lost_domain_whose_disk_is_there_is_built_on_it_again(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    lost = LostInstance(kit.find(fleet, "web").uuid, "web", has_disk=True)
    action = only(kit.plan(fleet, kit.observation(kit.report("kvm1"), kit.report("kvm2", lost=[lost]))).actions)
    assert (action.operation, action.host) == ("create", "kvm2")
    assert action.reason == "its domain is gone from kvm2; its root disk is kept and used again"
    assert action.impact == "data kept"


def test_a_lost_domain_without_a_disk_may_go_anywhere(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    lost = LostInstance(kit.find(fleet, "web").uuid, "web")
    action = only(kit.plan(fleet, kit.observation(kit.report("kvm1"), kit.report("kvm2", lost=[lost]))).actions)
    assert (action.host, action.reason) == ("kvm1", "its domain and disk are gone from kvm2")


def test_what_comes_back_to_its_disk_takes_its_room_before_others_are_placed(kit):
    fleet = kit.fleet(instances={"new": kit.web(flavor="large"), "old": kit.web(flavor="large")})
    lost = LostInstance(kit.find(fleet, "old").uuid, "old", has_disk=True)
    hosts = kit.observation(kit.report("kvm1", lost=[lost], memory_mb=3000), kit.report("kvm2", memory_mb=2600))
    assert steps(kit.plan(fleet, hosts)) == [("create", "new", "kvm2"), ("create", "old", "kvm1")]


def test_root_disks_on_two_hosts_are_left_to_a_human(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    lost = LostInstance(kit.find(fleet, "web").uuid, "web", has_disk=True)
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", lost=[lost]), kit.report("kvm2", lost=[lost])))
    assert plan.actions == []
    assert only(plan.findings).kind == "split"


@pytest.mark.parametrize("was_lost", [False, True])
def test_unreachable_is_not_absent(kit, was_lost):
    fleet = kit.fleet(instances={"web": kit.web()})
    lost = [LostInstance(kit.find(fleet, "web").uuid, "web")] if was_lost else []
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", lost=lost), kvm3="timed out"))
    assert plan.actions == []
    finding = only(plan.findings)
    assert (finding.kind, finding.fatal) == ("unknown", True)
    assert finding.reason == "may be on kvm3, which did not answer (timed out); it is not created elsewhere"


def test_an_instance_that_is_seen_is_looked_after_while_another_host_is_silent(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    seen = kit.observed(kit.find(fleet, "web"), "shutdown")
    assert steps(kit.plan(fleet, kit.observation(kit.report("kvm1", [seen]), kvm3="timed out"))) == [
        ("start", "web", "kvm1")
    ]


def test_a_domain_with_the_uuid_but_no_record_forbids_to_create_another(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    foreign = ForeignDomain(kit.find(fleet, "web").uuid, "web", "running")
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1"), kit.report("kvm2", foreign=[foreign])))
    assert plan.actions == []
    assert only(plan.findings).reason == (
        "has a domain on kvm2 without a record that can be read; it counts as foreign and is not touched"
    )


def test_what_another_run_works_on_is_left_to_it(kit):
    old, fleet = kit.fleet(instances={"old": kit.web()}), kit.fleet(instances={"web": kit.web()})
    busy = [
        InstanceInProgress(kit.find(fleet, "web").uuid, "web", "create"),
        InstanceInProgress(kit.find(old, "old").uuid, "old", "delete"),
    ]
    hosts = kit.observation(kit.report("kvm1", [kit.observed(kit.find(old, "old"))], busy=busy), kit.report("kvm2"))
    plan = kit.plan(fleet, hosts, prune=True)
    assert plan.actions == []
    assert [(finding.kind, finding.reason, finding.fatal) for finding in plan.findings] == [
        ("busy", "is in the hands of another run (create on kvm1), and is left to it", False),
        ("busy", "is in the hands of another run (delete on kvm1), and is left to it", False),
    ]


def test_a_group_counts_the_members_that_another_run_is_building(kit):
    fleet = kit.fleet(
        server_groups={"web": {"policy": "anti-affinity"}}, instances={"web": kit.web(count=2, server_group="web")}
    )
    busy = [InstanceInProgress(kit.find(fleet, "web-1").uuid, "web-1", "create")]
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", busy=busy), kit.report("kvm2", memory_mb=2048)))
    assert steps(plan) == [("create", "web-2", "kvm2")]


@pytest.mark.parametrize("other", [{"name": "other"}, {"project_id": "other"}])
def test_instances_of_another_fleet_or_project_are_neither_pruned_nor_reported(kit, other):
    seen = kit.observed(kit.find(kit.fleet(instances={"web": kit.web()}, **other), "web"))
    plan = kit.plan(
        kit.fleet(instances={"web": kit.web(count=0)}), kit.observation(kit.report("kvm1", [seen])), prune=True
    )
    assert (plan.actions, plan.findings) == ([], [])


def test_foreign_domains_count_as_used_and_are_never_touched(kit):
    foreign = [ForeignDomain("f00d", "precious", "running", 2, 4000, 10)]
    fleet = kit.fleet(instances={"web": kit.web()})
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", foreign=foreign), kit.report("kvm2")), prune=True)
    assert steps(plan) == [("create", "web", "kvm2")]


def test_only_failed_creates_are_planned_again_without_the_hosts_that_were_tried(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=3)})
    uuid = kit.find(fleet, "web-2").uuid
    hosts = kit.observation(*(kit.report(name) for name in ("kvm1", "kvm2", "kvm3")))
    plan = kit.plan(fleet, hosts, tried={uuid: ["kvm1", "kvm2"]})
    assert steps(plan) == [("create", "web-2", "kvm3")]
    assert plan.actions[0].reason == "could not be created on kvm1 and kvm2"


def test_a_failed_create_that_left_something_behind_is_not_built_elsewhere(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    wanted = kit.find(fleet, "web")
    half = kit.observed(wanted, "shutdown", vm_state="building")
    disk = LostInstance(wanted.uuid, "web", has_disk=True)
    for left in (kit.report("kvm1", [half]), kit.report("kvm1", lost=[disk])):
        plan = kit.plan(fleet, kit.observation(left, kit.report("kvm2")), tried={wanted.uuid: ["kvm1"]})
        assert plan.actions == []


def test_the_plan_marks_its_hosts_and_survives_being_written(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=2), "big": kit.web(flavor="huge")})
    hosts = kit.observation(kit.report("kvm1", generation=7), kit.report("kvm2"))
    plan = kit.plan(fleet, hosts)
    assert plan.hosts["kvm1"].generation == 7
    assert plan.hosts["kvm1"].digest == hosts.reports["kvm1"].digest()
    assert Plan.from_document(json.loads(json.dumps(plan.as_document()))) == plan


def test_no_secret_is_in_a_plan(kit):
    fleet = kit.fleet(instances={"web": kit.web(user_data="password: hunter2")})
    assert "hunter2" not in json.dumps(kit.plan(fleet, kit.observation(kit.report("kvm1"))).as_document())
