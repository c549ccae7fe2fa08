# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ResourceTracker: what is counted, which limits hold, what the audit says of it."""

import dataclasses
import json
from typing import Optional

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware_claims import Claimant
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_tracker import ResourceTracker
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    OptionInvalid,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from support.fake_host import FakeHost, act, create


def set_options(host: FakeHost, **options) -> None:
    host.options = dataclasses.replace(host.options, **options)


def tracker(host: FakeHost) -> ResourceTracker:
    return ResourceTracker(host.options, host.driver, host.db)


def node(host: FakeHost) -> ComputeNode:
    return tracker(host).update_available_resource().node


def claimant(name: str, memory_mb: int = 512, vcpus: int = 1, limits: Optional[dict] = None) -> Claimant:
    action = create(name, vcpus=vcpus, memory_mb=memory_mb)
    return Claimant(Instance(action.uuid, action.spec), limits or {})


def claim(host: FakeHost, *wanted: Claimant) -> list[str]:
    outcome = tracker(host).instance_claims(wanted)
    return ["" if error is None else error.message for error in outcome.values()]


def record(host: FakeHost, name: str) -> Instance:
    return Instance.from_document(host.driver.get_domain(f"uuid-of-{name}").record)


def change_record(host: FakeHost, name: str, **changes) -> None:
    host.driver.save_record(record(host, name).but(**changes))


# -- what is counted -----------------------------------------------------------------------------------------------


def test_free_and_used_make_the_total_and_used_begins_with_what_is_reserved(host: FakeHost) -> None:
    set_options(host, reserved_host_cpus=1, reserved_host_memory_mb=300, reserved_host_disk_mb=1025)
    idle = node(host)
    assert (idle.vcpus_used, idle.memory_mb_used, idle.local_gb_used) == (1, 300, 2)
    host.reconcile(create("a", vcpus=2, memory_mb=700), create("b"))
    used = node(host)
    assert (used.vcpus_used, used.memory_mb_used, used.local_gb_used) == (4, 300 + 700 + 512, 4)
    assert (used.free_ram_mb + used.memory_mb_used, used.free_disk_gb + used.local_gb_used) == (8192, 100)


def test_a_part_of_a_gigabyte_that_is_reserved_is_not_given_out(host: FakeHost) -> None:
    host.settings(resources={"local_gb": 2})
    set_options(host, reserved_host_disk_mb=1)
    assert claim(host, claimant("a"), claimant("b"))[1].endswith("it wants 1 GB of disk, 0 are free.")


def test_a_claim_that_is_given_back_leaves_the_record_as_it_was(host: FakeHost) -> None:
    host.reconcile(create("old"))
    before = node(host).but(updated_at=None)
    assert claim(host, claimant("new", memory_mb=100)) == [""]
    assert node(host).memory_mb_used == before.memory_mb_used + 100
    tracker(host).abort_instance_claim("uuid-of-new")
    assert json.dumps(node(host).but(updated_at=None).as_dict()) == json.dumps(before.as_dict())


def test_a_claim_that_fails_in_its_block_gives_itself_back(host: FakeHost) -> None:
    with pytest.raises(RuntimeError, match="no luck"), tracker(host).instance_claim(claimant("a")):
        assert node(host).memory_mb_used == 512
        raise RuntimeError("no luck")
    assert node(host).memory_mb_used == 0
    with tracker(host).instance_claim(claimant("a")):
        pass
    assert node(host).memory_mb_used == 512


def test_a_claim_without_room_never_enters_its_block(host: FakeHost) -> None:
    with pytest.raises(ComputeResourcesUnavailable), tracker(host).instance_claim(claimant("a", memory_mb=9000)):
        raise AssertionError("the block ran")


@pytest.mark.parametrize(
    ("changes", "power", "counts"),
    [
        ({"vm_state": "stopped"}, "shutdown", True),
        ({"vm_state": "error"}, "shutdown", True),
        ({"vm_state": "soft-delete"}, "shutdown", True),
        ({"vm_state": "shelved"}, "shutdown", True),
        ({"vm_state": "deleted"}, "shutdown", False),
        ({"vm_state": "shelved_offloaded"}, "shutdown", False),
        ({"vm_state": "shelved_offloaded", "task_state": "spawning"}, "shutdown", True),
        # Whatever its record says, a guest that runs has memory.
        ({"vm_state": "deleted"}, "running", True),
    ],
)
def test_only_what_is_deleted_or_offloaded_takes_nothing(host: FakeHost, changes, power, counts) -> None:
    host.reconcile(create("a"))
    if power == "shutdown":
        host.driver.power_off("uuid-of-a")
    change_record(host, "a", **changes)
    counted = node(host)
    assert (counted.memory_mb_used, counted.stats["num_instances"]) == ((512, 1) if counts else (0, 0))


def test_a_foreign_domain_is_counted(host: FakeHost) -> None:
    host.driver.put_foreign(Domain("f0", "theirs", "running", Usage(3, 1000, 7)))
    counted = node(host)
    assert (counted.vcpus_used, counted.memory_mb_used, counted.local_gb_used) == (3, 1000, 7)
    assert counted.stats == {"num_instances": 1, "io_workload": 0}


