# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters

# A host has 4 CPUs with a ratio of 4, 4096 MB free of 4608, and 50 GB.


def setting(key, *values):
    return [Aggregate(f"a{number}", ["kvm1"], metadata={key: value}) for number, value in enumerate(values)]


def limits(name, state):
    (item,) = load_filters([name], SchedulerOptions())
    return item.limits(state)


@pytest.mark.parametrize(
    ("values", "most"),
    [
        ([], 2048),
        (["1.5"], 4352),
        (["0.75"], 896),
        # As numbers 9 is less than 10, as text it is more; the whole host is the limit of both.
        (["10", "9"], 4608),
        (["0.75", "1.5"], 896),
        (["0.75", "much"], 2048),
        (["1,2"], 2048),
        (["inf"], 2048),
        (["0"], 0),
    ],
)
def test_memory_is_overcommitted_by_the_lowest_ratio_of_the_aggregates(host, spec, refusals, values, most):
    state = host(setting("ram_allocation_ratio", *values), memory_mb_used=2560)
    if most:
        assert refusals("AggregateRamFilter", [state], spec(memory_mb=most)) == [None]
    assert refusals("AggregateRamFilter", [state], spec(memory_mb=most + 1)) != [None]


def test_no_aggregate_lets_an_instance_be_larger_than_its_host(host, spec, refusals):
    wide = [Aggregate("wide", ["kvm1"], metadata=dict.fromkeys(RATIOS, "16.0"))]
    for name, request, reason in (
        ("AggregateRamFilter", {"memory_mb": 4700}, "has 4608 MB of memory in all, 92 MB less than asked for"),
        ("AggregateCoreFilter", {"vcpus": 5}, "has 4 CPUs in all, 1 fewer than asked for"),
        ("AggregateDiskFilter", {"root_gb": 51}, "has 50 GB of disk in all, 1 GB less than asked for"),
    ):
        assert refusals(name, [host(wide)], spec(**request)) == [reason]


RATIOS = ("ram_allocation_ratio", "cpu_allocation_ratio", "disk_allocation_ratio")


@pytest.mark.parametrize(
    ("name", "key", "used", "request_", "reason"),
    [
        (
            "AggregateRamFilter",
            "ram_allocation_ratio",
            {"memory_mb_used": 4608},
            {"memory_mb": 2305},
            "lacks 1 MB of memory (2304 of 6912 MB free)",
        ),
        ("AggregateCoreFilter", "cpu_allocation_ratio", {"vcpus_used": 4}, {"vcpus": 3}, "lacks 1 vCPU (2 of 6 free)"),
        (
            "AggregateDiskFilter",
            "disk_allocation_ratio",
            {"local_gb_used": 50},
            {"root_gb": 26},
            "lacks 1 GB of disk (25 GB of 75 GB free)",
        ),
    ],
)
def test_an_aggregates_ratio_takes_the_place_of_the_hosts(host, spec, refusals, name, key, used, request_, reason):
    (thing,) = request_
    state = host(setting(key, "1.5"), **used)
    assert refusals(name, [state], spec(**request_)) == [reason]
    assert refusals(name, [state], spec(**{thing: request_[thing] - 1})) == [None]


def test_the_claim_is_tested_against_the_aggregates_ratio(host):
    state = host([Aggregate("wide", ["kvm1"], metadata=dict.fromkeys(RATIOS, "1.5"))])
    assert limits("AggregateRamFilter", state) == {"memory_mb": 6912.0}
    assert limits("AggregateCoreFilter", state) == {"vcpu": 6.0}
    assert limits("AggregateDiskFilter", state) == {"disk_gb": 75.0}


def test_a_host_that_reports_no_cpus_is_refused_where_they_must_be_exact_only(host, spec, refusals):
    assert refusals("AggregateCoreFilter", [host(vcpus=0)], spec(vcpus=64)) == [None]
    assert refusals("ExactCoreFilter", [host(vcpus=0)], spec(vcpus=1)) == ["reports no CPUs"]


@pytest.mark.parametrize(
    ("name", "request_", "figures", "reason"),
    [
        ("ExactRamFilter", {"memory_mb": 4096}, {}, None),
        ("ExactRamFilter", {"memory_mb": 4095}, {}, "has 4096 MB of memory left, not exactly 4095"),
        ("ExactRamFilter", {"memory_mb": 4097}, {}, "has 4096 MB of memory left, not exactly 4097"),
        ("ExactCoreFilter", {"vcpus": 4}, {}, None),
        ("ExactCoreFilter", {"vcpus": 1}, {"vcpus_used": 3}, None),
        ("ExactCoreFilter", {"vcpus": 3}, {"vcpus_used": 3}, "has 1 vCPU left, not exactly 3"),
        ("ExactDiskFilter", {"root_gb": 30, "ephemeral_gb": 19, "swap_mb": 1024}, {}, None),
        ("ExactDiskFilter", {"root_gb": 49}, {}, "has 51200 MB of disk left, not exactly 50176"),
        (
            "ExactDiskFilter",
            {"root_gb": 50},
            {"disk_available_least": 10},
            "has 10240 MB of disk left, not exactly 51200",
        ),
    ],
)
def test_an_exact_filter_wants_neither_more_nor_less(host, spec, refusals, name, request_, figures, reason):
    assert refusals(name, [host(**figures)], spec(**request_)) == [reason]


