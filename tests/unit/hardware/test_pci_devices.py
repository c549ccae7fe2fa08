# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PCI devices: which a host gives, which are free, and which an instance gets."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.device_spec import (
    assignable_devices,
    free_devices,
    pool_devices,
)
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.pci_pools import allot, as_pools, take
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.numa import (
    InstanceNUMACell,
    NUMACell,
    NUMATopology,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.pci import PciDevice, PciDevicePool, PciRequest

PF = PciDevice("0000:03:00.0", "8086", "1528", "type-PF", 0)
VF1 = PciDevice("0000:03:10.0", "8086", "1515", "type-VF", 0, PF.address)
VF2 = PciDevice("0000:03:10.2", "8086", "1515", "type-VF", 0, PF.address)
GPU = PciDevice("0000:0a:00.0", "10de", "1db6", "type-PCI", 1)
ALL = [PF, VF1, VF2, GPU]
SOCKETS = NUMATopology(tuple(NUMACell(number, socket=number // 2) for number in range(4)))


def given(*specs):
    return [device.address for device in assignable_devices(ALL, specs)]


def pool(count=1, numa_node=0, vendor_id="8086", dev_type="type-PCI", **tags):
    return PciDevicePool(vendor_id, "1520", count, numa_node, dev_type, tags)


def asked(count=1, policy="legacy", **spec):
    return PciRequest(count, [{"vendor_id": "8086", "product_id": "1520", **spec}], "nic", policy)


def nodes(pools, request, cells=(0,), host=SOCKETS):
    """The nodes that the devices come from, or None."""
    ready = as_pools(pools)
    shares = allot(ready, [request], [InstanceNUMACell(cell, 512) for cell in cells], host)
    return None if shares is None else [ready[share.pool]["numa_node"] for share in shares for _ in range(share.count)]


@pytest.mark.parametrize(
    ("spec", "addresses"),
    [
        ({"vendor_id": "10de"}, [GPU.address]),
        ({"vendor_id": "8086", "product_id": "1515"}, [VF1.address, VF2.address]),
        ({"address": "0000:0a:00.0"}, [GPU.address]),
        ({"address": "0000:03:00.0"}, [PF.address, VF1.address, VF2.address]),
        ({"address": "*:03:10.*"}, [VF1.address, VF2.address]),
        ({"address": "0a:00.*"}, [GPU.address]),
        ({"address": {"bus": "03", "function": "[1-7]"}}, [VF2.address]),
        ({"address": "*"}, [PF.address, VF1.address, VF2.address, GPU.address]),
    ],
)
def test_a_host_gives_the_devices_that_it_names(spec, addresses):
    assert given(spec) == addresses


def test_a_host_that_names_no_devices_gives_none():
    assert given() == []


def test_the_first_entry_that_names_a_device_gives_it_its_tags():
    found = assignable_devices(ALL, [{"vendor_id": "10de", "physical_network": "a"}, {"address": "*"}])
    assert [device.tags for device in found] == [{}, {}, {}, {"physical_network": "a"}]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"vendor_id": "intel"}, r"pci_device_spec\[0\].vendor_id is 'intel'"),
        ({"address": "03/00"}, r"pci_device_spec\[0\].address is '03/00'"),
        ({"address": "1:2:3:4.5"}, "address"),
        ({"address": {"buss": "03"}}, "unknown key 'buss'"),
        ({"address": {"bus": "["}}, "is no pattern"),
        ({"devname": "eth0"}, "has the key 'devname'"),
    ],
)
def test_a_malformed_entry_is_told_by_its_place(spec, words):
    with pytest.raises(OptionInvalid, match=words):
        given(spec)


def test_a_physical_function_and_its_virtual_ones_are_not_given_at_once():
    assert free_devices(ALL, {VF1.address}) == [VF2, GPU]
    assert free_devices(ALL, {PF.address}) == [GPU]
    assert free_devices(ALL, set()) == ALL


def test_equal_devices_of_one_physical_function_are_a_pool():
    pools = {found.product_id: (found.count, found.tags) for found, _devices in pool_devices(ALL)}
    assert pools == {
        "1528": (1, {"address": PF.address}),
        "1515": (2, {"address": PF.address}),
        "1db6": (1, {"address": GPU.address}),
    }


@pytest.mark.parametrize(
    ("policy", "pools", "taken"),
    [
        ("legacy", [pool(numa_node=1), pool(numa_node=None), pool(numa_node=0)], [0]),
        ("legacy", [pool(numa_node=1), pool(numa_node=None)], [None]),
        ("legacy", [pool(numa_node=1)], None),
        ("required", [pool(numa_node=None)], None),
        ("required", [pool(numa_node=1), pool(numa_node=0)], [0]),
        ("preferred", [pool(numa_node=1)], [1]),
        ("preferred", [pool(numa_node=1), pool(numa_node=0)], [0]),
        ("socket", [pool(numa_node=2), pool(numa_node=1)], [1]),
        ("socket", [pool(numa_node=2), pool(numa_node=None)], None),
    ],
)
def test_how_near_a_device_must_be_is_its_policy(policy, pools, taken):
    assert nodes(pools, asked(policy=policy)) == taken


def test_sockets_that_are_not_known_are_near_to_nothing():
    unknown = NUMATopology((NUMACell(0), NUMACell(1)))
    assert nodes([pool(numa_node=1)], asked(policy="socket"), host=unknown) is None


def test_an_instance_without_cells_has_devices_from_anywhere():
    assert allot(as_pools([pool(numa_node=3)]), [asked(policy="required")]) is not None


@pytest.mark.parametrize(
    ("there", "spec", "fits"),
    [
        ({"dev_type": "type-PF"}, {}, False),
        ({"dev_type": "type-PF"}, {"dev_type": "type-PF"}, True),
        ({"dev_type": "vdpa"}, {}, False),
        ({"remote_managed": "true"}, {}, False),
        ({"remote_managed": "True"}, {"remote_managed": "true"}, True),
        ({"live_migratable": "true"}, {"live_migratable": "true"}, True),
        ({}, {"live_migratable": "true"}, False),
        ({"vendor_id": "10DE"}, {"vendor_id": "10de"}, True),
        ({}, {"resource_class": "CUSTOM_NIC"}, True),
    ],
)
def test_special_devices_are_for_those_who_ask_for_them(there, spec, fits):
    assert (allot(as_pools([pool(**there)]), [asked(**spec)]) is not None) == fits


def test_requests_share_what_there_is_and_what_is_taken_is_gone():
    pools = as_pools([pool(count=2), pool(count=1, numa_node=1)])
    assert allot(pools, [asked(2), asked(2)]) is None
    shares = allot(pools, [asked(2), asked(1)])
    assert [share.count for share in shares] == [2, 1]
    assert take(pools, shares) == []
    assert [left["count"] for left in take(pools, allot(pools, [asked(1)]))] == [1, 1]
