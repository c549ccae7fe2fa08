# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims of moves on two hosts, or twice on one: what is held until a move is confirmed or reverted."""

import dataclasses
import json
from collections.abc import Iterator

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware_claims import Claimant
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.migrations import Migrations
from ansible_collections.novella.compute.plugins.module_utils.compute.move_request import MoveRequest
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_tracker import ResourceTracker
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    InstanceExists,
    InstanceInvalidState,
    InstanceLocked,
    InstanceNotFound,
    InvalidInput,
    MigrationNotFound,
    NotSupported,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.pci import PciRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from support.fake_host import FakeHost, create

CELLS = [{"id": 0, "cpuset": "0-7", "memory": 8192, "mempages": [{"size_kb": 4, "total": 2097152}]}]
DEVICES = [
    {"address": f"0000:03:00.{number}", "vendor_id": "8086", "product_id": "1520", "numa_node": 0}
    for number in range(3)
]
NIC = PciRequest(1, [{"vendor_id": "8086"}], "nic")
SMALL = Flavor("small", 1, 512, 1, extra_specs={"resources:CUSTOM_LICENCE": "1"})
LARGE = Flavor("large", 3, 2048, 5, extra_specs={"resources:CUSTOM_LICENCE": "2"})
PINNED = Flavor("pinned", 1, 512, 1, extra_specs={"hw:cpu_policy": "dedicated", "pci_passthrough:alias": "nic:1"})
WIDE = Flavor("wide", 2, 1024, 1, extra_specs={"hw:cpu_policy": "dedicated", "pci_passthrough:alias": "nic:1"})

FORWARD = ("migrating", "post-migrating", "finished")
LIVE_FORWARD = ("queued", "preparing", "running")


@pytest.fixture
def hosts(tmp_path) -> Iterator[dict[str, FakeHost]]:
    """Two hosts with cells, devices and licences."""
    made = {}
    for name in ("kvm1", "kvm2"):
        path = tmp_path / name
        path.mkdir()
        options = HostOptions(
            host=name,
            driver="fake",
            state_path=str(path),
            reserved_host_memory_mb=0,
            cpu_shared_set="0-3",
            cpu_dedicated_set="4-7",
            pci_device_spec=[{"vendor_id": "8086"}],
            resources={"CUSTOM_LICENCE": 4},
        )
        db = TrackerDB(str(path))
        made[name] = FakeHost(path, options, db, FakeDriver(name, str(path), db))
        made[name].settings(resources={"numa_cells": CELLS}, pci_devices=DEVICES)
    yield made
    for host in made.values():
        host.db.close()


@pytest.fixture
def here(hosts) -> FakeHost:
    return hosts["kvm1"]


@pytest.fixture
def there(hosts) -> FakeHost:
    return hosts["kvm2"]


def tracker(host: FakeHost) -> ResourceTracker:
    return ResourceTracker(host.options, host.driver, host.db)


def node(host: FakeHost) -> str:
    """The host's record, byte for byte, but for when it was made."""
    return json.dumps(tracker(host).update_available_resource()[0].but(updated_at=None).as_dict())


def used(host: FakeHost) -> tuple[int, int, int, int]:
    counted = tracker(host).update_available_resource()[0]
    licences = counted.resources_used.get("CUSTOM_LICENCE", 0)
    return counted.vcpus_used, counted.memory_mb_used, counted.local_gb_used, licences


def pinned(host: FakeHost) -> tuple[str, int]:
    counted = tracker(host).update_available_resource()[0]
    return counted.numa_topology.cells[0].pinned_cpus, sum(pool.count for pool in counted.pci_device_pools)


def build(host: FakeHost, name: str, flavor: Flavor = SMALL) -> Instance:
    action = create(name)
    requests = [NIC] if "pci_passthrough:alias" in flavor.extra_specs else []
    action = action.but(host=host.options.host, spec=action.spec.but(flavor=flavor), pci_requests=requests)
    assert host.reconcile(action)[0]["status"] == "done"
    return read(host, name)


