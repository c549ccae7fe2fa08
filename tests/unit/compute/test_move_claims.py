# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims of moves on two hosts, or twice on one: what is held until a move is confirmed or reverted."""

import json

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware_claims import Claimant
from ansible_collections.novella.compute.plugins.module_utils.compute.migrations import Migrations
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    InstanceExists,
    InstanceInvalidState,
    InstanceLocked,
    InstanceNotFound,
    InvalidInput,
    MigrationNotFound,
)
from support.moving import (
    FORWARD,
    LARGE,
    PINNED,
    SMALL,
    WIDE,
    build,
    here,
    hosts,
    node,
    pinned,
    remove,
    request,
    there,
    tracker,
    used,
    walk,
)

__all__ = ["here", "hosts", "there"]


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
