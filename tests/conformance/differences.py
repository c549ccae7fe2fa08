# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Novella means to differ from Nova. docs/conformance.md says why; nothing else may differ."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.comparing import TOGETHER, Finding, is_error

EXTRA_SPEC_FILTERS = ("ComputeCapabilitiesFilter", "AggregateInstanceExtraSpecsFilter")


@dataclass(frozen=True)
class Difference:
    """A difference that is meant.

    Args:
        name: As docs/conformance.md calls it.
        explains: Whether it is the cause of a finding.
    """

    name: str
    explains: Callable[[Finding], bool]


def explain(findings: list[Finding]) -> tuple[set[str], list[Finding]]:
    """Return the names of the differences that explain the findings of one request, and what no difference explains.

    What filters and weighers come to together is explained where one that takes part in it is.
    """
    names: set[str] = set()
    left: list[Finding] = []
    plugins: set[str] = set()
    for finding in findings:
        found = next((difference for difference in DIFFERENCES if difference.explains(finding)), None)
        if found is not None:
            names.add(found.name)
            plugins.add(finding.what)
        elif finding.what not in TOGETHER or not plugins.intersection(_enabled(finding.scenario)):
            left.append(finding)
    return names, left


def _enabled(scenario: dict[str, Any]) -> set[str]:
    options = scenario["options"]
    return {*options["enabled_filters"], *options["enabled_weighers"]}


def _number_compared_with_text(finding: Finding) -> bool:
    return (
        finding.what in EXTRA_SPEC_FILTERS
        and is_error(finding.theirs)
        and finding.theirs["text"].startswith("could not convert string to float")
        and not is_error(finding.ours)
    )


def _malformed_requirement(finding: Finding) -> bool:
    # Together, Nova may have asked only hosts that have no such value, where its filter alone failed as Novella's did.
    return (
        finding.what in (*EXTRA_SPEC_FILTERS, *TOGETHER)
        and not is_error(finding.theirs)
        and is_error(finding.ours)
        and finding.ours["text"].startswith("The extra spec ")
    )


def _not_inside_of_a_query(finding: Finding) -> bool:
    if finding.what != "JsonFilter":
        return False
    query = json.loads(finding.asked["hints"]["query"])
    return any(isinstance(item, list) and _has_not(item) for item in query)


def _has_not(query: list[Any]) -> bool:
    return query[:1] == ["not"] or any(isinstance(item, list) and _has_not(item) for item in query)


def _physical_address_bits_of_images(finding: Finding) -> bool:
    return (
        finding.what == "ImagePropertiesFilter"
        and is_error(finding.theirs)
        and finding.theirs["error"] == "AttributeError"
        and "hw_maxphysaddr_bits" in finding.asked["image"]["properties"]
    )


def _alias_alternatives(finding: Finding) -> bool:
    return finding.what == "validity" and finding.theirs == "Invalid PCI alias definition: 'dev_type'"


def _fit_remembers(finding: Finding) -> bool:
    if finding.what not in ("NUMATopologyFilter", "consumed cells", "consumed pci"):
        return False
    wishes = _wishes(finding)
    sizes, nodes = ({wishes.get(f"hw{mark}{key}") for mark in ":_"} for key in ("mem_page_size", "numa_nodes"))
    return bool(sizes & {"any", "large"}) or bool(nodes - {None, "1"})


def _devices_are_taken_together(finding: Finding) -> bool:
    """Nova takes the devices of one alias, and then finds that it cannot have those of the next."""
    return (
        finding.what == "consumed pci"
        and "," in _wishes(finding).get("pci_passthrough:alias", "")
        and sum(pool[-1] for pool in finding.theirs) < sum(pool[-1] for pool in finding.ours)
    )


def _multipliers_without_end(finding: Finding) -> bool:
    return (
        finding.what.endswith("Weigher")
        and not is_error(finding.theirs)
        and not all(map(math.isfinite, finding.theirs.values()))
    )


def _paths_into_nothing(finding: Finding) -> bool:
    return (
        finding.what == "JsonFilter" and is_error(finding.theirs) and "has no attribute 'get'" in finding.theirs["text"]
    )


def _wishes(finding: Finding) -> dict[str, str]:
    return {**finding.asked["image"]["properties"], **finding.asked["flavor"]["extra_specs"]}


DIFFERENCES = (
    Difference("number-compared-with-text", _number_compared_with_text),
    Difference("malformed-requirement", _malformed_requirement),
    Difference("not-inside-of-a-query", _not_inside_of_a_query),
    Difference("physical-address-bits-of-images", _physical_address_bits_of_images),
    Difference("alias-alternatives", _alias_alternatives),
    Difference("fit-remembers", _fit_remembers),
    Difference("devices-are-taken-together", _devices_are_taken_together),
    Difference("multipliers-without-end", _multipliers_without_end),
    Difference("paths-into-nothing", _paths_into_nothing),
)
