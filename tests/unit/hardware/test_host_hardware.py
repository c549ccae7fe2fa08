# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with NUMA cells and PCI devices, from its audit to the claim and the instance's record."""

import dataclasses

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware_claims import Claimant
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.pci import PciRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from support.fake_host import IMAGE, act, create, host

__all__ = ["host"]

CELLS = [
    {"id": 0, "cpuset": "0-3", "memory": 4096, "siblings": ["0-1", "2-3"]},
    {"id": 1, "cpuset": "4-7", "memory": 4096, "siblings": ["4-5", "6-7"]},
]
DEVICES = [
    {"address": f"0000:03:00.{number}", "vendor_id": "8086", "product_id": "1520", "numa_node": number}
    for number in (0, 1)
]
PINNED = {"hw:cpu_policy": "dedicated"}
NIC = PciRequest(1, [{"vendor_id": "8086", "product_id": "1520"}], "nic", "required")


@pytest.fixture
def make(host):
    """Give the host its hardware and the operator's options."""

    def make(**options):
        host.settings(resources={"vcpus": 8, "memory_mb": 8192, "numa_cells": CELLS}, pci_devices=DEVICES)
        host.options = dataclasses.replace(host.options, **options)
        return host

    return make


def pinned(name, vcpus=2, specs=PINNED, requests=()):
    spec = InstanceSpec(name, Flavor("pinned", vcpus, 512, 1, extra_specs=dict(specs)), IMAGE)
    return create(name, spec=spec, pci_requests=list(requests))


def node(host):
    return host.manager().audit().compute_node


def record(host, name):
    return Instance.from_document(host.driver.get_domain(f"uuid-of-{name}").record)


def statuses(results):
    return [item.get("error", {}).get("message", item["status"]) for item in results]


def test_an_audit_tells_what_instances_may_have(make):
    audited = node(make(cpu_shared_set="0-1", cpu_dedicated_set="2-7", pci_device_spec=[{"vendor_id": "8086"}]))
    assert audited.vcpus == 2
    assert [(cell.cpuset, cell.pcpuset, cell.siblings) for cell in audited.numa_topology.cells] == [
        ("0-1", "2-3", ("0-1", "2-3")),
        ("", "4-7", ("4-5", "6-7")),
    ]
    assert [(pool.count, pool.numa_node) for pool in audited.pci_device_pools] == [(1, 0), (1, 1)]


def test_without_sets_all_cpus_are_shared_and_no_device_is_given(make):
    audited = node(make())
    assert audited.vcpus == 8
    assert [(cell.cpuset, cell.pcpuset) for cell in audited.numa_topology.cells] == [("0-3", ""), ("4-7", "")]
    assert audited.pci_device_pools == []


def test_with_dedicated_cpus_alone_no_cpu_is_shared(make):
    host = make(cpu_dedicated_set="0-7")
    assert node(host).vcpus == 0
    assert "it wants 1 vCPUs, the host has 0" in statuses(host.reconcile(create("web")))[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cpu_dedicated_set": "6-9"}, "cpu_dedicated_set names 8-9, which the host does not have online"),
        ({"cpu_shared_set": "0-3", "cpu_dedicated_set": "3-7"}, "both name 3"),
        ({"cpu_shared_set": "all"}, "cpu_shared_set: 'all' is no set of CPUs"),
        ({"pci_device_spec": [{"vendor_id": "x"}]}, "vendor_id is 'x'"),
    ],
)
def test_a_wrong_option_stops_the_audit_with_its_name(make, options, words):
    with pytest.raises(OptionInvalid, match=words):
        node(make(**options))


def test_the_host_pins_writes_it_down_and_counts_it_until_the_instance_goes(make):
    host = make(cpu_shared_set="0-1", cpu_dedicated_set="2-7")
    assert statuses(host.reconcile(pinned("db"), pinned("cache"), pinned("web"))) == ["done"] * 3
    cells = [record(host, name).numa_topology.cells[0] for name in ("db", "cache", "web")]
    assert [(cell.id, dict(cell.cpu_pinning)) for cell in cells] == [
        (1, {0: 4, 1: 5}),
        (0, {0: 2, 1: 3}),
        (1, {0: 6, 1: 7}),
    ]
    audited = node(host)
    assert [cell.pinned_cpus for cell in audited.numa_topology.cells] == ["2-3", "4-7"]
    assert audited.vcpus_used == 0
    host.reconcile(act("delete", "cache"))
    assert [cell.pinned_cpus for cell in node(host).numa_topology.cells] == ["", "4-7"]


