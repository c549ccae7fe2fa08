# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One timed run of Novella's scheduler, in a process of its own so that its memory can be told.

Usage: novella_scheduler.py HOSTS REQUESTS [--grouped] [--capacity]. The answer is one line of JSON: first (seconds of
the first request), seconds (of the others), memory_mb, placed.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Service
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import InstanceGroup, RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_manager import HostManager
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.scheduler_api import SchedulerAPI
from scheduler_load import FILTERS, OPTIONS, WEIGHERS, make_load

# What Nova leaves to its Placement service.
CAPACITY = ["RamFilter", "CoreFilter", "DiskFilter"]


def main() -> None:
    hosts, requests = map(int, sys.argv[1:3])
    load = make_load(hosts, requests, "--grouped" in sys.argv)
    filters = (CAPACITY if "--capacity" in sys.argv else []) + FILTERS
    options = SchedulerOptions.from_mapping({**OPTIONS, "enabled_filters": filters, "enabled_weighers": WEIGHERS})
    manager = HostManager()
    manager.update_hosts(make_report(host) for host in load["hosts"])
    api = SchedulerAPI(manager, options)
    api.update_aggregates(Aggregate(**item) for item in load["aggregates"])
    specs = make_specs(load)
    began = time.perf_counter()
    selections = api.select_destinations(specs[:1])
    first = time.perf_counter() - began
    began = time.perf_counter()
    selections += api.select_destinations(specs[1:])
    seconds = time.perf_counter() - began
    answer = {
        "first": first,
        "seconds": seconds,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "placed": [selection.host for selection in selections],
    }
    print(json.dumps(answer))


def make_report(host: dict[str, Any]) -> HostReport:
    figures = {key: value for key, value in host.items() if key not in ("host", "disabled")}
    node = ComputeNode(host["host"], host["host"], host["host"], **figures)
    return HostReport(node, Service(host["disabled"]))


def make_specs(load: dict[str, Any]) -> list[RequestSpec]:
    flavors, images, groups = [], [], {}
    for kind in load["kinds"]:
        size = {key: kind[key] for key in ("name", "vcpus", "memory_mb", "root_gb", "extra_specs")}
        flavors.append(Flavor(**size))
        images.append(Image(kind["name"], "/srv/image.qcow2", properties=kind["image"]))
    for request in load["requests"]:
        if request["group"]:
            groups.setdefault(request["group"], InstanceGroup(request["group"], "anti-affinity"))
    return [
        RequestSpec(
            instance_uuid=request["uuid"],
            name=request["name"],
            flavor=flavors[request["kind"]],
            image=images[request["kind"]],
            instance_group=groups.get(request["group"]),
        )
        for request in load["requests"]
    ]


if __name__ == "__main__":
    main()
