# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What flavors and images ask for: cells, dedicated CPUs, page sizes, PCI devices, and their conflicts."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.pci_alias import requested_devices
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.topology import (
    dedicated_cpus,
    requested_topology,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image

NIC = {"name": "nic", "vendor_id": "8086", "product_id": "1520"}
GPU = {"name": "gpu", "vendor_id": "10DE", "product_id": "1db6", "device_type": "type-PCI", "numa_policy": "required"}


def asked(specs, properties=None, vcpus=4, memory_mb=1024):
    """The cells as (shared vCPUs, dedicated vCPUs, MiB), or None."""
    topology = topology_of(specs, properties, vcpus, memory_mb)
    return None if topology is None else [(cell.cpuset, cell.pcpuset, cell.memory) for cell in topology.cells]


def topology_of(specs, properties=None, vcpus=4, memory_mb=1024):
    image = Image("debian", "/srv/debian.qcow2", properties=properties or {})
    return requested_topology(Flavor("big", vcpus, memory_mb, extra_specs=specs), image)


@pytest.mark.parametrize(
    ("specs", "properties", "cells"),
    [
        ({}, {}, None),
        ({"disk": "ssd"}, {"hw_disk_bus": "virtio"}, None),
        ({"hw:cpu_policy": "shared"}, {}, None),
        ({"hw:numa_nodes": "2"}, {}, [("0-1", "", 512), ("2-3", "", 512)]),
        ({}, {"hw_numa_nodes": "1"}, [("0-3", "", 1024)]),
        ({"hw:mem_page_size": "large"}, {}, [("0-3", "", 1024)]),
        ({"hw:cpu_policy": "dedicated"}, {}, [("", "0-3", 1024)]),
        ({}, {"hw_cpu_policy": "dedicated"}, [("", "0-3", 1024)]),
        ({"hw:cpu_policy": "dedicated"}, {"hw_cpu_policy": "shared"}, [("", "0-3", 1024)]),
        ({"resources:PCPU": "4"}, {}, [("", "0-3", 1024)]),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "^0"}, {}, [("0", "1-3", 1024)]),
        (
            {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-1", "hw:numa_nodes": "2"},
            {},
            [("", "0-1", 512), ("2-3", "", 512)],
        ),
        (
            {
                "hw:numa_nodes": "2",
                "hw:numa_cpus.0": "0,2-3",
                "hw:numa_mem.0": "768",
                "hw:numa_cpus.1": "1",
                "hw:numa_mem.1": "256",
            },
            {},
            [("0,2-3", "", 768), ("1", "", 256)],
        ),
    ],
)
def test_the_cells_follow_from_flavor_and_image(specs, properties, cells):
    assert asked(specs, properties) == cells


