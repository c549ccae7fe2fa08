# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate


@pytest.mark.parametrize(
    ("name", "figures", "expected"),
    [
        # The scale begins at 0, so that the weight is proportional to the load.
        ("IoOpsWeigher", [{"stats": {"io_workload": n}} for n in (2, 4, 8)], [-0.25, -0.5, -1.0]),
        ("IoOpsWeigher", [{}, {}], [0.0, 0.0]),
        ("NumInstancesWeigher", [{"stats": {"num_instances": n}} for n in (2, 4, 6)], [0.0, 0.0, 0.0]),
        ("HypervisorVersionWeigher", [{"hypervisor_version": n} for n in (8000000, 9000000, 10000000)], [0, 0.5, 1]),
        ("HypervisorVersionWeigher", [{"hypervisor_version": 9000000}, {"hypervisor_version": 9000000}], [0, 0]),
        ("BuildFailureWeigher", [{"stats": {"failed_builds": n}} for n in (0, 1, 4)], [0.0, -250000.0, -1000000.0]),
        ("CrossCellWeigher", [{"memory_mb": 1000}, {"memory_mb": 2000}], [0.0, 0.0]),
    ],
)
def test_a_weigher_of_figures_weighs_as_nova_does_by_default(host, spec, weights, name, figures, expected):
    hosts = [host(host=f"kvm{number}", **figure) for number, figure in enumerate(figures)]
    assert weights(name, hosts, spec()) == expected


def test_instances_pack_with_a_positive_multiplier_and_spread_with_a_negative(host, spec, weights):
    hosts = [host(host=f"kvm{n}", stats={"num_instances": n}) for n in (2, 4, 6)]
    option = "num_instances_weight_multiplier"
    assert weights("NumInstancesWeigher", hosts, spec(), **{option: 2.0}) == [0.0, 1.0, 2.0]
    assert weights("NumInstancesWeigher", hosts, spec(), **{option: -1.0}) == [0.0, -0.5, -1.0]


def test_what_an_aggregate_says_of_build_failures_is_subtracted_too(host, spec, weights):
    lenient = [Aggregate("lab", ["kvm2"], metadata={"build_failure_weight_multiplier": "3"})]
    hosts = [host(host="kvm1"), host(aggregates=lenient, host="kvm2", stats={"failed_builds": 1})]
    assert weights("BuildFailureWeigher", hosts, spec()) == [0.0, -3.0]


def test_a_weight_of_nothing_has_no_sign(host, spec, weights):
    hosts = [host(host="kvm1"), host(host="kvm2")]
    for name in ("IoOpsWeigher", "BuildFailureWeigher"):
        assert [str(weight) for weight in weights(name, hosts, spec())] == ["0.0", "0.0"]


def test_hosts_with_many_free_pci_devices_are_kept_for_who_needs_them(host, spec, weights):
    hosts = [host(host=f"kvm{n}") for n in range(5)]
    for state, counts in zip(hosts, ([], [1], [49], [60, 39], [2000]), strict=True):
        state.pci_stats = [{"count": count} for count in counts]
    assert weights("PCIWeigher", hosts, spec()) == [1.0, 98 / 99, 50 / 99, 0.0, 0.0]


def test_where_nobody_has_pci_devices_they_do_not_matter(host, spec, weights):
    assert weights("PCIWeigher", [host(host="kvm1"), host(host="kvm2")], spec()) == [0.0, 0.0]


def test_a_host_whose_builds_fail_comes_last_and_is_still_taken(api, report, spec):
    scheduler = api(report("kvm1", stats={"failed_builds": 1}, memory_mb=65536), report("kvm2", memory_mb=1600))
    placed = scheduler.select_destinations([spec(f"vm-{n}") for n in range(3)])
    assert [selection.host for selection in placed] == ["kvm2", "kvm2", "kvm1"]


def test_a_batch_avoids_the_host_that_is_busy_building(api, report, spec):
    scheduler = api(report("kvm1"), report("kvm2", stats={"io_workload": 3}), enabled_weighers=["IoOpsWeigher"])
    placed = scheduler.select_destinations([spec(f"vm-{n}") for n in range(5)])
    assert [selection.host for selection in placed] == ["kvm1"] * 4 + ["kvm2"]
