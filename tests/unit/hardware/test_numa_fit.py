# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cells of instances on cells of hosts: where they fit, which CPUs they get, what is used then."""

import itertools

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.fitting import Misfit, fit
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.topology import requested_topology
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.usage import with_usage
from ansible_collections.novella.compute.plugins.module_utils.objects.cpu_spec import format_cpu_spec, parse_cpu_spec
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.numa import (
    NUMACell,
    NUMAPages,
    NUMATopology,
    NUMATopologyLimits,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.pci import PciRequest
from hypothesis import given
from hypothesis import strategies as st

DEDICATED = {"hw:cpu_policy": "dedicated"}


def cell(number=0, cpuset="", pcpuset="", memory=4096, **more):
    return NUMACell(number, cpuset, pcpuset, memory, **more)


def threaded(number=0, first=0, cores=2, **more):
    """A cell of dedicated CPUs, two threads a core: 0 and 1 are one core, 2 and 3 the next."""
    siblings = tuple(f"{cpu}-{cpu + 1}" for cpu in range(first, first + 2 * cores, 2))
    return cell(number, pcpuset=f"{first}-{first + 2 * cores - 1}", siblings=siblings, **more)


def tried(cells, specs, vcpus=2, memory_mb=1024, limits=None, **more):
    asked = requested_topology(Flavor("big", vcpus, memory_mb, extra_specs=specs), None)
    return fit(NUMATopology(tuple(cells)), asked, limits or NUMATopologyLimits(), **more)


def pins(outcome):
    return [dict(each.cpu_pinning) for each in outcome.cells]


def why(outcome):
    assert isinstance(outcome, Misfit), outcome
    return outcome.text


@pytest.mark.parametrize(
    ("cells", "specs", "words"),
    [
        ([cell(cpuset="0-3")], {"hw:numa_nodes": "2"}, "has 1 NUMA cell, of 2 asked for"),
        ([cell(cpuset="0")], {"hw:numa_nodes": "1"}, "has 1 of 2 shared CPUs in NUMA cell 0"),
        ([cell(pcpuset="0-3", pinned_cpus="0-2")], DEDICATED, "has 1 of 2 dedicated CPUs free in NUMA cell 0"),
        ([cell(cpuset="0-3")], DEDICATED, "has 0 of 2 dedicated CPUs free"),
        ([cell(pcpuset="0-3", memory_usage=3500)], DEDICATED, "has 596 of 1024 MB of free memory"),
        ([cell(cpuset="0-3", memory=512)], {"hw:numa_nodes": "1"}, "has 512 of 1024 MB of memory"),
        ([cell(cpuset="0-3")], {"hw:mem_page_size": "large"}, "pages of size large"),
        (
            [cell(cpuset="0-3", mempages=(NUMAPages(4, 10**6), NUMAPages(2048, 600, used=100)))],
            {"hw:mem_page_size": "2048"},
            "pages of size 2048 KiB",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_figures(cells, specs, words):
    assert words in why(tried(cells, specs, memory_mb=1024 if "2048" not in specs.values() else 1026))


def test_a_host_that_tells_of_no_cells_takes_no_instance_with_cells():
    asked = requested_topology(Flavor("big", 1, 512, extra_specs=DEDICATED), None)
    assert "has no NUMA cells" in why(fit(None, asked, NUMATopologyLimits()))


@pytest.mark.parametrize(
    ("policy", "pinned", "expected"),
    [
        ("require", "", {0: 0, 1: 1}),
        ("require", "0", {0: 2, 1: 3}),
        ("prefer", "0", {0: 2, 1: 3}),
        ("prefer", "0,2", {0: 1, 1: 3}),
    ],
)
def test_threads_of_one_core_are_preferred_or_required(policy, pinned, expected):
    specs = {**DEDICATED, "hw:cpu_thread_policy": policy}
    assert pins(tried([threaded(pinned_cpus=pinned)], specs)) == [expected]


def test_require_takes_no_threads_of_different_cores():
    specs = {**DEDICATED, "hw:cpu_thread_policy": "require"}
    assert "hw:cpu_thread_policy=require" in why(tried([threaded(pinned_cpus="0,2")], specs))
    assert "hw:cpu_thread_policy=require" in why(tried([cell(pcpuset="0-3")], specs))


def test_isolate_takes_one_thread_a_core_and_leaves_the_others_idle():
    specs = {**DEDICATED, "hw:cpu_thread_policy": "isolate"}
    both = threaded(cores=3).but(cpuset="0-5")
    fitted = tried([both], specs)
    assert pins(fitted) == [{0: 0, 1: 2}]
    assert with_usage(NUMATopology((both,)), fitted).cells[0].pinned_cpus == "0-3"
    # Other guests would get the idle threads of a host that sets CPUs apart.
    assert "isolate" in why(tried([threaded(cores=3)], specs))
    assert pins(tried([cell(pcpuset="0-3")], specs)) == [{0: 0, 1: 1}]


def test_an_isolated_emulator_gets_one_cpu_more_in_the_first_cell():
    specs = {**DEDICATED, "hw:emulator_threads_policy": "isolate", "hw:numa_nodes": "2"}
    fitted = tried([cell(0, pcpuset="0-3"), cell(1, pcpuset="4-7")], specs)
    assert [each.cpuset_reserved for each in fitted.cells] == ["1", ""]
    assert "dedicated CPUs free" in why(tried([cell(0, pcpuset="0"), cell(1, pcpuset="4")], specs))


def test_shared_vcpus_are_overcommitted_up_to_the_ratios_and_never_against_themselves():
    limits = NUMATopologyLimits(2.0, 1.5)
    busy = cell(cpuset="0-1", memory=1024, cpu_usage=2)
    assert not isinstance(tried([busy], {"hw:numa_nodes": "1"}, limits=limits), Misfit)
    assert "lacks 1 shared vCPUs" in why(tried([busy.but(cpu_usage=3)], {"hw:numa_nodes": "1"}, limits=limits))
    full = busy.but(memory_usage=600)
    assert "lacks 88 MB of memory" in why(tried([full], {"hw:numa_nodes": "1"}, limits=limits))
    assert "has 2 of 3 shared CPUs" in why(tried([busy], {"hw:numa_nodes": "1"}, vcpus=3, limits=limits))


def test_pages_are_taken_as_large_as_there_are_and_counted():
    host = cell(cpuset="0-3", mempages=(NUMAPages(4, 524288), NUMAPages(2048, 1024), NUMAPages(1048576, 1)))
    fitted = tried([host], {"hw:mem_page_size": "large"}, memory_mb=1024)
    assert fitted.cells[0].pagesize == 1048576
    fitted = tried([host], {"hw:mem_page_size": "large"}, memory_mb=1536)
    assert fitted.cells[0].pagesize == 2048
    used = with_usage(NUMATopology((host,)), fitted).cells[0]
    assert [pages.used for pages in used.mempages] == [0, 768, 0]
    assert used.memory_usage == 1536


@pytest.mark.parametrize(
    ("packing", "specs", "expected"),
    [
        (False, DEDICATED, 2),
        (True, DEDICATED, 1),
        (False, {"hw:numa_nodes": "1"}, 1),
        (True, {"hw:numa_nodes": "1"}, 0),
    ],
)
def test_the_emptiest_cell_is_taken_or_with_packing_the_fullest(packing, specs, expected):
    cells = [
        cell(0, "0-3", "10-13", cpu_usage=3, pinned_cpus="10-11"),
        cell(1, "4-7", "14-17", cpu_usage=0, pinned_cpus="14-15"),
        cell(2, "8-9", "18-21", cpu_usage=1),
    ]
    # Of the cells 0 and 1 that are equally pinned, the one with less memory free is the fuller.
    cells[1] = cells[1].but(memory_usage=1)
    limits = NUMATopologyLimits(4.0, 1.0, packing)
    assert [each.id for each in tried(cells, specs, limits=limits).cells] == [expected]


def test_cells_with_pci_devices_are_left_to_those_who_ask_for_devices():
    cells = [cell(0, "0-3"), cell(1, "4-7")]
    pools = [{"vendor_id": "8086", "product_id": "1520", "numa_node": 0, "dev_type": "type-PCI", "count": 2}]
    specs = {"hw:numa_nodes": "1"}
    assert tried(cells, specs, pools=pools).cells[0].id == 1
    request = PciRequest(1, [{"vendor_id": "8086"}], "nic", "required")
    assert tried(cells, specs, pools=pools, requests=[request]).cells[0].id == 0
    far = [{**pools[0], "numa_node": 5}]
    assert "PCI devices at once" in why(tried(cells, specs, pools=far, requests=[request]))


def test_two_cells_never_share_a_host_cell_and_any_order_that_fits_is_found():
    specs = {
        "hw:numa_nodes": "2",
        "hw:numa_cpus.0": "0-2",
        "hw:numa_mem.0": "512",
        "hw:numa_cpus.1": "3",
        "hw:numa_mem.1": "512",
    }
    for order in itertools.permutations([cell(0, "0"), cell(1, "1-3"), cell(2, "4-5", memory=256)]):
        assert [each.id for each in tried(order, specs, vcpus=4).cells] == [1, 0]


@given(
    st.lists(st.sampled_from([(), (0,), (1, 2), (4, 5, 6)]), min_size=2, max_size=2),
    st.sampled_from(["prefer", "require", None]),
    st.integers(1, 4),
    st.booleans(),
)
def test_no_cpu_is_given_twice_and_what_is_given_back_is_free_again(pinned, policy, vcpus, isolated):
    cells = [
        threaded(number, 8 * number, 4, pinned_cpus=format_cpu_spec(8 * number + cpu for cpu in taken))
        for number, taken in enumerate(pinned)
    ]
    host = NUMATopology(tuple(cells))
    specs = {**DEDICATED, **({"hw:cpu_thread_policy": policy} if policy else {})}
    if isolated:
        specs["hw:emulator_threads_policy"] = "isolate"
    asked = requested_topology(Flavor("big", vcpus, 256, extra_specs=specs), None)
    states, seen = [host], []
    while not isinstance(fitted := fit(states[-1], asked, NUMATopologyLimits()), Misfit):
        taken = [pair[1] for each in fitted.cells for pair in each.cpu_pinning]
        taken += [cpu for each in fitted.cells for cpu in parse_cpu_spec(each.cpuset_reserved)]
        assert len(taken) == vcpus + isolated
        seen += taken
        states.append(with_usage(states[-1], fitted))
        assert with_usage(states[-1], fitted, sign=-1) == states[-2]
    assert len(seen) == len(set(seen))


@given(st.sets(st.integers(0, 300), max_size=40))
def test_a_set_of_cpus_is_written_and_read_as_the_same_set(cpus):
    assert parse_cpu_spec(format_cpu_spec(cpus)) == cpus


@pytest.mark.parametrize(("text", "cpus"), [("0-3,^2", {0, 1, 3}), (" 1 , 4-5,", {1, 4, 5}), ("", set())])
def test_sets_of_cpus_are_lists_of_numbers_and_ranges(text, cpus):
    assert parse_cpu_spec(text) == cpus


@pytest.mark.parametrize("text", ["a", "3-1", "1-", "-1", "1;2"])
def test_what_is_no_set_of_cpus_is_refused(text):
    with pytest.raises(InvalidInput, match="no set of CPUs"):
        parse_cpu_spec(text)
