# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds nothing any more: moves that failed, died or ended, and which way they go."""

import dataclasses

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.migrations import Migrations
from ansible_collections.novella.compute.plugins.module_utils.compute.move_request import MoveRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    InstanceInvalidState,
    NotSupported,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from support.moving import (
    CELLS,
    FORWARD,
    LARGE,
    LIVE_FORWARD,
    PINNED,
    SMALL,
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