def test_of_two_plans_that_race_for_one_cpu_the_host_refuses_the_second(make):
    host = make(cpu_shared_set="0", cpu_dedicated_set="1")
    results = host.reconcile(pinned("first", 1), pinned("second", 1))
    assert results[0]["status"] == "done"
    assert results[1]["error"]["code"] == "ComputeResourcesUnavailable"
    assert "has 0 of 1 dedicated CPUs free" in results[1]["error"]["message"]
    assert host.driver.get_domain("uuid-of-second") is None


def test_a_claim_holds_its_cpus_before_there_is_a_domain(make):
    host = make(cpu_shared_set="0", cpu_dedicated_set="1")
    tracker = ComputeManager(host.options, host.driver, host.db)._host.tracker
    spec = pinned("early", 1).spec
    assert tracker.instance_claims([Claimant(Instance("uuid-early", spec), {})]) == {"uuid-early": None}
    assert tracker.claimed_hardware("uuid-early").numa_topology.cells[0].cpu_pinning == ((0, 1),)
    audited = tracker.update_available_resource().node
    assert audited.numa_topology.cells[0].pinned_cpus == "1"
    tracker.drop_claim("uuid-early")
    audited = tracker.update_available_resource().node
    assert audited.numa_topology.cells[0].pinned_cpus == ""


def test_the_schedulers_limits_count_where_they_are_tighter(make):
    host = make()
    cells = {"hw:numa_nodes": "1"}
    limits = {"numa_topology": {"cpu_allocation_ratio": 0.25, "ram_allocation_ratio": 1.0}}
    refused = host.reconcile(pinned("web", 2, cells).but(limits=limits))[0]
    assert "lacks 1 shared vCPUs" in refused["error"]["message"]
    assert host.reconcile(pinned("web", 2, cells))[0]["status"] == "done"


def test_packing_comes_with_the_plan(make):
    host = make(cpu_shared_set="0,4", cpu_dedicated_set="1-3,5-7")
    limits = {"numa_topology": {"cpu_allocation_ratio": 4.0, "ram_allocation_ratio": 1.0, "packing": True}}
    host.reconcile(pinned("db", 1).but(limits=limits), pinned("cache", 1).but(limits=limits))
    assert [record(host, name).numa_topology.cells[0].id for name in ("db", "cache")] == [0, 0]


def test_devices_are_given_near_the_cells_and_come_back(make):
    host = make(cpu_shared_set="0,4", cpu_dedicated_set="1-3,5-7", pci_device_spec=[{"vendor_id": "8086"}])
    specs = {**PINNED, "pci_passthrough:alias": "nic:1"}
    wanted = [pinned(name, 1, specs, [NIC]) for name in ("a", "b", "c")]
    results = host.reconcile(*wanted)
    assert [item["status"] for item in results] == ["done", "done", "failed"]
    assert "PCI devices" in results[2]["error"]["message"]
    for name in ("a", "b"):
        given = record(host, name)
        assert [device.numa_node for device in given.pci_devices] == [given.numa_topology.cells[0].id]
        assert given.pci_devices[0].alias == "nic"
    assert node(host).pci_device_pools == []
    host.reconcile(act("delete", "a"))
    assert [pool.count for pool in node(host).pci_device_pools] == [1]


def test_an_alias_that_nobody_resolved_is_not_left_out_in_silence(make):
    host = make(pci_device_spec=[{"vendor_id": "8086"}])
    refused = host.reconcile(pinned("a", 1, {"pci_passthrough:alias": "nic:1"}))[0]
    assert refused["error"]["code"] == "NotSupported"
    assert "scheduler.pci_alias" in refused["error"]["message"] + refused["error"]["remedy"]


def test_what_a_foreign_domain_holds_is_not_given(make, monkeypatch):
    host = make(cpu_shared_set="0", cpu_dedicated_set="1-3", pci_device_spec=[{"vendor_id": "8086"}])
    foreign = Domain(
        "f0", "theirs", "running", Usage(1, 64, 0), pinned_cpus="1", pci_addresses=(DEVICES[0]["address"],)
    )
    monkeypatch.setattr(host.driver, "list_domains", lambda: [foreign])
    audited = node(host)
    assert audited.numa_topology.cells[0].pinned_cpus == "1"
    assert [pool.numa_node for pool in audited.pci_device_pools] == [1]


def test_a_flavor_that_contradicts_itself_is_refused_by_the_claim(make):
    refused = make(cpu_dedicated_set="0-7").reconcile(pinned("a", 1, {"hw:cpu_policy": "pinned"}))[0]
    assert refused["error"]["code"] == "InvalidInput"
    assert "hw:cpu_policy is 'pinned'" in refused["error"]["message"]