def read(host: FakeHost, name: str) -> Instance:
    return Instance.from_document(host.driver.get_domain(f"uuid-of-{name}").record)


def remove(host: FakeHost, instance: Instance) -> None:
    host.driver.power_off(instance.uuid)
    host.driver.undefine(instance.uuid)


def request(instance: Instance, source: str = "kvm1", flavor: Flavor = SMALL, **changes) -> MoveRequest:
    requests = [NIC] if "pci_passthrough:alias" in flavor.extra_specs else []
    return MoveRequest(instance, source, instance.spec.but(flavor=flavor), pci_requests=requests, **changes)


def walk(host: FakeHost, uuid: str, *statuses: str) -> None:
    for status in statuses:
        tracker(host).advance_migration(uuid, status)


# -- to another size on one host ------------------------------------------------------------------------------------


def test_a_resize_in_its_place_holds_both_sizes(here) -> None:
    instance = build(here, "a")
    claimed = tracker(here).resize_claim(request(instance, flavor=LARGE))
    assert (claimed.migration_type, claimed.status, claimed.source_host, claimed.dest_host) == (
        "resize",
        "pre-migrating",
        "kvm1",
        "kvm1",
    )
    assert used(here) == (1 + 3, 512 + 2048, 1 + 5, 1 + 2)
    walk(here, claimed.uuid, *FORWARD)
    here.driver.define(instance.but(spec=instance.spec.but(flavor=LARGE)))
    assert used(here) == (3 + 1, 2048 + 512, 5 + 1, 2 + 1)


def test_confirming_a_resize_gives_the_old_size_back(here) -> None:
    instance = build(here, "a")
    claimed = tracker(here).resize_claim(request(instance, flavor=LARGE))
    walk(here, claimed.uuid, *FORWARD)
    here.driver.define(instance.but(spec=instance.spec.but(flavor=LARGE)))
    confirmed = tracker(here).confirm_resize(claimed.uuid)
    assert (confirmed.status, confirmed.old) == ("confirmed", None)
    assert used(here) == (3, 2048, 5, 2)


@pytest.mark.parametrize("flavor", [SMALL, PINNED])
def test_claim_and_revert_leave_the_record_as_it_was(here, flavor) -> None:
    instance = build(here, "a", flavor)
    before = node(here)
    claimed = tracker(here).resize_claim(request(instance, flavor=LARGE if flavor is SMALL else WIDE))
    assert node(here) != before
    walk(here, claimed.uuid, *FORWARD)
    reverted = tracker(here).revert_resize(claimed.uuid)
    assert (reverted.status, reverted.new) == ("reverted", None)
    assert (reverted.old.flavor, reverted.old.numa_topology) == (flavor, instance.numa_topology)
    assert node(here) == before


def test_a_resize_that_came_to_nothing_gives_its_claim_back(here) -> None:
    instance = build(here, "a", PINNED)
    before = node(here)
    claimed = tracker(here).resize_claim(request(instance, flavor=WIDE))
    assert pinned(here) == ("4-6", 1)
    assert tracker(here).abort_resize_claim(claimed.uuid).status == "error"
    assert node(here) == before


def test_a_move_that_has_begun_cannot_be_aborted(here) -> None:
    claimed = tracker(here).resize_claim(request(build(here, "a"), flavor=LARGE))
    walk(here, claimed.uuid, "migrating")
    with pytest.raises(InstanceInvalidState, match="is migrating and cannot be aborted"):
        tracker(here).abort_resize_claim(claimed.uuid)


def test_each_half_can_be_dropped_by_its_name(here) -> None:
    # Nova drops the new half whichever is named.
    instance = build(here, "a")
    claimed = tracker(here).resize_claim(request(instance, flavor=LARGE))
    walk(here, claimed.uuid, *FORWARD)
    assert tracker(here).drop_move_claim(claimed.uuid, "old_").new is not None
    assert used(here)[1] == 512 + 2048
    here.driver.define(instance.but(spec=instance.spec.but(flavor=LARGE)))
    assert used(here)[1] == 2048
    assert tracker(here).drop_move_claim(claimed.uuid).new is None
    with pytest.raises(InvalidInput, match="prefix must be old_ or new_, not 'newer_'"):
        tracker(here).drop_move_claim(claimed.uuid, "newer_")


