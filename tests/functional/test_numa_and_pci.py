# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dedicated CPUs and PCI devices, from the fleet file to the instance's record."""

CELLS = [
    {"id": 0, "cpuset": "0-3", "memory": 4096, "mempages": [{"size_kb": 4, "total": 1048576}]},
    {"id": 1, "cpuset": "4-7", "memory": 4096, "mempages": [{"size_kb": 4, "total": 1048576}]},
]
DEVICES = [
    {"address": f"0000:0{bus}:00.0", "vendor_id": "8086", "product_id": "1520", "numa_node": bus - 3} for bus in (3, 4)
]
FLAVORS = {
    "pinned": {
        "vcpus": 2,
        "memory_mb": 512,
        "extra_specs": {"hw:cpu_policy": "dedicated", "pci_passthrough:alias": "nic:1"},
    },
    "small": {"vcpus": 1, "memory_mb": 512},
}
ALIAS = {"name": "nic", "vendor_id": "8086", "product_id": "1520", "numa_policy": "required"}


def test_a_fleet_of_pinned_instances_is_placed_claimed_and_recorded(make_site):
    site = make_site(
        2,
        novella_cpu_shared_set="0,4",
        novella_cpu_dedicated_set="1-3,5-7",
        novella_pci_device_spec=[{"vendor_id": "8086"}],
    )
    for host in site.names:
        site.settings(host, resources={"vcpus": 8, "memory_mb": 8192, "numa_cells": CELLS}, pci_devices=DEVICES)
    instances = {"db": {"flavor": "pinned", "count": 4}, "web": {"flavor": "small"}}
    site.write_fleet(instances, flavors=FLAVORS, scheduler={"pci_alias": [ALIAS]})
    first = site.run("apply")
    assert first.code == 0, first.text
    records = [
        domain.record
        for host in site.names
        for domain in site.driver(host).list_domains()
        if domain.name.startswith("test.db-")
    ]
    assert len(records) == 4
    taken = {
        (record["host"], record["pci_devices"][0]["address"], cell["id"], str(cell["cpu_pinning"]))
        for record in records
        for cell in record["numa_topology"]["cells"]
    }
    assert len(taken) == 4
    assert all(int(address[6]) - 3 == cell for _host, address, cell, _pins in taken)
    assert site.run("apply").changed == 0

    site.write_fleet(
        {**instances, "db": {"flavor": "pinned", "count": 5}}, flavors=FLAVORS, scheduler={"pci_alias": [ALIAS]}
    )
    full = site.run("apply")
    assert full.code != 0
    assert "PciPassthroughFilter" in full.text or "NUMATopologyFilter" in full.text


def test_an_option_that_the_host_cannot_honour_is_told_with_its_name(make_site):
    site = make_site(1, novella_cpu_dedicated_set="40")
    site.settings("kvm1", resources={"vcpus": 8, "memory_mb": 8192, "numa_cells": CELLS})
    site.write_fleet({"web": {}})
    outcome = site.run("apply")
    assert outcome.code != 0
    assert "cpu_dedicated_set names 40, which the host does not have online" in outcome.text
