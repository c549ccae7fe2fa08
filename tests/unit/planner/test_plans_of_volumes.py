# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for volumes: attached where they are, never made twice, never deleted without consent."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import Volume
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation, Remembered

DATA = {"data": {"size_gb": 10}}
WITH_DATA = [{"volume": "data"}]


def only(items):
    assert len(items) == 1, items
    return items[0]


def steps(plan: Plan):
    return [(action.operation, action.volume and action.volume.name, action.impact) for action in plan.actions]


class Bench:
    """Fleets of one instance, db, and hosts that have what they declare."""

    def __init__(self, kit):
        self.kit = kit

    def fleet(self, volumes=(), declared=None, **keys):
        body = self.kit.web(**keys, **({"volumes": list(volumes)} if volumes else {}))
        return self.kit.fleet(volumes=DATA if declared is None else declared, instances={"db": body})

    def seen(self, fleet, power="running", **record):
        return self.kit.observed(self.kit.find(fleet, "db"), power, **record)

    def host(self, name, seen=(), volumes=()):
        held = [request for item in seen for request in item.instance.spec.volumes]
        kept = [Volume(item.uuid, item.name, item.size_gb, item.format) for item in held]
        return self.kit.report(name, seen).but(volumes=[*kept, *volumes])

    def plan(self, fleet, *hosts, unreachable=None, **options):
        return self.kit.plan(fleet, self.kit.observation(*hosts, **(unreachable or {})), **options)

    def volume(self, **changes):
        """The volume of the fleets, as a host has it that no instance has it from."""
        request = only(self.kit.find(self.fleet(WITH_DATA), "db").spec.volumes)
        return Volume(request.uuid, "data", 10).but(**changes)


@pytest.fixture
def bench(kit):
    return Bench(kit)


def test_an_instance_that_has_its_volumes_needs_nothing_in_whatever_order(bench):
    both = [{"volume": "data"}, {"size_gb": 5}]
    fleet = bench.fleet(both)
    seen = bench.seen(fleet)
    turned = seen.instance.spec.but(volumes=seen.instance.spec.volumes[::-1])
    plan = bench.plan(fleet, bench.host("kvm1", [seen.but(instance=seen.instance.but(spec=turned))]))
    assert (plan.actions, plan.findings, plan.unchanged) == ([], [], 1)


def test_volumes_come_and_go_and_grow_while_the_guest_runs(bench):
    bare, with_it = bench.fleet(), bench.fleet(WITH_DATA)
    plan = bench.plan(with_it, bench.host("kvm1", [bench.seen(bare)]))
    assert steps(plan) == [("attach_volume", "data", "live")]
    assert plan.actions[0].as_diff()["after"] == {"volumes.data": "10 GiB"}
    assert steps(bench.plan(bare, bench.host("kvm1", [bench.seen(with_it)]))) == [("detach_volume", "data", "live")]
    grown = bench.fleet(WITH_DATA, {"data": {"size_gb": 12}})
    plan = bench.plan(grown, bench.host("kvm1", [bench.seen(with_it)]))
    assert steps(plan) == [("extend_volume", "data", "live")]
    assert plan.actions[0].reason == "volumes.data.size_gb 10 -> 12"
    off = bench.seen(bench.fleet(vm_state="stopped"), "shutdown")
    plan = bench.plan(bench.fleet(WITH_DATA, vm_state="stopped"), bench.host("kvm1", [off]))
    assert steps(plan) == [("attach_volume", "data", None)]


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (
            {"size_gb": 5},
            "volumes.data.size_gb 10 -> 5: a volume never shrinks; the instance stays as it is",
        ),
        (
            {"size_gb": 10, "format": "raw"},
            "volumes.data.format qcow2 -> raw: what a volume was made as, it stays; the instance stays as it is",
        ),
    ],
)
def test_what_no_volume_can_become_is_refused(bench, declared, told):
    seen = bench.seen(bench.fleet(WITH_DATA))
    plan = bench.plan(bench.fleet(WITH_DATA, {"data": declared}), bench.host("kvm1", [seen]))
    finding = only(plan.findings)
    assert (plan.actions, finding.reason, finding.fatal) == ([], told, True)


def test_another_bus_takes_the_volume_out_and_puts_it_in_again(bench):
    seen = bench.seen(bench.fleet(WITH_DATA))
    plan = bench.plan(bench.fleet([{"volume": "data", "bus": "scsi"}]), bench.host("kvm1", [seen]))
    assert [action.operation for action in plan.actions] == ["detach_volume", "attach_volume"]
    assert plan.actions[1].volume.bus == "scsi"


def test_what_becomes_of_a_volume_in_the_end_is_written_down_and_nothing_else(bench):
    seen = bench.seen(bench.fleet(WITH_DATA))
    flagged = bench.fleet([{"volume": "data", "delete_on_termination": True}])
    action = only(bench.plan(flagged, bench.host("kvm1", [seen])).actions)
    assert (action.operation, action.reason) == ("update", "volumes.data.delete_on_termination False -> True")
    assert action.spec.volumes[0].delete_on_termination


