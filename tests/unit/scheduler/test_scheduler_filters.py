# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters


def verdict(name, host_state, spec, **options):
    """Return None for a host that passes, else the reason as a user reads it."""
    (item,) = load_filters([name], SchedulerOptions.from_mapping(options))
    reason = item.refusal(host_state, spec)
    assert item.host_passes(host_state, spec) is (reason is None)
    return reason and str(reason)


def limits(name, host_state):
    (item,) = load_filters([name], SchedulerOptions())
    return item.limits(host_state)


def test_an_enabled_host_passes(host, spec):
    assert verdict("ComputeFilter", host(), spec()) is None


def test_a_disabled_host_is_refused_with_its_reason(host, spec):
    state = host(disabled=True, disabled_reason="maintenance")
    assert verdict("ComputeFilter", state, spec()) == "is disabled: maintenance"
    assert verdict("ComputeFilter", host(disabled=True), spec()) == "is disabled"


def test_a_host_in_maintenance_is_refused_whether_it_is_enabled_or_not(host, spec):
    assert verdict("ComputeFilter", host(maintenance=True), spec()) == "is in maintenance"
    both = host(disabled=True, disabled_reason="broken fan", maintenance=True)
    assert verdict("ComputeFilter", both, spec()) == "is disabled: broken fan and is in maintenance"


@pytest.mark.parametrize(
    ("zone", "wanted", "expected"),
    [
        ("az1", None, None),
        ("az1", "", None),
        ("az1", "az1", None),
        ("az2", "az1", "is in availability zone az2, not az1"),
        (None, "nova", None),
        (None, "az1", "is in availability zone nova, not az1"),
        ("az1", "nova", "is in availability zone az1, not nova"),
        ("az1, az2", "az2", None),
    ],
)
def test_only_hosts_of_the_requested_zone_pass(host, spec, zone, wanted, expected):
    state = host(aggregates=[Aggregate("one", ["kvm1"], zone), Aggregate("other", ["kvm9"], "az9")])
    assert verdict("AvailabilityZoneFilter", state, spec(availability_zone=wanted)) == expected


def test_the_zone_may_be_given_as_metadata_as_nova_has_it(host, spec):
    state = host(aggregates=[Aggregate("one", ["kvm1"], metadata={"availability_zone": "az1"})])
    assert verdict("AvailabilityZoneFilter", state, spec(availability_zone="az1")) is None


def test_the_default_zone_is_an_option(host, spec):
    request = spec(availability_zone="home")
    assert verdict("AvailabilityZoneFilter", host(), request, default_availability_zone="home") is None


@pytest.mark.parametrize(
    ("node", "memory_mb", "expected"),
    [
        ({"memory_mb": 4096, "memory_mb_used": 512}, 3584, None),
        ({"memory_mb": 4096, "memory_mb_used": 2560}, 2048, "lacks 512 MB of memory (1536 of 4096 MB free)"),
        ({"memory_mb": 4096, "memory_mb_used": 512}, 3585, "lacks 1 MB of memory (3584 of 4096 MB free)"),
        # usable = total * ratio - used
        ({"memory_mb": 4096, "memory_mb_used": 4096, "ram_allocation_ratio": 1.5}, 2048, None),
        (
            {"memory_mb": 4096, "memory_mb_used": 4096, "ram_allocation_ratio": 1.5},
            2049,
            "lacks 1 MB of memory (2048 of 6144 MB free)",
        ),
        # Fractions of the limit are neither given away nor shown as free.
        (
            {"memory_mb": 1001, "memory_mb_used": 0, "ram_allocation_ratio": 0.5},
            501,
            "lacks 1 MB of memory (500 of 500 MB free)",
        ),
        # No over-commit against itself.
        (
            {"memory_mb": 4096, "memory_mb_used": 0, "ram_allocation_ratio": 4.0},
            4097,
            "has 4096 MB of memory in all, 1 MB less than asked for",
        ),
        # A ratio that was lowered under the load.
        ({"memory_mb": 4096, "memory_mb_used": 5000}, 1, "lacks 905 MB of memory (-904 of 4096 MB free)"),
    ],
)
def test_memory_must_be_left(host, spec, node, memory_mb, expected):
    assert verdict("RamFilter", host(**node), spec(memory_mb=memory_mb)) == expected


@pytest.mark.parametrize(
    ("node", "vcpus", "expected"),
    [
        ({"vcpus": 2}, 2, None),
        ({"vcpus": 2, "vcpus_used": 6}, 2, None),
        ({"vcpus": 2, "vcpus_used": 7}, 2, "lacks 1 vCPU (1 of 8 free)"),
        ({"vcpus": 2, "vcpus_used": 8}, 2, "lacks 2 vCPUs (0 of 8 free)"),
        ({"vcpus": 3, "vcpus_used": 4, "cpu_allocation_ratio": 1.5}, 1, "lacks 0.5 vCPUs (0.5 of 4.5 free)"),
        ({"vcpus": 2}, 3, "has 2 CPUs in all, 1 fewer than asked for"),
        # "Collection is broken" is not "no room".
        ({"vcpus": 0}, 3, None),
    ],
)
def test_vcpus_must_be_left(host, spec, node, vcpus, expected):
    assert verdict("CoreFilter", host(**node), spec(vcpus=vcpus)) == expected