def test_a_resize_to_the_same_size_in_the_same_place_is_none(here) -> None:
    with pytest.raises(InvalidInput, match="a has the flavor 'small' on kvm1 already"):
        tracker(here).resize_claim(request(build(here, "a")))


def test_both_sizes_must_fit_at_once(here) -> None:
    instance = build(here, "a", LARGE)
    big = LARGE.__class__("big", 4, 7000, 1)
    with pytest.raises(ComputeResourcesUnavailable, match="it wants 7000 MB of memory, 6144 are free"):
        tracker(here).resize_claim(request(instance, flavor=big))
    assert Migrations(here.db).list_open() == []


def test_the_schedulers_limits_hold_for_moves_too(here, there) -> None:
    instance = build(here, "a")
    with pytest.raises(ComputeResourcesUnavailable, match="512 MB of memory, 511 are free"):
        tracker(there).resize_claim(request(instance, limits={"memory_mb": 511.0}))
    with pytest.raises(ComputeResourcesUnavailable, match="lacks 1 CUSTOM_LICENCE"):
        tracker(there).resize_claim(request(instance, flavor=LARGE.but(extra_specs={"resources:CUSTOM_LICENCE": "5"})))


# -- to another host ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "then"), [(SMALL, LARGE), (PINNED, WIDE), (PINNED, PINNED)])
def test_a_move_holds_each_half_on_its_host_until_it_is_confirmed(here, there, first, then) -> None:
    empty = {"kvm1": node(here), "kvm2": node(there)}
    instance = build(here, "a", first)
    alone = node(here)
    claimed = tracker(there).resize_claim(request(instance, flavor=then))
    assert claimed.migration_type == ("migration" if first is then else "resize")
    tracker(here).hold_move_source(claimed)
    coming = node(there)
    assert node(here) == alone
    for host in (here, there):
        walk(host, claimed.uuid, "migrating", "post-migrating")
    # The guest leaves here; what it had is kept for the way back.
    remove(here, instance)
    assert node(here) != empty["kvm1"]
    assert json.loads(node(here))["memory_mb_used"] == first.memory_mb
    assert pinned(here) == (("4", 2) if first is PINNED else ("", 3))
    # It comes there, and counts once.
    new = claimed.new
    there.driver.define(
        instance.but(
            spec=instance.spec.but(flavor=then),
            vm_state="active",
            numa_topology=new.numa_topology,
            pci_devices=new.pci_devices,
        )
    )
    arrived = json.loads(node(there))
    assert {**arrived, "stats": {}, "running_vms": 0} == {**json.loads(coming), "stats": {}, "running_vms": 0}
    for host in (here, there):
        walk(host, claimed.uuid, "finished")
        tracker(host).confirm_resize(claimed.uuid)
    assert node(here) == empty["kvm1"]
    assert json.loads(node(there)) == arrived


def test_a_move_that_is_reverted_leaves_nothing_on_its_destination(here, there) -> None:
    empty = node(there)
    instance = build(here, "a", PINNED)
    before = node(here)
    claimed = tracker(there).resize_claim(request(instance, flavor=PINNED))
    tracker(here).hold_move_source(claimed)
    for host in (here, there):
        walk(host, claimed.uuid, *FORWARD)
    remove(here, instance)
    there.driver.define(instance)
    remove(there, instance)
    for host in (here, there):
        walk(host, claimed.uuid, "reverting")
    assert json.loads(node(here))["memory_mb_used"] == 512
    here.driver.define(instance)
    for host in (here, there):
        tracker(host).revert_resize(claimed.uuid)
    assert (node(here), node(there)) == (before, empty)


