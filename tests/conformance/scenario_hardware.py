# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random NUMA cells, huge pages, dedicated CPUs and PCI devices, and flavors and images that ask for them."""

from __future__ import annotations

import random
from typing import Any

from conformance.scenario_hosts import some

DEVICES = (
    {"vendor_id": "10de", "product_id": "1eb8", "dev_type": "type-PCI"},
    {"vendor_id": "8086", "product_id": "154d", "dev_type": "type-PF"},
    {"vendor_id": "8086", "product_id": "10ed", "dev_type": "type-VF"},
)
PAGES_KB = (4, 2048, 1048576)


def make_aliases(draw: random.Random) -> list[dict[str, Any]]:
    """Return the option `pci_alias`: what flavors call devices."""
    policy = {"numa_policy": draw.choice(("legacy", "preferred", "required", "socket"))}
    aliases: list[dict[str, Any]] = [
        {"name": "gpu", "vendor_id": "10de", "product_id": "1eb8", **draw.choice(({}, policy))},
        {"name": "nic", "vendor_id": "8086", "product_id": "154d", "device_type": "type-PF"},
        {
            "name": "port",
            "vendor_id": "8086",
            "product_id": "10ed",
            "device_type": "type-VF",
            **draw.choice(({}, policy)),
        },
    ]
    if draw.random() < 0.2:
        # Alternatives under one name.
        aliases.append({**draw.choice((aliases[0], aliases[2], aliases[2])), "product_id": "2000"})
    return aliases


def make_cells(draw: random.Random) -> list[dict[str, Any]]:
    """Return a host's NUMA cells: some CPUs for shared use, some dedicated, a part of each in use."""
    threads = draw.choice((1, 2))
    cores, count = draw.choice((2, 3, 4)), draw.choice((1, 2, 2, 4))
    return [_cell(draw, number, cores, threads) for number in range(count)]


def _cell(draw: random.Random, number: int, cores: int, threads: int) -> dict[str, Any]:
    first = number * cores * threads
    siblings = [list(range(first + core * threads, first + (core + 1) * threads)) for core in range(cores)]
    # Cores are given away whole, mostly.
    dedicated = sorted(cpu for core in some(draw, siblings, cores) for cpu in core)
    shared = [cpu for core in siblings for cpu in core if cpu not in dedicated]
    memory = draw.choice((1024, 4096, 8192))
    used = draw.choice((0, 0, 512, 3000))
    pages = []
    for size_kb in some(draw, PAGES_KB[1:], 2):
        total = memory * 1024 // size_kb // draw.choice((1, 2))
        if total:
            pages.append(_pages(draw, size_kb, total))
    return {
        "id": number,
        "socket": draw.choice((0, number, number // 2)),
        "cpuset": shared,
        "pcpuset": dedicated,
        "siblings": siblings,
        "memory": memory,
        "memory_usage": used,
        "cpu_usage": draw.randint(0, 2 * len(shared)) if shared else 0,
        "pinned_cpus": sorted(some(draw, dedicated, max(0, len(dedicated) - 1))),
        "mempages": [_pages(draw, 4, memory * 256), *sorted(pages, key=lambda page: page["size_kb"])],
    }


def _pages(draw: random.Random, size_kb: int, total: int) -> dict[str, Any]:
    used = draw.randint(0, total // 2)
    return {"size_kb": size_kb, "total": total, "used": used, "reserved": draw.choice((0, 0, min(2, total - used)))}


def make_pools(draw: random.Random, cells: int) -> list[dict[str, Any]]:
    """Return the pools of a host's free PCI devices. Some do not tell where they are."""
    return [
        {
            **draw.choice(DEVICES),
            "count": draw.randint(1, 4),
            "numa_node": draw.choice((None, *range(max(cells, 1)))),
            "address": f"0000:{number:02x}:00.0",
        }
        for number in range(draw.choice((0, 1, 3)))
    ]


def add_wishes(draw: random.Random, request: dict[str, Any]) -> None:
    """Let a request's flavor and image ask for hardware. What contradicts itself is refused by both sides."""
    extra_specs, properties = request["flavor"]["extra_specs"], request["image"]["properties"]
    request["flavor"]["vcpus"] = draw.choice((1, 2, 3, 4, 6))
    request["flavor"]["memory_mb"] = draw.choice((512, 1024, 2048))
    wishes: dict[str, tuple[str, ...]] = {
        "hw:cpu_policy": ("shared", "dedicated", "dedicated", "mixed"),
        "hw:cpu_thread_policy": ("prefer", "isolate", "require"),
        "hw:emulator_threads_policy": ("share", "isolate"),
        "hw:numa_nodes": ("1", "2", "2", "3"),
        "hw:mem_page_size": ("small", "large", "any", "2048", "2MB", "1GB", "4"),
        "hw:cpu_dedicated_mask": ("0", "^0", "1-2"),
        "hw:pci_numa_affinity_policy": ("required", "preferred", "legacy", "socket"),
        "pci_passthrough:alias": ("gpu:1", "nic:1", "port:2", "gpu:1,port:1", "port:1, nic:1"),
    }
    extra_specs.update({key: draw.choice(wishes[key]) for key in some(draw, wishes, 4)})
    if extra_specs.get("hw:cpu_policy") != "mixed" and draw.random() < 0.9:
        extra_specs.pop("hw:cpu_dedicated_mask", None)
    if extra_specs.get("hw:cpu_policy") not in ("dedicated", "mixed") and draw.random() < 0.9:
        for key in ("hw:cpu_thread_policy", "hw:emulator_threads_policy"):
            extra_specs.pop(key, None)
    if extra_specs.get("hw:numa_nodes") == "2" and draw.random() < 0.3:
        request["flavor"]["vcpus"] = 4
        memory = request["flavor"]["memory_mb"]
        extra_specs.update({"hw:numa_cpus.0": "0,1,2", "hw:numa_cpus.1": "3"})
        extra_specs.update({"hw:numa_mem.0": str(memory - 256), "hw:numa_mem.1": "256"})
    pictured = {
        "hw_cpu_policy": ("shared", "dedicated"),
        "hw_cpu_thread_policy": ("prefer", "isolate", "require"),
        "hw_numa_nodes": ("1", "2"),
        "hw_mem_page_size": ("large", "2048"),
    }
    properties.update({key: draw.choice(pictured[key]) for key in some(draw, pictured, draw.choice((0, 0, 1)))})
