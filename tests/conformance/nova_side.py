# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers scenarios with Nova's own filters, weighers and host states.

Runs in Nova's environment. One scenario per line comes in as JSON, one answer per line goes out.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any, Callable

# Nova's libraries warn of their own future.
warnings.simplefilter("ignore")

from nova import objects  # noqa: E402
from nova.scheduler.host_manager import HostState  # noqa: E402
from nova_objects import Scheduler, make_aggregates, make_host, make_instance, make_request, prepare  # noqa: E402

Answer = dict[str, Any]


def answer(scenario: dict[str, Any]) -> Answer:
    """Place the requests of a scenario one after the other, and tell everything on the way."""
    scheduler = Scheduler(scenario["options"])
    aggregates = make_aggregates(scenario)
    states = [make_host(given, aggregates) for given in scenario["hosts"]]
    groups: dict[str, objects.InstanceGroup] = {}
    answers = [place(scheduler, states, given, groups, scenario) for given in scenario["requests"]]
    return {"requests": answers, "states": {state.host: figures(state) for state in states}}


def place(
    scheduler: Scheduler,
    states: list[HostState],
    given: dict[str, Any],
    groups: dict[str, objects.InstanceGroup],
    scenario: dict[str, Any],
) -> Answer:
    """Answer one request, and let the chosen host pay for it."""
    spec = guarded(lambda: make_request(given, groups))
    if isinstance(spec, dict):
        return {"invalid": spec["text"]}
    told: Answer = {"filters": {}, "weighers": {}}
    offered = placement_offers(states, spec, scenario)
    for name in scenario["filters"]:
        [item] = scheduler.hosts._choose_host_filters([name])
        told["filters"][name] = guarded(lambda item=item: names(item.filter_all(fresh(states), spec)))
    for item in scheduler.hosts.weighers:
        told["weighers"][type(item).__name__] = guarded(lambda item=item: weigh(scheduler, item, states, spec))
    # For the next instance of a request, what judges hosts once per request has done so; Placement, and ComputeFilter.
    for index, (title, asked) in enumerate((("passing", offered), ("passing_next", states))):
        told[title] = guarded(
            lambda index=index, asked=asked: names(scheduler.hosts.get_filtered_hosts(fresh(asked), spec, index))
        )
    told["totals"] = guarded(lambda: total(scheduler, fresh(offered), spec))
    ranked = guarded(lambda: scheduler.manager._get_sorted_hosts(spec, fresh(offered), 0))
    told["ranked"] = ranked if isinstance(ranked, dict) else names(ranked)
    if isinstance(ranked, list) and ranked:
        winner = ranked[0]
        scheduler.manager._consume_selected_host(winner, spec, instance_uuid=spec.instance_uuid)
        # Between requests a compute tells the scheduler of its new instance: `update_instance_info`.
        winner.instances[spec.instance_uuid] = make_instance(given, winner.host)
        told["consumed"] = figures(winner)
    return told


def placement_offers(states: list[HostState], spec: objects.RequestSpec, scenario: dict[str, Any]) -> list[HostState]:
    """Return the hosts that Placement offers.

    It never offers a disabled one. Here it leaves them to ComputeFilter, but on forced hosts no filter of Nova's runs.
    """
    is_forced = bool(spec.obj_attr_is_set("force_hosts") and spec.force_hosts) or bool(
        spec.obj_attr_is_set("force_nodes") and spec.force_nodes
    )
    if not is_forced or "ComputeFilter" not in scenario["options"]["enabled_filters"]:
        return states
    disabled = {host["host"] for host in scenario["hosts"] if host["disabled"]}
    return [state for state in states if state.host not in disabled]


def guarded(ask: Callable[[], Any]) -> Any:
    """Return the answer, or which error Nova raised: that fails the whole request."""
    try:
        return ask()
    # Whatever it is, it would have failed the request.
    except Exception as exc:
        return {"error": type(exc).__name__, "text": str(exc)}


def fresh(states: list[HostState]) -> list[HostState]:
    """Give all hosts one allocation candidate, as Placement would; filters take away what they refuse."""
    for state in states:
        state.allocation_candidates = [{"mappings": {}}]
        state.limits = {}
    return states


def names(states: Any) -> list[str]:
    return [state.host for state in states]


def weigh(scheduler: Scheduler, item: Any, states: list[HostState], spec: objects.RequestSpec) -> Answer:
    """Return the weights of one weigher by host, normalised and multiplied."""
    weighed = scheduler.hosts.weight_handler.get_weighed_objects([item], states, spec)
    return {found.obj.host: float(found.weight) for found in weighed}


def total(scheduler: Scheduler, states: list[HostState], spec: objects.RequestSpec) -> Answer:
    """Return the weights of all weighers together, of the hosts that pass."""
    passing = list(scheduler.hosts.get_filtered_hosts(states, spec))
    return {found.obj.host: float(found.weight) for found in scheduler.hosts.get_weighed_hosts(passing, spec)}


def figures(state: HostState) -> Answer:
    """Return what a placement changes of a host."""
    kept = ("free_ram_mb", "free_disk_mb", "vcpus_used", "num_instances", "num_io_ops")
    cells = state.numa_topology.cells if state.numa_topology else []
    return {
        **{key: getattr(state, key) for key in kept},
        "instances": sorted(state.instances),
        "pci": sorted(
            [pool["vendor_id"], pool["product_id"], pool["address"], pool["count"]] for pool in state.pci_stats.pools
        ),
        "cells": [
            {
                "id": cell.id,
                "cpu_usage": cell.cpu_usage,
                "memory_usage": cell.memory_usage,
                "pinned_cpus": sorted(cell.pinned_cpus),
                "used_pages": {str(pages.size_kb): pages.used for pages in cell.mempages},
            }
            for cell in cells
        ],
    }


def main() -> None:
    # What Nova logs of a scenario is no news; errors are part of the answer.
    logging.disable(logging.CRITICAL)
    answers = sys.stdout
    # Nothing else may come between the answers.
    sys.stdout = sys.stderr
    prepare()
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
