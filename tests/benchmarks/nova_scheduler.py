# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One timed run of Nova's own scheduler, in Nova's environment.

Usage: nova_scheduler.py HOSTS REQUESTS [--grouped]. The answer is one line of JSON: version, first (seconds of the
first request), seconds (of the others), placed.

Timed is what Nova does for a request once it has the host states: filter, weigh, choose, consume. That it also reads
them from its database anew for each request, and asks Placement, is left out in its favour.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from nova_objects import CONF, Scheduler, make_aggregates, make_host, make_instance, make_request, prepare
from scheduler_load import FILTERS, OPTIONS, WEIGHERS, make_load

HOST = {
    "instances": [],
    "metrics": [],
    "cpu_info": {},
    "host_ip": "10.0.0.1",
    "hypervisor_type": "QEMU",
    "disk_available_least": None,
    "cpu_allocation_ratio": 4.0,
    "ram_allocation_ratio": 1.0,
    "disk_allocation_ratio": 1.0,
}
REQUEST = {"project_id": "default", "hints": {}}
FLAVOR = {"ephemeral_gb": 0, "swap_mb": 0}
GROUP = {"policy": "anti-affinity", "max_server_per_host": 1, "members": [], "hosts": []}


def main() -> None:
    logging.disable(logging.CRITICAL)
    answers, sys.stdout = sys.stdout, sys.stderr
    load = make_load(int(sys.argv[1]), int(sys.argv[2]), "--grouped" in sys.argv)
    prepare()
    # Nova holds a host for dead whose service has not been heard of for a minute, and this may take longer.
    CONF.set_override("service_down_time", 24 * 3600)
    scheduler = Scheduler({**OPTIONS, "enabled_filters": FILTERS, "enabled_weighers": WEIGHERS})
    aggregates = make_aggregates(load)
    states = [make_host({**HOST, **host, "node": host["host"]}, aggregates) for host in load["hosts"]]
    for state in states:
        state.allocation_candidates = [{"mappings": {}}]
    wanted = [complete(request, load["kinds"][request["kind"]]) for request in load["requests"]]
    groups: dict[str, Any] = {}
    specs = [make_request(given, groups) for given in wanted]
    placed = []
    began = time.perf_counter()
    for number, (given, spec) in enumerate(zip(wanted, specs)):
        if number == 1:
            first, began = time.perf_counter() - began, time.perf_counter()
        ranked = scheduler.manager._get_sorted_hosts(spec, states, 0)
        if ranked:
            scheduler.manager._consume_selected_host(ranked[0], spec, instance_uuid=spec.instance_uuid)
            ranked[0].instances[spec.instance_uuid] = make_instance(given, ranked[0].host)
        placed.append(ranked[0].host if ranked else None)
    seconds = time.perf_counter() - began
    answers.write(json.dumps({"version": version("nova"), "first": first, "seconds": seconds, "placed": placed}) + "\n")


def complete(request: dict[str, Any], kind: dict[str, Any]) -> dict[str, Any]:
    """Return the request in the form that Nova's objects are made of."""
    size = {key: kind[key] for key in ("name", "vcpus", "memory_mb", "root_gb", "extra_specs")}
    return {
        **REQUEST,
        "uuid": request["uuid"],
        "flavor": {**FLAVOR, **size},
        "image": {"name": kind["name"], "properties": kind["image"]},
        "group": {"name": request["group"], **GROUP} if request["group"] else None,
    }


if __name__ == "__main__":
    main()