# -- QEMU's overhead -----------------------------------------------------------------------------------------------


def test_every_guest_costs_the_overhead_and_so_does_every_claim(host: FakeHost) -> None:
    set_options(host, instance_overhead_memory_mb=64)
    host.driver.put_foreign(Domain("f0", "theirs", "running", Usage(1, 1000, 0)))
    host.reconcile(create("a"))
    claim(host, claimant("b"))
    counted = node(host)
    assert counted.memory_mb_used == 1064 + 576 + 576
    assert counted.instance_overhead_memory_mb == 64


def test_an_instance_has_room_only_with_its_overhead(host: FakeHost) -> None:
    host.settings(resources={"memory_mb": 1151})
    set_options(host, instance_overhead_memory_mb=64)
    first, second = claim(host, claimant("a"), claimant("b"))
    assert (first, second) == ("", "b does not fit on kvm1: it wants 576 MB of memory, 575 are free.")
    host.settings(resources={"memory_mb": 1152})
    assert claim(host, claimant("c")) == [""]


def test_an_instance_that_takes_no_memory_of_the_host_has_no_overhead(host: FakeHost) -> None:
    set_options(host, instance_overhead_memory_mb=64)
    action = create("a")
    flavor = Flavor("tiny", 1, 512, 1, extra_specs={"resources:MEMORY_MB": "0"})
    host.reconcile(action.but(spec=action.spec.but(flavor=flavor)))
    assert node(host).memory_mb_used == 0


# -- limits --------------------------------------------------------------------------------------------------------


def test_without_a_limit_of_the_schedulers_the_hosts_own_holds(host: FakeHost) -> None:
    host.settings(resources={"memory_mb": 1024, "vcpus": 1})
    assert claim(host, claimant("a", memory_mb=1024), claimant("b", memory_mb=1))[1].endswith("0 are free.")
    # initial_cpu_allocation_ratio is 4.
    tracker(host).abort_instance_claim("uuid-of-a")
    wanted = [claimant(f"c{number}", memory_mb=1) for number in range(5)]
    assert [bool(refusal) for refusal in claim(host, *wanted)] == [False] * 4 + [True]


def test_an_unlimited_claim_is_unlimited_by_the_scheduler_only(host: FakeHost) -> None:
    host.settings(resources={"memory_mb": 1024})
    unlimited = {"memory_mb": None, "vcpu": None, "disk_gb": None}
    assert "the host has 1024 in all" in claim(host, claimant("a", memory_mb=2048, limits=unlimited))[0]


@pytest.mark.parametrize(
    ("fixed", "limit", "fit"),
    [
        (None, None, 2),
        # An aggregate's ratio replaces the initial one, in both directions.
        (None, 1536.0, 3),
        (None, 512.0, 1),
        # A fixed one is never exceeded.
        (1.0, 1536.0, 2),
        (1.0, 512.0, 1),
        (2.0, None, 4),
    ],
)
def test_which_limit_holds(host: FakeHost, fixed, limit, fit) -> None:
    host.settings(resources={"memory_mb": 1024})
    set_options(host, ram_allocation_ratio=fixed)
    limits = {} if limit is None else {"memory_mb": limit}
    refusals = claim(host, *[claimant(f"c{number}", limits=limits) for number in range(5)])
    assert [bool(refusal) for refusal in refusals] == [False] * fit + [True] * (5 - fit)


@pytest.mark.parametrize("limit", ["lots", float("nan")])
def test_a_limit_that_is_no_number_is_told_and_grants_nothing(host: FakeHost, limit) -> None:
    assert claim(host, claimant("a", limits={"memory_mb": limit}))[0].startswith("A limit of the plan must be a number")


def test_the_record_tells_the_ratios_that_hold_and_which_are_fixed(host: FakeHost) -> None:
    set_options(host, cpu_allocation_ratio=2.0, initial_ram_allocation_ratio=1.5, disk_allocation_ratio=0.0)
    told = node(host)
    assert (told.cpu_allocation_ratio, told.ram_allocation_ratio, told.disk_allocation_ratio) == (2.0, 1.5, 1.0)
    assert told.fixed_allocation_ratios == ["cpu_allocation_ratio"]


@pytest.mark.parametrize(
    "options",
    [
        {"cpu_allocation_ratio": -1.0},
        {"initial_ram_allocation_ratio": float("nan")},
        {"initial_disk_allocation_ratio": 0.0},
    ],
)
def test_a_ratio_that_is_none_is_refused_by_name(host: FakeHost, options) -> None:
    set_options(host, **options)
    with pytest.raises(OptionInvalid, match=next(iter(options))):
        node(host)


def test_an_equal_amount_fits_and_one_more_does_not(host: FakeHost) -> None:
    host.settings(resources={"memory_mb": 1001})
    set_options(host, reserved_host_memory_mb=1, ram_allocation_ratio=0.5)
    # 1001 × 0.5 - 1 is 499.5, and nothing is rounded on the way.
    assert claim(host, claimant("a", memory_mb=500))[0].endswith("it wants 500 MB of memory, 499 are free.")
    assert claim(host, claimant("b", memory_mb=499)) == [""]


