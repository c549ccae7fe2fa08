# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random scenarios: hosts, and requests to be placed on them one after the other. A seed always makes the same one."""

from __future__ import annotations

import random
from typing import Any

from conformance.scenario_hardware import add_wishes, make_aliases, make_cells, make_pools
from conformance.scenario_hosts import NOVA_FILTERS, NOVA_WEIGHERS, make_aggregates, make_host, make_options, some
from conformance.scenario_requests import RequestMaker

# A group's policy is refused where its filter or weigher does not run.
POLICIES = {
    "affinity": "ServerGroupAffinityFilter",
    "anti-affinity": "ServerGroupAntiAffinityFilter",
    "soft-affinity": "ServerGroupSoftAffinityWeigher",
    "soft-anti-affinity": "ServerGroupSoftAntiAffinityWeigher",
}


def generate(seed: int) -> dict[str, Any]:
    """Return the scenario of a seed."""
    draw = random.Random(seed)
    hosts = sorted((make_host(draw, number) for number in range(draw.randint(1, 12))), key=lambda host: host["host"])
    names = [host["host"] for host in hosts]
    maker = RequestMaker(draw, hosts)
    # Hardware in every third: there it decides much of what happens.
    is_about_hardware = seed % 3 == 0
    if is_about_hardware:
        for host in hosts:
            host["cells"] = make_cells(draw) if draw.random() < 0.9 else []
            host["vcpus_used"] += sum(len(cell["pinned_cpus"]) for cell in host["cells"])
            host["pools"] = make_pools(draw, len(host["cells"]))
    needed = {POLICIES[group["policy"]] for group in maker.groups}
    scenario = {
        "seed": seed,
        "filters": list(NOVA_FILTERS),
        "hosts": hosts,
        "aggregates": make_aggregates(draw, names),
        "options": make_options(draw, names),
    }
    for kind, known, at_most in (("filters", NOVA_FILTERS, 8), ("weighers", NOVA_WEIGHERS, len(NOVA_WEIGHERS))):
        chosen = some(draw, known, at_most)
        if is_about_hardware and draw.random() < 0.7:
            chosen += [
                name for name in ("NUMATopologyFilter", "PciPassthroughFilter") if name in known and name not in chosen
            ]
        scenario["options"][f"enabled_{kind}"] = [
            *chosen,
            *(name for name in sorted(needed) if name in known and name not in chosen),
        ]
    scenario["requests"] = [maker.make() for _number in range(draw.randint(1, 6))]
    if is_about_hardware:
        scenario["options"]["pci_alias"] = make_aliases(draw)
        scenario["options"]["packing_host_numa_cells_allocation_strategy"] = draw.random() < 0.3
        for request in scenario["requests"]:
            add_wishes(draw, request)
    return scenario
