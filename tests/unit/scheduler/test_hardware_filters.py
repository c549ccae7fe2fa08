# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NUMATopologyFilter, PciPassthroughFilter, and what placements take of cells and devices."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.numa import NUMACell, NUMATopology
from ansible_collections.novella.compute.plugins.module_utils.objects.pci import PciDevicePool
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

PINNED = {"hw:cpu_policy": "dedicated"}
ALIAS = {"name": "nic", "vendor_id": "8086", "product_id": "1520"}


def topology(*cells):
    return NUMATopology(tuple(NUMACell(number, **more) for number, more in enumerate(cells)))


def four(**more):
    return {"cpuset": "0-3", "pcpuset": "4-7", "memory": 4096, **more}


def request(name="db-1", specs=PINNED, vcpus=2, **more):
    flavor = Flavor("pinned", vcpus, 512, 1, extra_specs=dict(specs))
    return RequestSpec(f"uuid-{name}", name, flavor, **more)


def hosts(selections):
    return [selection.host for selection in selections]


def nic(count=1, numa_node=0):
    return PciDevicePool("8086", "1520", count, numa_node)


def test_pinned_instances_fill_the_dedicated_cpus_and_then_no_host_is_valid(api, report):
    scheduler = api(
        report("kvm1", numa_topology=topology(four())), report("kvm2", numa_topology=topology(four(pcpuset="4-5")))
    )
    answers = scheduler.select_destinations([request(f"db-{number}") for number in range(1, 5)])
    assert sorted(filter(None, hosts(answers))) == ["kvm1", "kvm1", "kvm2"]
    assert answers[3].host is None
    refusals = {refusal.host: (refusal.filter, refusal.reason) for refusal in answers[3].refusals}
    assert refusals["kvm2"] == ("NUMATopologyFilter", "has 0 of 2 dedicated CPUs free in NUMA cell 0")
    assert "dedicated CPUs free" in answers[3].nearest_miss


def test_the_nearest_miss_is_the_host_that_lacks_least(api, report):
    scheduler = api(
        report("kvm1", numa_topology=topology(four(pinned_cpus="4-7"))),
        report("kvm2", numa_topology=topology(four(pinned_cpus="4-6"))),
    )
    answer = scheduler.select_destinations([request()])[0]
    assert answer.nearest_miss == "kvm2 has 1 of 2 dedicated CPUs free in NUMA cell 0"


def test_the_limits_of_cells_go_with_the_answer_of_those_who_ask_for_cells(api, report):
    scheduler = api(report(numa_topology=topology(four())), packing_host_numa_cells_allocation_strategy=True)
    answers = scheduler.select_destinations([request("a", {"hw:numa_nodes": "1"}), request("b", {})])
    assert answers[0].limits["numa_topology"] == {
        "cpu_allocation_ratio": 4.0,
        "ram_allocation_ratio": 1.0,
        "packing": True,
    }
    assert "numa_topology" not in answers[1].limits


def test_shared_cells_are_overcommitted_by_the_hosts_ratios(api, report):
    scheduler = api(report(numa_topology=topology(four(cpuset="0-1")), vcpus=8, cpu_allocation_ratio=1.5))
    answers = scheduler.select_destinations([request(name, {"hw:numa_nodes": "1"}, 1) for name in "abcd"])
    assert hosts(answers) == ["kvm1", "kvm1", "kvm1", None]
    assert "lacks 1 shared vCPUs in NUMA cell 0" in answers[3].message


def test_a_host_without_cells_takes_only_those_who_ask_for_none(api, report):
    answers = api(report()).select_destinations([request("a"), request("b", {})])
    assert hosts(answers) == [None, "kvm1"]
    assert answers[0].refusals[0].reason == "has no NUMA cells, which the instance asks for"


def test_devices_are_taken_one_by_one_and_their_hosts_are_spared(api, report):
    scheduler = api(report("kvm1", pci_device_pools=[nic(2)]), report("kvm2"), pci_alias=[ALIAS])
    wants = {"pci_passthrough:alias": "nic:1"}
    answers = scheduler.select_destinations([request(name, wants, 1) for name in "abc"] + [request("d", {}, 1)])
    assert hosts(answers) == ["kvm1", "kvm1", None, "kvm2"]
    assert {refusal.host: refusal.reason for refusal in answers[2].refusals} == {
        "kvm1": "has 0 of 1 PCI devices nic free",
        "kvm2": "has 0 of 1 PCI devices nic free",
    }


def test_a_device_must_be_near_the_cells(api, report):
    far = report(
        "kvm1", numa_topology=topology(four(), four(cpuset="8-9", pcpuset="")), pci_device_pools=[nic(1, numa_node=1)]
    )
    wants = {**PINNED, "pci_passthrough:alias": "nic:1"}
    answer = api(far, pci_alias=[ALIAS]).select_destinations([request(specs=wants)])[0]
    assert answer.refusals[0].filter == "NUMATopologyFilter"
    relaxed = api(far, pci_alias=[{**ALIAS, "numa_policy": "preferred"}])
    assert relaxed.select_destinations([request(specs=wants)])[0].host == "kvm1"


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        ({"hw:cpu_policy": "pinned"}, "hw:cpu_policy is 'pinned'"),
        ({"pci_passthrough:alias": "gpu:1"}, "the PCI alias 'gpu', which is not declared"),
    ],
)
def test_an_impossible_wish_stops_its_request_alone(api, report, specs, words):
    answers = api(report()).select_destinations([request("a", specs), request("b", {})])
    assert answers[0].message.startswith("a was not placed: ")
    assert words in answers[0].message
    assert answers[1].host == "kvm1"


def test_a_wrong_alias_stops_those_who_ask_for_devices(api, report):
    scheduler = api(report(), pci_alias=[{"name": "nic"}])
    answers = scheduler.select_destinations([request("a", {"pci_passthrough:alias": "nic:1"}), request("b", {})])
    assert "pci_alias[0].vendor_id" in answers[0].message
    assert answers[1].host == "kvm1"


def test_a_forced_host_without_room_is_charged_for_what_it_can_tell(api, report):
    scheduler = api(report(numa_topology=topology(four(pcpuset=""))))
    answers = scheduler.select_destinations([request("a", force_hosts=["kvm1"]), request("b", {})])
    assert hosts(answers) == ["kvm1", "kvm1"]


def test_equal_hosts_are_fitted_once(api, report, monkeypatch):
    from ansible_collections.novella.compute.plugins.sub_plugins.scheduler_filter import numa_topology_filter

    asked = []
    real = numa_topology_filter.fit

    def counting(*arguments):
        asked.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(numa_topology_filter, "fit", counting)
    fleet = [report(f"kvm{number}", numa_topology=topology(four())) for number in range(20)]
    answers = api(*fleet).select_destinations([request(f"db-{number}") for number in range(10)])
    assert None not in hosts(answers)
    # The kinds of hosts: untouched, and with one instance or two.
    assert len(asked) <= 3