@pytest.mark.parametrize(
    ("node", "disk", "expected"),
    [
        ({"local_gb": 20, "local_gb_used": 10}, {"root_gb": 10}, None),
        ({"local_gb": 20, "local_gb_used": 17}, {"root_gb": 8}, "lacks 5 GB of disk (3 GB of 20 GB free)"),
        ({"local_gb": 20, "local_gb_used": 10}, {"root_gb": 8, "ephemeral_gb": 2}, None),
        (
            {"local_gb": 20, "local_gb_used": 10},
            {"root_gb": 8, "ephemeral_gb": 2, "swap_mb": 100},
            "lacks 100 MB of disk (10 GB of 20 GB free)",
        ),
        # What is really left counts where it is less than what is unclaimed, and only then.
        (
            {"local_gb": 20, "local_gb_used": 10, "disk_available_least": 4},
            {"root_gb": 5},
            "lacks 1 GB of disk (4 GB of 20 GB free)",
        ),
        ({"local_gb": 20, "local_gb_used": 10, "disk_available_least": 0}, {"root_gb": 0}, None),
        ({"local_gb": 20, "local_gb_used": 10, "disk_available_least": 15}, {"root_gb": 10}, None),
        ({"local_gb": 20, "local_gb_used": 20, "disk_allocation_ratio": 1.5}, {"root_gb": 10}, None),
        (
            {"local_gb": 20, "disk_allocation_ratio": 9.0},
            {"root_gb": 21},
            "has 20 GB of disk in all, 1 GB less than asked for",
        ),
        (
            {"local_gb": 20, "local_gb_used": 21},
            {"root_gb": 0},
            "lacks 1 GB of disk (-1 GB of 20 GB free)",
        ),
    ],
)
def test_disk_must_be_left(host, spec, node, disk, expected):
    assert verdict("DiskFilter", host(**node), spec(**disk)) == expected


def test_the_claim_is_limited_by_total_times_ratio(host):
    state = host(vcpus=4, memory_mb=1000, local_gb=10, ram_allocation_ratio=1.5, disk_allocation_ratio=2.0)
    assert limits("CoreFilter", state) == {"vcpu": 16.0}
    assert limits("RamFilter", state) == {"memory_mb": 1500.0}
    assert limits("DiskFilter", state) == {"disk_gb": 20.0}
    assert limits("CoreFilter", host(vcpus=0)) == {}
    assert limits("ComputeFilter", state) == {}


def test_a_host_with_its_share_of_an_anti_affinity_group_is_refused(host, spec, group):
    request = spec(instance_group=group(members=["a", "b", "elsewhere"]))
    name = "ServerGroupAntiAffinityFilter"
    assert verdict(name, host(), request) is None
    assert verdict(name, host(instances=["c"]), request) is None
    assert verdict(name, host(instances=["a", "c"]), request) == "already has 1 of at most 1 members of group web"


def test_max_server_per_host_members_may_share_a_host(host, spec, group):
    request = spec(instance_group=group(members=["a", "b"], max_server_per_host=2))
    name = "ServerGroupAntiAffinityFilter"
    assert verdict(name, host(instances=["a"]), request) is None
    assert verdict(name, host(instances=["a", "b"]), request) == "already has 2 of at most 2 members of group web"


def test_the_host_that_already_has_the_instance_passes_anti_affinity(host, spec, group):
    request = spec("a", instance_group=group(members=["uuid-a", "b"]))
    assert verdict("ServerGroupAntiAffinityFilter", host(instances=["uuid-a", "b"]), request) is None


def test_an_affinity_group_stays_where_it_is(host, spec, group):
    def check(hosts, state):
        return verdict("ServerGroupAffinityFilter", state, spec(instance_group=group(policy="affinity", hosts=hosts)))

    assert check([], host()) is None
    assert check(["kvm1"], host()) is None
    assert check(["kvm2", "kvm3"], host()) == "is not where group web is, kvm2 and kvm3"


@pytest.mark.parametrize("name", ["ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter"])
@pytest.mark.parametrize("policy", [None, "soft-affinity", "soft-anti-affinity"])
def test_group_filters_leave_other_policies_alone(host, spec, group, name, policy):
    of = group(policy=policy, members=["a"], hosts=["kvm9"]) if policy else None
    assert verdict(name, host(instances=["a"]), spec(instance_group=of)) is None