# -- the pool's room -----------------------------------------------------------------------------------------------


def test_a_claim_leaves_the_hard_reserve_of_the_pool_free(host: FakeHost) -> None:
    host.settings(resources={"local_gb": 100}, free_disk_mb=4096)
    set_options(host, minimum_free_disk_mb=2048)
    refusals = claim(host, claimant("a"), claimant("b"), claimant("c"))
    assert refusals[:2] == ["", ""]
    assert refusals[2] == (
        "c does not fit on kvm1: it may write 1 GB, the pool has 4096 MB free, 2 GB of it for others that are being "
        "built, and 2048 MB are to stay free (minimum_free_disk_mb)."
    )


def test_what_is_built_counts_by_what_it_has_really_written(host: FakeHost) -> None:
    host.settings(resources={"local_gb": 100}, free_disk_mb=3072)
    set_options(host, minimum_free_disk_mb=2048)
    for name in ("a", "b", "c"):
        assert host.reconcile(create(name))[0]["status"] == "done"


def test_a_pool_that_is_not_measured_refuses_nothing(host: FakeHost) -> None:
    host.settings(free_disk_mb=0)
    assert claim(host, claimant("a")) == [""]


def test_a_driver_that_cannot_measure_says_so(host: FakeHost) -> None:
    set_options(host, minimum_free_disk_mb=2048)
    assert "the driver 'fake' cannot tell what is free" in claim(host, claimant("a"))[0]


def test_what_thin_disks_may_grow_by_is_not_available(host: FakeHost) -> None:
    assert node(host).disk_available_least is None
    host.settings(free_disk_mb=2560)
    host.reconcile(create("a"))
    assert node(host).disk_available_least == 1
    host.reconcile(create("b"), create("c"))
    # -0.5 GiB, truncated towards zero as Nova does.
    assert node(host).disk_available_least == 0
    host.reconcile(create("d"))
    assert node(host).disk_available_least == -1


# -- stats ---------------------------------------------------------------------------------------------------------


def test_stats_count_by_state_task_project_and_system(host: FakeHost) -> None:
    windows = Image("win", "/srv/win.qcow2", properties={"os_type": "windows"})
    first = create("a")
    host.reconcile(first.but(spec=first.spec.but(image=windows)), create("b", vm_state="stopped"))
    claim(host, claimant("waits"))
    counted = node(host)
    assert counted.stats == {
        "num_instances": 3,
        "io_workload": 1,
        "num_vm_active": 1,
        "num_vm_stopped": 1,
        "num_vm_building": 1,
        "num_task_None": 2,
        "num_task_spawning": 1,
        "num_proj_default": 2,
        "num_os_type_windows": 1,
    }
    assert (counted.running_vms, counted.current_workload) == (3, 1)


@pytest.mark.parametrize(
    ("task", "busy"),
    [
        ("resize_prep", 1),
        ("resize_migrating", 1),
        ("rebuilding", 1),
        ("image_snapshot", 1),
        ("image_backup", 1),
        ("rescuing", 1),
        ("unshelving", 1),
        ("migrating", 0),
        ("image_uploading", 0),
        (None, 0),
    ],
)
def test_the_tasks_that_keep_the_disks_busy_are_novas(host: FakeHost, task, busy) -> None:
    host.reconcile(create("a"))
    change_record(host, "a", task_state=task)
    counted = node(host)
    assert counted.stats["io_workload"] == busy
    assert counted.current_workload == (task is not None)


def test_an_instance_is_being_built_until_its_claim_ends(host: FakeHost) -> None:
    claim(host, claimant("a"))
    host.driver.define(claimant("a").instance.but(vm_state="active"))
    counted = node(host)
    assert (counted.stats["num_instances"], counted.stats["io_workload"], counted.memory_mb_used) == (1, 1, 512)
    assert "num_vm_active" not in counted.stats


def test_a_change_is_counted_before_it_is_written(host: FakeHost) -> None:
    host.reconcile(create("a"))
    stopped = record(host, "a").but(vm_state="stopped", task_state="image_backup")
    counted = tracker(host).update_usage(stopped)
    assert counted.stats["num_vm_stopped"] == counted.stats["io_workload"] == 1
    assert node(host).stats["num_vm_active"] == 1


def test_usage_of_what_the_host_does_not_have_is_not_updated(host: FakeHost) -> None:
    assert tracker(host).update_usage(claimant("a").instance) is None
    host.reconcile(create("a"))
    host.db.set_fact("service", {"disabled": True})
    assert tracker(host).disabled is True
    assert tracker(host).update_usage(record(host, "a")) is None


def test_a_deleted_instance_is_counted_no_more(host: FakeHost) -> None:
    idle = node(host).but(updated_at=None)
    host.reconcile(create("a"))
    host.reconcile(act("delete", "a"))
    assert node(host).but(updated_at=None) == idle