def test_the_claim_of_an_exact_fit_is_tested_against_the_whole_host(host):
    state = host(ram_allocation_ratio=2.0)
    assert limits("ExactRamFilter", state) == {"memory_mb": 4608}
    assert limits("ExactCoreFilter", state) == {"vcpu": 4}
    assert limits("ExactDiskFilter", state) == {"disk_gb": 50}


def test_the_nearest_exact_miss_is_the_closest_on_either_side(api, report, spec):
    scheduler = api(report("kvm1"), report("kvm2", memory_mb=2560), enabled_filters=["ExactRamFilter"])
    (selection,) = scheduler.select_destinations([spec(memory_mb=2000)])
    assert selection.nearest_miss == "kvm2 has 2048 MB of memory left, not exactly 2000"


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        ([], [None, None]),
        ([["kvm1", "kvm1"]], ["was tried before", None]),
        ([["kvm1", "other-node"]], [None, None]),
        ([["kvm9", "kvm9"], ["kvm2", "kvm2"]], [None, "was tried before"]),
    ],
)
def test_a_host_and_node_that_were_tried_are_not_tried_again(host, spec, refusals, tried, expected):
    assert refusals("RetryFilter", [host(host="kvm1"), host(host="kvm2")], spec(retry_hosts=tried)) == expected


def test_a_retry_that_is_no_pair_is_told(api, report, spec):
    (selection,) = api(report(), enabled_filters=["RetryFilter"]).select_destinations([spec(retry_hosts=[["kvm1"]])])
    assert selection.message == (
        "web-1 was not placed: retry_hosts holds ['kvm1'], which is no pair of a host and its node."
    )


@pytest.fixture(scope="session")
def flavored(spec):
    def make(name="small", memory_mb=512, **extra_specs):
        specs = {key.replace("__", ":"): value for key, value in extra_specs.items()}
        return spec().but(flavor=Flavor(name, 1, memory_mb, 5, extra_specs=specs))

    return make


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("trusted", [None, "is attested as untrusted, not trusted"] + ["is attested as unknown, not trusted"] * 2),
        (
            "untrusted",
            ["is attested as trusted, not untrusted", None] + ["is attested as unknown, not untrusted"] * 2,
        ),
        ("unknown", ["is attested as trusted, not unknown", "is attested as untrusted, not unknown", None, None]),
    ],
)
def test_a_trusted_host_is_one_whose_label_says_so(host, flavored, refusals, wanted, expected):
    labels = [{"attestation": "trusted"}, {"attestation": "untrusted"}, {"attestation": "yes"}, {}]
    hosts = [host(host=f"kvm{number}", labels=label) for number, label in enumerate(labels)]
    assert refusals("TrustedFilter", hosts, flavored(trust__trusted_host=wanted)) == expected
    assert refusals("TrustedFilter", hosts, flavored()) == [None] * 4


def test_a_level_of_trust_that_does_not_exist_is_told(api, report, flavored):
    scheduler = api(report(), enabled_filters=["TrustedFilter"])
    (selection,) = scheduler.select_destinations([flavored(trust__trusted_host="trustd")])
    assert selection.message == (
        "web-1 was not placed: Flavor small has the extra spec trust:trusted_host = 'trustd'. Did you mean 'trusted'? "
        "Known are trusted, untrusted, unknown."
    )


def test_hosts_keep_to_one_flavor(host, flavored, refusals):
    hosts = [host(host="kvm1"), host(host="kvm2", instances=["a", "b"])]
    assert refusals("TypeAffinityFilter", hosts, flavored("small")) == [None, None]
    reason = "has instances of small, not only of large"
    assert refusals("TypeAffinityFilter", hosts, flavored("large")) == [None, reason]


def test_a_batch_of_two_flavors_keeps_to_one_on_each_host(api, report, spec, flavored):
    scheduler = api(report("kvm1"), report("kvm2"), enabled_filters=["TypeAffinityFilter"])
    sizes = ["small", "large", "small", "large", "huge"]
    requests = [spec(f"vm-{number}").but(flavor=flavored(size).flavor) for number, size in enumerate(sizes)]
    placed = [selection.host for selection in scheduler.select_destinations(requests)]
    assert placed == ["kvm1", "kvm2", "kvm1", "kvm2", None]