def test_a_repeat_is_harmless(here, there) -> None:
    instance = build(here, "a")
    first = tracker(there).resize_claim(request(instance, flavor=LARGE, uuid="m1"))
    counted = used(there)
    again = tracker(there).resize_claim(request(instance, flavor=LARGE, uuid="m1"))
    assert (used(there), again.uuid) == (counted, first.uuid)
    held = tracker(here).hold_move_source(again)
    assert tracker(here).hold_move_source(again) == held
    for host in (here, there):
        walk(host, "m1", *FORWARD, "finished")
    assert tracker(here).confirm_resize("m1").status == tracker(here).confirm_resize("m1").status == "confirmed"
    assert tracker(here).abort_resize_claim("m1").status == "confirmed"


def test_an_instance_moves_once_at_a_time(here, there) -> None:
    instance = build(here, "a")
    claimed = tracker(there).resize_claim(request(instance, flavor=LARGE))
    with pytest.raises(InstanceInvalidState, match=r"a is being moved already \(resize to kvm2, pre-migrating\)"):
        tracker(there).live_migration_claim(request(instance))
    tracker(here).hold_move_source(claimed)
    with pytest.raises(InstanceInvalidState, match="is being moved already"):
        tracker(here).resize_claim(request(instance, flavor=LARGE))
    outcome = tracker(there).instance_claims([Claimant(instance, {})])
    assert isinstance(outcome[instance.uuid], InstanceLocked)
    tracker(there).abort_resize_claim(claimed.uuid)
    assert tracker(there).live_migration_claim(request(instance)).status == "accepted"


def test_what_is_not_there_does_not_move(here, there) -> None:
    instance = build(here, "a")
    with pytest.raises(InstanceNotFound, match="is not on kvm2"):
        tracker(there).resize_claim(request(instance, source="kvm2", flavor=LARGE))
    with pytest.raises(InstanceExists, match="is on kvm1 already"):
        tracker(here).resize_claim(request(instance, source="kvm2", flavor=LARGE))
    claimed = tracker(there).resize_claim(request(instance, flavor=LARGE))
    remove(here, instance)
    with pytest.raises(InstanceNotFound, match="is not on kvm1"):
        tracker(here).hold_move_source(claimed)
    with pytest.raises(MigrationNotFound, match="knows no migration m9"):
        tracker(here).confirm_resize("m9")


def test_a_disabled_host_takes_no_moves(here, there) -> None:
    instance = build(here, "a")
    there.db.set_fact("service", {"disabled": True, "disabled_reason": "new memory"})
    with pytest.raises(ComputeResourcesUnavailable, match="is disabled: new memory"):
        tracker(there).resize_claim(request(instance, flavor=LARGE))


# -- what vanishes, fails or dies holds nothing ---------------------------------------------------------------------


def test_a_source_whose_guest_vanished_before_the_move_began_holds_nothing(here, there) -> None:
    empty = node(here)
    instance = build(here, "a")
    tracker(here).hold_move_source(tracker(there).resize_claim(request(instance, flavor=LARGE)))
    remove(here, instance)
    assert node(here) == empty


def test_a_resize_in_its_place_of_what_vanished_holds_nothing(here) -> None:
    empty = node(here)
    instance = build(here, "a")
    walk(here, tracker(here).resize_claim(request(instance, flavor=LARGE)).uuid, *FORWARD)
    remove(here, instance)
    assert node(here) == empty


def test_a_destination_that_should_have_its_guest_by_now_holds_nothing(here, there) -> None:
    empty = node(there)
    claimed = tracker(there).resize_claim(request(build(here, "a"), flavor=LARGE))
    walk(there, claimed.uuid, "migrating", "post-migrating")
    assert node(there) != empty
    walk(there, claimed.uuid, "finished")
    assert node(there) == empty