@pytest.mark.parametrize(
    ("specs", "properties", "words"),
    [
        ({"hw:cpu_policy": "pinned"}, {}, "hw:cpu_policy is 'pinned'"),
        ({"hw:cpu_policy": "shared"}, {"hw_cpu_policy": "dedicated"}, "hw_cpu_policy of image 'debian'"),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0"}, {"hw_cpu_policy": "dedicated"}, "hw_cpu_policy"),
        ({"hw:cpu_thread_policy": "isolate"}, {}, "thread policy without dedicated CPUs"),
        (
            {"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "isolate"},
            {"hw_cpu_thread_policy": "require"},
            "is 'isolate'",
        ),
        ({"hw:emulator_threads_policy": "isolate"}, {}, "isolates emulator threads"),
        ({"hw:cpu_policy": "mixed"}, {}, "Say with hw:cpu_dedicated_mask"),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-3"}, {}, "some, and not all"),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "3-7"}, {}, "some, and not all"),
        ({"hw:cpu_policy": "dedicated", "hw:cpu_dedicated_mask": "0"}, {}, "goes with hw:cpu_policy=mixed"),
        ({"hw:numa_nodes": "0"}, {}, "hw:numa_nodes is '0'"),
        ({"hw:numa_nodes": "3"}, {}, "cannot be split evenly"),
        ({"hw:numa_nodes": "2"}, {"hw_numa_nodes": "2"}, "the flavor says hw:numa_nodes already"),
        ({"hw:numa_nodes": "2", "hw:numa_cpus.0": "0-3"}, {}, "does not describe each"),
        ({"hw:numa_nodes": "1", "hw:numa_cpus.1": "0-3", "hw:numa_mem.1": "1024"}, {}, "without a gap"),
        ({"hw:numa_nodes": "1", "hw:numa_cpus.0": "0-2", "hw:numa_mem.0": "1024"}, {}, "Name each of 0 to 3 once"),
        ({"hw:numa_nodes": "1", "hw:numa_cpus.0": "0-3", "hw:numa_mem.0": "512"}, {}, "adds up to 512 MB"),
        ({"hw:numa_cpus.0": "0-3", "hw:numa_mem.0": "1024"}, {}, "Set hw:numa_nodes"),
        ({"hw:mem_page_size": "huge"}, {}, "hw:mem_page_size is 'huge'"),
        ({}, {"hw_mem_page_size": "large"}, "does not allow for it"),
        ({"hw:mem_page_size": "2MB"}, {"hw_mem_page_size": "1GB"}, "hw_mem_page_size of image"),
        ({"hw:cpu_policy": "dedicated", "resources:PCPU": "4"}, {}, "beside a CPU policy"),
        ({"resources:PCPU": "2"}, {}, "It must be 4"),
        ({"hw:cpu_policy": "dedicated", "hw:cpu_dedicated_mask": "a"}, {}, "no set of CPUs"),
        (
            {
                "hw:cpu_policy": "dedicated",
                "hw:cpu_thread_policy": "prefer",
                "trait:HW_CPU_HYPERTHREADING": "forbidden",
            },
            {},
            "HW_CPU_HYPERTHREADING",
        ),
    ],
)
def test_a_contradiction_is_told_by_its_key(specs, properties, words):
    with pytest.raises(InvalidInput, match=words):
        topology_of(specs, properties)


@pytest.mark.parametrize(
    ("text", "size"),
    [("small", -1), ("large", -2), ("any", -3), ("2048", 2048), ("2MB", 2048), ("1GiB", 1048576), ("64KB", 64)],
)
def test_a_page_size_is_a_wish_or_a_number_of_kib(text, size):
    assert topology_of({"hw:mem_page_size": text}).cells[0].pagesize == size


def test_an_image_chooses_a_page_size_where_the_flavor_lets_it():
    assert topology_of({"hw:mem_page_size": "any"}, {"hw_mem_page_size": "2048"}).cells[0].pagesize == 2048


@pytest.mark.parametrize(
    ("flavor", "image", "policy"),
    [(None, "isolate", "isolate"), ("prefer", "isolate", "prefer"), ("require", "require", "require")],
)
def test_the_thread_policy_is_the_flavors_before_it_is_the_images(flavor, image, policy):
    specs = {"hw:cpu_policy": "dedicated", **({"hw:cpu_thread_policy": flavor} if flavor else {})}
    assert topology_of(specs, {"hw_cpu_thread_policy": image}).cells[0].cpu_thread_policy == policy


def test_the_trait_against_hyperthreading_isolates():
    topology = topology_of({"hw:cpu_policy": "dedicated", "trait:HW_CPU_HYPERTHREADING": "forbidden"})
    assert topology.cells[0].cpu_thread_policy == "isolate"


def test_an_isolated_emulator_takes_one_more_dedicated_cpu():
    flavor = Flavor("big", 4, 1024, extra_specs={"hw:cpu_policy": "dedicated"})
    assert dedicated_cpus(flavor, None) == 4
    specs = {**flavor.extra_specs, "hw:emulator_threads_policy": "isolate"}
    assert dedicated_cpus(flavor.but(extra_specs=specs), None) == 5
    assert dedicated_cpus(flavor.but(extra_specs={}), None) == 0


def devices(text, aliases, **more):
    return requested_devices(Flavor("big", 1, 512, extra_specs={"pci_passthrough:alias": text, **more}), None, aliases)


def test_a_flavor_asks_for_devices_by_their_aliases():
    found = devices("nic:2, gpu:1", [NIC, GPU])
    assert [(item.alias_name, item.count, item.numa_policy) for item in found] == [
        ("nic", 2, "legacy"),
        ("gpu", 1, "required"),
    ]
    assert found[1].spec == [{"vendor_id": "10de", "product_id": "1db6", "dev_type": "type-PCI"}]


def test_several_entries_of_an_alias_are_alternatives_and_a_flavor_says_how_near():
    found = devices("nic:1", [NIC, {**NIC, "product_id": "1521"}], **{"hw:pci_numa_affinity_policy": "preferred"})
    assert [spec["product_id"] for spec in found[0].spec] == ["1520", "1521"]
    assert found[0].numa_policy == "preferred"


@pytest.mark.parametrize("text", ["nic", "nic:0", "nic:one", ":1", "nic:1,,"])
def test_a_malformed_wish_for_devices_is_refused(text):
    with pytest.raises(InvalidInput, match="name:count"):
        devices(text, [NIC])


def test_an_alias_that_is_not_declared_is_told_with_the_nearest():
    with pytest.raises(InvalidInput, match=r"alias 'nik', which is not declared\. Did you mean 'nic'"):
        devices("nik:1", [NIC])


@pytest.mark.parametrize(
    ("aliases", "words"),
    [
        ([{**NIC, "vendor": "8086"}], "pci_alias.0. has the unknown key 'vendor'. Did you mean 'vendor_id'"),
        ([{**NIC, "name": ""}], "lacks a name"),
        ([{**NIC, "product_id": "x"}], "product_id must be four hexadecimal digits"),
        ([{**NIC, "numa_policy": "near"}], "numa_policy is 'near'"),
        ([{**NIC, "device_type": "gpu"}], "device_type is 'gpu'"),
        ([NIC, {**NIC, "numa_policy": "required"}], "differ in numa_policy"),
        ([NIC, {**NIC, "device_type": "type-VF"}], "differ in device_type"),
    ],
)
def test_a_malformed_alias_is_told_by_its_place(aliases, words):
    with pytest.raises(OptionInvalid, match=words):
        devices("nic:1", aliases)