@pytest.mark.parametrize("power", ["suspended"])
def test_volumes_of_a_guest_that_cannot_take_them_wait_and_that_is_said(bench, power):
    seen = bench.seen(bench.fleet(vm_state="suspended"), power)
    finding = only(bench.plan(bench.fleet(WITH_DATA, vm_state="suspended"), bench.host("kvm1", [seen])).findings)
    assert finding.fatal
    assert finding.reason == (
        "volumes.data none -> 10 GiB must wait: it is suspended. Run again when it is active, paused or stopped"
    )


def test_a_sata_disk_is_not_given_to_a_running_guest(bench):
    seen = bench.seen(bench.fleet())
    plan = bench.plan(bench.fleet([{"volume": "data", "bus": "sata"}]), bench.host("kvm1", [seen]))
    assert plan.actions == []
    assert "must wait: a sata disk cannot be given to a running guest. Stop it first" in only(plan.findings).reason


def test_a_new_instance_is_made_where_its_volume_is(bench):
    plan = bench.plan(bench.fleet(WITH_DATA), *[bench.host(f"kvm{n}") for n in (1, 2)], bench.host("kvm3"))
    assert only(plan.actions).operation == "create"
    for home in ("kvm1", "kvm2"):
        hosts = [bench.host(n, volumes=[bench.volume()] if n == home else []) for n in ("kvm1", "kvm2")]
        assert only(bench.plan(bench.fleet(WITH_DATA), *hosts).actions).host == home


@pytest.mark.parametrize(
    ("keys", "where", "told"),
    [
        ({"host": "kvm1"}, ["kvm2"], "has its volume 'data' on kvm2, and is bound to kvm1"),
        ({}, ["kvm1", "kvm2"], "its volume 'data' is on kvm1 and kvm2 at once; it is not created elsewhere"),
    ],
)
def test_a_new_instance_that_cannot_live_where_its_volume_is_is_not_made(bench, keys, where, told):
    hosts = [bench.host(name, volumes=[bench.volume()] if name in where else []) for name in ("kvm1", "kvm2")]
    plan = bench.plan(bench.fleet(WITH_DATA, **keys), *hosts)
    assert (plan.actions, only(plan.findings).reason) == ([], told)


def test_an_instance_gets_no_empty_volume_while_the_data_are_on_another_host(bench):
    hosts = [bench.host("kvm1", [bench.seen(bench.fleet())]), bench.host("kvm2", volumes=[bench.volume()])]
    plan = bench.plan(bench.fleet(WITH_DATA), *hosts)
    told = "its volume 'data' is on kvm2, and the instance on kvm1; it is not attached"
    assert (plan.actions, only(plan.findings).reason) == ([], told)


def test_no_volume_is_made_that_may_be_on_a_host_that_does_not_answer(bench, kit):
    hosts = {"kvm1": bench.host("kvm1", [bench.seen(bench.fleet())])}
    silent = {"kvm2": "timed out"}
    for fleet in (bench.fleet(WITH_DATA), bench.fleet([{"size_gb": 1}])):
        plan = kit.plan(fleet, Observation(hosts, silent))
        assert plan.actions == []
        assert "may be on kvm2, which did not answer (timed out); it is not attached" in only(plan.findings).reason
        # The others know what was on it: not this.
        known = Observation(hosts, silent, Remembered({}, []))
        assert [action.operation for action in kit.plan(fleet, known).actions] == ["attach_volume"]


def test_volumes_need_room_where_an_instance_is_made(bench):
    fleet = bench.fleet(WITH_DATA, {"data": {"size_gb": 500}})
    assert only(bench.plan(fleet, bench.host("kvm1")).unplaced).host is None
    there = bench.host("kvm1", volumes=[bench.volume(size_gb=500)])
    assert only(bench.plan(fleet, there).actions).operation == "create"


def test_a_volume_that_is_not_declared_goes_with_prune_and_consent_only(bench):
    fleet = bench.fleet(declared={})
    host = bench.host("kvm1", [bench.seen(bench.fleet())], [bench.volume()])
    for options in ({}, {"prune": True}, {"consent": ["delete_volume"]}):
        plan = bench.plan(fleet, host, **options)
        assert plan.actions == []
        assert (only(plan.findings).name, plan.findings[0].fatal) == ("data", False)
    action = only(bench.plan(fleet, host, prune=True, consent=["delete_volume"]).actions)
    assert (action.operation, action.uuid, action.impact) == ("delete_volume", bench.volume().uuid, "data lost")
    assert bench.plan(bench.fleet(), host, prune=True, consent=["delete_volume"]).actions == []