@pytest.mark.parametrize(
    ("states", "holds"),
    [
        ({"vm_state": "active"}, False),
        ({"vm_state": "resized"}, True),
        ({"vm_state": "stopped", "task_state": "resize_migrating"}, True),
        ({"vm_state": "active", "task_state": "migrating"}, True),
        ({"vm_state": "active", "task_state": "image_backup"}, False),
    ],
)
def test_a_move_in_error_holds_while_the_instance_says_that_it_moves(here, states, holds) -> None:
    instance = build(here, "a")
    claimed = tracker(here).resize_claim(request(instance, flavor=LARGE))
    walk(here, claimed.uuid, "migrating", "error")
    here.driver.save_record(instance.but(**states))
    assert used(here)[1] == (512 + 2048 if holds else 512)


def test_a_claim_whose_run_died_is_given_back(here, there) -> None:
    empty = node(there)
    instance = build(here, "a")
    claimed = tracker(there).resize_claim(request(instance, flavor=LARGE, run="r1", seconds=-1.0))
    assert node(there) != empty
    assert tracker(there).drop_stale_claims() == 1
    assert (node(there), Migrations(there.db).get(claimed.uuid).status) == (empty, "error")


def test_a_claim_that_a_controller_holds_stays_until_its_lease_ends(here, there) -> None:
    instance = build(here, "a")
    tracker(there).resize_claim(request(instance, flavor=LARGE, run="r1", seconds=60.0))
    assert tracker(there).drop_stale_claims() == 0
    assert used(there)[1] == 2048


def test_a_source_knows_its_own_run_and_not_the_destinations(here, there) -> None:
    instance = build(here, "a")
    claimed = tracker(there).resize_claim(request(instance, flavor=LARGE, run="r1", seconds=60.0))
    elsewhere = claimed.but(owner="lease:r1:another-boot:9")
    tracker(here).hold_move_source(elsewhere, run="r1", seconds=60.0)
    assert tracker(here).drop_stale_claims() == 0
    walk(here, claimed.uuid, "migrating")
    remove(here, instance)
    assert used(here) == (1, 512, 1, 1)


def test_the_next_run_takes_the_place_of_a_dead_one(here, there) -> None:
    instance = build(here, "a")
    tracker(there).resize_claim(request(instance, flavor=LARGE, run="r1", seconds=-1.0))
    tracker(there).resize_claim(request(instance, flavor=LARGE, run="r2"))
    assert (used(there)[1], len(Migrations(there.db).list_open())) == (2048, 1)


# -- live, evacuated, rebuilt ---------------------------------------------------------------------------------------


def test_a_live_migration_holds_its_place_until_the_guest_has_come(here, there) -> None:
    instance = build(here, "a", PINNED)
    build(there, "other", PINNED)
    claimed = tracker(there).live_migration_claim(request(instance, flavor=PINNED))
    tracker(here).hold_move_source(claimed)
    assert pinned(there) == ("4-5", 1)
    for host in (here, there):
        walk(host, claimed.uuid, *LIVE_FORWARD)
    # It arrives with the record that it had on its source, where it was pinned to CPU 4.
    there.driver.define(instance)
    assert pinned(there) == ("4-5", 1)
    for host in (here, there):
        walk(host, claimed.uuid, "completed")
    remove(here, instance)
    assert pinned(here) == ("", 3)


def test_a_live_migration_keeps_the_size_of_its_pages(here, there) -> None:
    pages = [{"size_kb": 4, "total": 2097152}, {"size_kb": 2048, "total": 512}]
    here.settings(resources={"numa_cells": [{**CELLS[0], "mempages": pages}]})
    large = SMALL.but(extra_specs={"hw:mem_page_size": "any"})
    instance = build(here, "a", large)
    assert instance.numa_topology.cells[0].pagesize == 2048
    with pytest.raises(ComputeResourcesUnavailable, match="pages of 2048 KiB, and here they would have 4 KiB"):
        tracker(there).live_migration_claim(request(instance, flavor=large))


