# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts and requests that both schedulers of the benchmark are given, as plain data.

Standard library only: it is also imported where Nova is installed.
"""

from __future__ import annotations

import random
from typing import Any

FILTERS = [
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "AggregateInstanceExtraSpecsFilter",
    "IoOpsFilter",
    "NumInstancesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
]
WEIGHERS = [
    "RAMWeigher",
    "CPUWeigher",
    "DiskWeigher",
    "IoOpsWeigher",
    "NumInstancesWeigher",
    "HypervisorVersionWeigher",
    "ServerGroupSoftAffinityWeigher",
    "ServerGroupSoftAntiAffinityWeigher",
    "BuildFailureWeigher",
]
OPTIONS = {"max_io_ops_per_host": 64, "max_instances_per_host": 400}
KINDS = 20
GROUP_SIZE = 10


def make_load(hosts: int, requests: int, grouped: bool) -> dict[str, Any]:
    """Return the load.

    Args:
        hosts, requests: How many.
        grouped: Whether every request belongs to an anti-affinity group of ten.
    """
    draw = random.Random(20)
    fleet = [make_host(number, draw) for number in range(hosts)]
    aggregates = [
        {
            "name": f"aggregate-{number}",
            "hosts": [host["host"] for host in fleet[number::10]],
            "metadata": {"disk": "ssd" if number % 2 else "hdd", "generation": str(number)},
        }
        for number in range(10)
    ]
    kinds = [make_kind(number) for number in range(KINDS)]
    wanted = [
        {
            "uuid": f"00000000-0000-4000-8000-{number:012d}",
            "name": f"instance-{number}",
            "kind": number % KINDS,
            "group": f"group-{number // GROUP_SIZE}" if grouped else None,
        }
        for number in range(requests)
    ]
    return {"hosts": fleet, "aggregates": aggregates, "kinds": kinds, "requests": wanted}


def make_host(number: int, draw: random.Random) -> dict[str, Any]:
    memory_mb = draw.choice([131072, 262144, 524288])
    instances = draw.randrange(40)
    return {
        "host": f"kvm{number:05d}",
        "vcpus": draw.choice([32, 64, 128]),
        "vcpus_used": instances,
        "memory_mb": memory_mb,
        "memory_mb_used": 512 + instances * 1024,
        "local_gb": draw.choice([1000, 2000, 4000]),
        "local_gb_used": instances * 10,
        "hypervisor_version": draw.choice([7002000, 8002000, 9001000]),
        "disabled": draw.random() < 0.02,
        "stats": {"num_instances": instances, "io_workload": draw.randrange(5), "failed_builds": 0},
        "supported_instances": [["x86_64", "qemu", "hvm"], ["x86_64", "kvm", "hvm"]],
    }


def make_kind(number: int) -> dict[str, Any]:
    specs = {}
    if number % 2:
        specs["aggregate_instance_extra_specs:disk"] = "ssd"
    if number % 5 == 0:
        specs["capabilities:hypervisor_version"] = ">= 8000000"
    return {
        "name": f"kind-{number}",
        "vcpus": 1 + number % 4,
        "memory_mb": 512 * (1 + number % 8),
        "root_gb": 5 + number,
        "extra_specs": specs,
        "image": {"hw_architecture": "x86_64", "img_hv_type": "kvm"},
    }