def test_volumes_of_others_are_none_of_a_fleet_s_business(bench):
    foreign = [bench.volume(fleet="other"), bench.volume(uuid="x", project_id="p"), bench.volume(uuid="y", fleet="")]
    host = bench.host("kvm1", [bench.seen(bench.fleet())], foreign)
    plan = bench.plan(bench.fleet(declared={}), host, prune=True, consent=["delete_volume"])
    assert (plan.actions, plan.findings) == ([], [])


def test_a_volume_of_an_instance_that_is_pruned_stays_until_it_is_free(bench, kit):
    seen = bench.seen(bench.fleet(WITH_DATA))
    empty = kit.fleet(volumes={}, instances={"other": kit.web(count=0)})
    assert only(bench.plan(empty, bench.host("kvm1", [seen])).findings).name == "db"
    plan = bench.plan(empty, bench.host("kvm1", [seen]), prune=True, consent=["delete_volume"])
    assert [action.operation for action in plan.actions] == ["delete", "delete_volume"]


def in_pool(bench, pool, **keys):
    """A fleet whose instance has its volume in a pool."""
    body = bench.kit.web(volumes=WITH_DATA)
    volumes = {"data": {"size_gb": 10, "pool": "shared", **keys}}
    return bench.kit.fleet(volumes=volumes, storage_pools={"shared": pool}, instances={"db": body})


SHARED = {"type": "shared_dir", "path": "/srv/shared"}
SERVER = {"type": "nbd", "host": "store1"}


def test_a_volume_that_all_hosts_see_binds_no_instance_and_is_told_of_once(bench):
    fleet = in_pool(bench, SHARED)
    request = only(bench.kit.find(fleet, "db").spec.volumes)
    there = Volume(request.uuid, "data", 10, pool=request.pool)
    hosts = [bench.host("kvm1", volumes=[there]), bench.host("kvm2", volumes=[there])]
    plan = bench.plan(fleet, *hosts)
    assert [action.operation for action in plan.actions] == ["create"]
    assert plan.findings == []
    bare = bench.fleet(declared={})
    plan = bench.plan(bare, bench.host("kvm1", [bench.seen(bare)], [there]), hosts[1])
    assert [finding.kind for finding in plan.findings] == ["undeclared"]
    plan = bench.plan(bare, bench.host("kvm1", [bench.seen(fleet)], [there]), hosts[1], prune=True)
    assert steps(plan) == [("detach_volume", "data", "live")]


def test_what_a_server_has_is_not_given_to_two_guests_at_once(bench):
    fleet = in_pool(bench, SERVER, name_in_pool="data")
    other = bench.seen(fleet)
    other = other.but(instance=other.instance.but(uuid="another", spec=other.instance.spec.but(name="peer", fleet="x")))
    bare = bench.seen(bench.fleet(declared={}))
    plan = bench.plan(fleet, bench.host("kvm1", [bare]), bench.kit.report("kvm2", [other]))
    assert plan.actions == []
    assert "its volume 'data' is attached to peer on kvm2. Run again" in only(plan.findings).reason
    plan = bench.plan(fleet, bench.kit.report("kvm1"), bench.kit.report("kvm2", [other]))
    assert plan.actions == []


@pytest.mark.parametrize("has_instance", [True, False])
def test_no_empty_volume_is_made_in_another_pool_while_the_data_are_on_another_host(bench, has_instance):
    was = in_pool(bench, {"type": "dir", "path": "/srv/big"})
    request = only(bench.kit.find(was, "db").spec.volumes)
    there = Volume(request.uuid, "data", 10, pool=request.pool)
    here = [bench.seen(bench.fleet(declared={}))] if has_instance else []
    fleet = in_pool(bench, SHARED)
    plan = bench.plan(fleet, bench.host("kvm1", here), bench.host("kvm2", volumes=[there]))
    assert plan.actions == []
    told = only(plan.findings)
    assert told.fatal
    assert (
        "is in the storage pool 'shared' (type dir, path /srv/big) on kvm2, and is declared in the storage pool "
        "'shared' (type shared_dir, path /srv/shared): a volume stays where its data are"
    ) in told.reason


def test_a_pool_of_another_name_is_where_it_was(bench):
    fleet = in_pool(bench, SHARED)
    request = only(bench.kit.find(fleet, "db").spec.volumes)
    there = Volume(request.uuid, "data", 10, pool=request.pool.but(name="once"))
    plan = bench.plan(fleet, bench.host("kvm1", volumes=[there]))
    assert [action.operation for action in plan.actions] == ["create"]


def test_what_an_instance_has_from_a_server_is_not_made_anew_for_another_one(bench):
    was = in_pool(bench, SERVER, name_in_pool="data")
    other = bench.seen(was)
    other = other.but(instance=other.instance.but(uuid="another", spec=other.instance.spec.but(name="peer", fleet="x")))
    bare = bench.seen(bench.fleet(declared={}))
    plan = bench.plan(in_pool(bench, SHARED), bench.host("kvm1", [bare]), bench.kit.report("kvm2", [other]))
    assert plan.actions == []
    assert "(type nbd, host store1) on kvm2, and is declared in" in only(plan.findings).reason