def test_an_evacuation_claims_what_the_instance_had(here, there) -> None:
    instance = build(here, "a", LARGE)
    claimed = tracker(there).rebuild_claim(request(instance, flavor=LARGE))
    assert (claimed.migration_type, claimed.status, used(there)) == ("evacuation", "pre-migrating", (3, 2048, 5, 2))
    there.driver.define(instance)
    walk(there, claimed.uuid, "done", "completed")
    assert used(there) == (3, 2048, 5, 2)


def test_a_rebuild_in_its_place_holds_it_while_the_domain_is_away(here) -> None:
    instance = build(here, "a")
    before = node(here)
    claimed = tracker(here).rebuild_claim(MoveRequest(instance, "kvm1", instance.spec.but(image=Image("new", "/n"))))
    assert (claimed.migration_type, node(here)) == ("rebuild", before)
    remove(here, instance)
    assert used(here) == (1, 512, 1, 1)
    walk(here, claimed.uuid, "done")
    assert used(here) == (0, 0, 0, 0)


def test_a_rebuild_changes_no_resources(here) -> None:
    instance = build(here, "a")
    image = Image("new", "/n", properties={"hw_numa_nodes": "1"})
    with pytest.raises(NotSupported, match="it would have other resources than now"):
        tracker(here).rebuild_claim(MoveRequest(instance, "kvm1", instance.spec.but(image=image)))


# -- statuses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "path"),
    [
        ("resize_claim", ["migrating", "post-migrating", "finished", "confirming", "confirmed"]),
        ("resize_claim", ["migrating", "post-migrating", "finished", "reverting", "reverted"]),
        ("resize_claim", ["migrating", "error"]),
        ("live_migration_claim", ["queued", "preparing", "running", "completed"]),
        ("live_migration_claim", ["queued", "preparing", "running", "running (post-copy)", "completed"]),
        ("live_migration_claim", ["queued", "cancelled"]),
        ("live_migration_claim", ["queued", "preparing", "failed"]),
        ("rebuild_claim", ["done", "completed"]),
        ("rebuild_claim", ["failed"]),
    ],
)
def test_a_migration_goes_the_way_of_its_type(here, there, claim, path) -> None:
    claimed = getattr(tracker(there), claim)(request(build(here, "a")))
    walk(there, claimed.uuid, *path)
    assert Migrations(there.db).get(claimed.uuid).status == path[-1]


@pytest.mark.parametrize(
    ("claim", "status", "goes_on_to"),
    [
        ("resize_claim", "finished", "It goes on to migrating or error."),
        ("resize_claim", "completed", "It goes on to migrating or error."),
        ("live_migration_claim", "running", "It goes on to queued or failed or cancelled or error."),
        ("rebuild_claim", "reverted", "It goes on to done or failed or error."),
    ],
)
def test_a_migration_skips_no_status(here, there, claim, status, goes_on_to) -> None:
    claimed = getattr(tracker(there), claim)(request(build(here, "a")))
    with pytest.raises(InstanceInvalidState, match=goes_on_to):
        tracker(there).advance_migration(claimed.uuid, status)


def test_only_what_is_finished_is_confirmed_or_reverted(here, there) -> None:
    claimed = tracker(there).resize_claim(request(build(here, "a"), flavor=LARGE))
    for end in (tracker(there).confirm_resize, tracker(there).revert_resize):
        with pytest.raises(InstanceInvalidState, match="is pre-migrating and cannot become"):
            end(claimed.uuid)
    assert used(there)[1] == 2048


def test_ended_migrations_are_kept_in_a_bounded_number(here, there) -> None:
    instance = build(here, "a")
    for number in range(105):
        tracker(there).resize_claim(request(instance, flavor=LARGE, uuid=f"m{number}"))
        tracker(there).abort_resize_claim(f"m{number}")
    assert len(there.db.query("SELECT 1 FROM migrations")) == 100


def test_overhead_is_counted_for_each_half(here, there) -> None:
    there.options = dataclasses.replace(there.options, instance_overhead_memory_mb=100)
    tracker(there).resize_claim(request(build(here, "a"), flavor=LARGE))
    assert used(there)[1] == 2148