TRIPLES = [["x86_64", "kvm", "hvm"], ["i686", "qemu", "hvm"]]


@pytest.mark.parametrize(
    ("properties", "figures", "reason"),
    [
        ({"hw_architecture": "x86_64"}, {"supported_instances": TRIPLES}, None),
        ({"architecture": "i686"}, {"supported_instances": TRIPLES}, None),
        ({"hw_architecture": "aarch64"}, {"supported_instances": TRIPLES}, "runs i686 and x86_64, not aarch64"),
        ({"hw_architecture": "x86_64"}, {}, "runs no known architecture, not x86_64"),
        (
            {"hw_architecture": "i686"},
            {"supported_instances": TRIPLES, "cpu_info": {"permitted_instance_types": ["x86_64"]}},
            "runs x86_64, not i686",
        ),
        ({}, {"supported_instances": TRIPLES}, "is not to be had by an image that names no architecture"),
        (None, {"supported_instances": TRIPLES}, "is not to be had by an image that names no architecture"),
    ],
)
def test_the_images_architecture_must_be_permitted(host, spec, refusals, properties, figures, reason):
    image = None if properties is None else Image("debian", "/srv/debian.qcow2", properties=properties)
    assert refusals("ArchFilter", [host(**figures)], spec(image=image)) == [reason]


@pytest.mark.parametrize(
    ("request_", "figures", "reason"),
    [
        ({}, {}, None),
        ({"memory_mb": 4096}, {}, None),
        ({"memory_mb": 4097}, {}, "lacks 1 MB of memory (4096 MB free)"),
        # No over-commit: what is free counts.
        ({"memory_mb": 4097}, {"ram_allocation_ratio": 2.0}, "lacks 1 MB of memory (4096 MB free)"),
        ({}, {"disabled": True}, "is disabled"),
        ({}, {"maintenance": True}, "is in maintenance"),
        ({"hypervisor_type": "QEMU"}, {"hypervisor_type": "QEMU"}, None),
        ({"hypervisor_type": "QEMU"}, {"hypervisor_type": "LXC"}, "has hypervisor_type LXC, not QEMU"),
        ({"rack": "r1"}, {"labels": {"rack": "r1"}}, None),
        ({"gpus": "2"}, {"stats": {"gpus": 2}}, None),
        ({"gpus": ">= 1"}, {"stats": {"gpus": 2}}, "has gpus 2, not >= 1"),
        ({"hw__cpu_policy": "dedicated"}, {}, "has no capability hw:cpu_policy"),
    ],
)
def test_every_extra_spec_must_equal_a_capability(host, flavored, refusals, request_, figures, reason):
    assert refusals("InstanceTypeFilter", [host(**figures)], flavored(**request_)) == [reason]


def test_a_legacy_group_is_kept_apart_or_together_by_the_filter_that_is_enabled(api, report, spec, group):
    def place(*filters):
        scheduler = api(report("kvm1"), report("kvm2"), enabled_filters=list(filters))
        old = group("old", "legacy")
        requests = [spec("other"), *(spec(f"vm-{number}", instance_group=old) for number in range(3))]
        return [selection.host for selection in scheduler.select_destinations(requests)]

    assert place("GroupAntiAffinityFilter") == ["kvm1", "kvm2", "kvm1", None]
    assert place("GroupAffinityFilter") == ["kvm1", "kvm2", "kvm2", "kvm2"]


def test_a_legacy_group_says_where_it_is(host, spec, group, refusals):
    hosts = [host(host="kvm1"), host(host="kvm2")]
    old = spec(instance_group=group("old", "legacy", hosts=["kvm1"]))
    assert refusals("GroupAntiAffinityFilter", hosts, old) == ["already has a member of group old", None]
    assert refusals("GroupAffinityFilter", hosts, old) == [None, "is not where group old is, kvm1"]
    for policy in ("affinity", "anti-affinity"):
        other = spec(instance_group=group("old", policy, hosts=["kvm1"]))
        assert refusals("GroupAntiAffinityFilter", hosts, other) == [None, None]
        assert refusals("GroupAffinityFilter", hosts, other) == [None, None]


def test_historical_filters_do_not_charge_a_host_by_looking(host, spec, refusals):
    names = ["AggregateRamFilter", "AggregateCoreFilter", "AggregateDiskFilter", "ExactRamFilter", "TypeAffinityFilter"]
    state = host(instances=["a"])
    before = dict(vars(state))
    for name in names:
        refusals(name, [state], spec())
    assert vars(state) == before


def test_a_malformed_retry_is_invalid_input(host, spec, refusals):
    with pytest.raises(InvalidInput):
        refusals("RetryFilter", [host()], spec(retry_hosts=[["kvm1", "kvm1", "more"]]))
