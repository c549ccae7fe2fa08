# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each difference that is meant is really there: Nova does what docs/conformance.md says of it, Novella does not."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from conformance import our_side
from conformance.comparing import compare
from conformance.differences import DIFFERENCES, explain
from conformance.nova_process import NovaProcess
from conformance.small_scenario import make_cell, make_scenario

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
PCI = {"vendor_id": "8086", "numa_node": None, "count": 1}


def both(nova: NovaProcess, scenario: dict[str, Any], difference: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what Nova and Novella say of the request, after a look whether the suite knows the difference."""
    theirs, ours = nova.answer(scenario), our_side.answer(scenario)
    assert explain(compare(scenario, theirs, ours)) == ({difference}, [])
    return theirs["requests"][0], ours["requests"][0]


def test_the_page_names_each_difference_and_no_other() -> None:
    named = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(named) == sorted(difference.name for difference in DIFFERENCES)


def test_a_number_compared_with_text_is_no_match_but_breaks_nova(nova: NovaProcess) -> None:
    hosts = [{"stats": {"level": "high"}}, {"stats": {"level": "10"}}]
    request = {"extra_specs": {"capabilities:level": ">= 5"}}
    scenario = make_scenario(hosts, request, filters=("ComputeCapabilitiesFilter",))
    theirs, ours = both(nova, scenario, "number-compared-with-text")
    assert theirs["passing"]["error"] == "ValueError"
    assert ours["passing"] == ["kvm2"]


@pytest.mark.parametrize("requirement", [">= five", "<or>"])
def test_a_malformed_requirement_is_told_where_nova_finds_no_host(nova: NovaProcess, requirement: str) -> None:
    request = {"extra_specs": {"capabilities:level": requirement}}
    scenario = make_scenario([{}, {}], request, filters=("ComputeCapabilitiesFilter",))
    theirs, ours = both(nova, scenario, "malformed-requirement")
    assert theirs["passing"] == []
    assert "The extra spec capabilities:level" in ours["passing"]["text"]


def test_not_negates_inside_of_a_query_but_is_always_true_in_nova(nova: NovaProcess) -> None:
    request = {"hints": {"query": json.dumps(["and", ["not", ["=", "$host", "kvm1"]]])}}
    scenario = make_scenario([{}, {}], request, filters=("JsonFilter",))
    theirs, ours = both(nova, scenario, "not-inside-of-a-query")
    assert theirs["passing"] == ["kvm1", "kvm2"]
    assert ours["passing"] == ["kvm2"]


def test_a_path_into_text_leads_to_nothing_but_breaks_nova(nova: NovaProcess) -> None:
    request = {"hints": {"query": json.dumps(["=", "$host.name", "kvm1"])}}
    scenario = make_scenario([{}, {}], request, filters=("JsonFilter",))
    theirs, ours = both(nova, scenario, "paths-into-nothing")
    assert theirs["passing"]["error"] == "AttributeError"
    assert ours["passing"] == []


def test_physical_address_bits_of_an_image_are_tested_but_break_nova(nova: NovaProcess) -> None:
    hosts = [{}, {"cpu_info": {"maxphysaddr": {"mode": "emulate", "bits": 46}}}]
    request = {"properties": {"hw_architecture": "x86_64", "hw_maxphysaddr_bits": "44"}}
    scenario = make_scenario(hosts, request, filters=("ImagePropertiesFilter",))
    theirs, ours = both(nova, scenario, "physical-address-bits-of-images")
    assert theirs["passing"]["error"] == "AttributeError"
    assert ours["passing"] == ["kvm2"]


def test_alternatives_of_an_alias_need_no_device_type_but_do_in_nova(nova: NovaProcess) -> None:
    alias = {"name": "gpu", "vendor_id": "10de"}
    options = {"pci_alias": [{**alias, "product_id": "1eb8"}, {**alias, "product_id": "2000"}]}
    pool = {**PCI, "vendor_id": "10de", "product_id": "2000", "dev_type": "type-PCI", "address": "0000:01:00.0"}
    request = {"extra_specs": {"pci_passthrough:alias": "gpu:1"}}
    scenario = make_scenario([{}, {"pools": [pool]}], request, options, filters=("PciPassthroughFilter",))
    theirs, ours = both(nova, scenario, "alias-alternatives")
    assert theirs == {"invalid": "Invalid PCI alias definition: 'dev_type'"}
    assert ours["passing"] == ["kvm2"]


def test_a_page_size_tried_on_one_cell_does_not_bind_the_next_but_does_in_nova(nova: NovaProcess) -> None:
    huge = [
        {"size_kb": 4, "total": 524288, "used": 0, "reserved": 0},
        {"size_kb": 2048, "total": 1024, "used": 0, "reserved": 0},
    ]
    # The first cell has the huge pages and no CPU left; the second has CPUs, and small pages only.
    cells = [make_cell(0, [0], [], cpu_usage=4, mempages=huge), make_cell(1, [1, 2], [], cpu_usage=5, memory=2048)]
    request = {"extra_specs": {"hw:mem_page_size": "any"}}
    scenario = make_scenario([{"cells": cells}], request, filters=("NUMATopologyFilter",))
    theirs, ours = both(nova, scenario, "fit-remembers")
    assert theirs["passing"] == []
    assert ours["passing"] == ["kvm1"]


def test_devices_that_cannot_be_had_all_are_left_but_taken_in_part_by_nova(nova: NovaProcess) -> None:
    aliases = [
        {"name": name, "vendor_id": "8086", "product_id": number} for name, number in (("a", "0001"), ("b", "0002"))
    ]
    pool = {**PCI, "product_id": "0001", "dev_type": "type-PCI", "address": "0000:01:00.0"}
    request = {"extra_specs": {"pci_passthrough:alias": "a:1,b:1"}}
    scenario = make_scenario([{"pools": [pool]}], request, {"pci_alias": aliases})
    theirs, ours = both(nova, scenario, "devices-are-taken-together")
    assert theirs["consumed"]["pci"] == []
    assert ours["consumed"]["pci"] == [["8086", "0001", "0000:01:00.0", 1]]


def test_a_multiplier_without_end_is_void_but_makes_nonsense_of_weights_in_nova(nova: NovaProcess) -> None:
    aggregates = [{"hosts": ["kvm1"], "metadata": {"ram_weight_multiplier": "inf"}}]
    scenario = make_scenario([{}, {"memory_mb": 4096}], {}, aggregates=aggregates, weighers=("RAMWeigher",))
    theirs, ours = both(nova, scenario, "multipliers-without-end")
    assert theirs["totals"]["kvm1"] == math.inf
    assert ours["totals"] == {"kvm1": 1.0, "kvm2": 0.5}
