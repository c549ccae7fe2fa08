# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers scenarios with Novella's scheduler, in the shape of `nova_side`.

What Novella can do in two ways, fast and host by host, is done in both, and a difference is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Service
from ansible_collections.novella.compute.plugins.module_utils.objects.cpu_spec import format_cpu_spec, parse_cpu_spec
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import (
    Instance,
    InstanceSpec,
    ObservedInstance,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import (
    Destination,
    InstanceGroup,
    RequestSpec,
)
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filter_scheduler import FilterScheduler
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filtering import passing
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.hardware_request import with_hardware
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_manager import HostManager
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.ranking import normalise, weigh
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher

Answer = dict[str, Any]
NODE_FIGURES = {
    *("host", "vcpus", "vcpus_used", "memory_mb", "memory_mb_used", "local_gb", "local_gb_used"),
    *("disk_available_least", "cpu_allocation_ratio", "ram_allocation_ratio", "disk_allocation_ratio", "host_ip"),
    *("hypervisor_type", "hypervisor_version", "cpu_info", "supported_instances", "stats", "metrics"),
}


class TwoAnswers(Exception):
    """The fast way and the slow way came to different answers. No request may fail so: the whole run does."""


def answer(scenario: dict[str, Any]) -> Answer:
    """Place the requests of a scenario one after the other, and tell everything on the way."""
    options = SchedulerOptions.from_mapping(scenario["options"])
    manager = make_manager(scenario)
    scheduler = FilterScheduler(manager, options)
    every_filter = load_filters(scenario["filters"], options)
    groups: dict[str, InstanceGroup] = {}
    answers = []
    for given in scenario["requests"]:
        spec = make_request(given, groups)
        told = place(scheduler, every_filter, spec)
        answers.append(told)
        group = spec.instance_group
        if group is not None:
            groups[group.name] = group.but(hosts=[*group.hosts, told["selected"]]) if "selected" in told else group
    states = {state.host: figures(state) for state in manager.get_all_host_states()}
    return {"requests": answers, "states": states, "batch": place_together(scenario, options)}


def place_together(scenario: dict[str, Any], options: SchedulerOptions) -> Answer:
    """Return what becomes of the same requests in one batch, where Novella keeps account of hosts and groups itself."""
    manager = make_manager(scenario)
    selections = FilterScheduler(manager, options).select_destinations(
        [make_request(given, {}) for given in scenario["requests"]]
    )
    return {
        "hosts": [selection.host for selection in selections],
        "states": {state.host: figures(state) for state in manager.get_all_host_states()},
    }


def place(scheduler: FilterScheduler, every_filter: list[BaseHostFilter], spec: RequestSpec) -> Answer:
    """Answer one request, and let the chosen host pay for it."""
    told: Answer = {}
    manager = scheduler.host_manager
    try:
        spec = with_hardware(spec, scheduler.options)
    except NovellaError as exc:
        return {"invalid": str(exc)}
    states = list(manager.get_all_host_states())
    columns = HostColumns(states)
    told["filters"] = {item.name: guarded(lambda item=item: ask_filter(item, columns, spec)) for item in every_filter}
    told["weighers"] = {
        item.name: guarded(lambda item=item: ask_weigher(item, columns, spec)) for item in scheduler.weighers
    }
    for index, title in enumerate(("passing", "passing_next")):
        told[title] = guarded(
            lambda index=index: [
                state.host for state in manager.get_filtered_hosts(states, spec, scheduler.filters, index)
            ]
        )
    told["totals"] = guarded(lambda: total(scheduler, states, spec))
    told["ranked"] = told["totals"] if is_error(told["totals"]) else list(told["totals"])
    [selection] = scheduler.select_destinations([spec])
    if selection.host is not None:
        told["selected"] = selection.host
        told["consumed"] = figures(next(state for state in states if state.host == selection.host))
    return told


def ask_filter(item: BaseHostFilter, columns: HostColumns, spec: RequestSpec) -> list[str]:
    """Return the hosts that a filter passes."""
    fast = passing(item, columns, columns.all(), spec)
    slow = np.array([item.judge(state, spec) for state in columns.states], dtype=np.bool_)
    if (fast != slow).any():
        raise TwoAnswers(f"{item.name} says {fast} of all at once and {slow} one by one.")
    return [columns.states[row].host for row in np.flatnonzero(fast)]


def ask_weigher(item: BaseHostWeigher, columns: HostColumns, spec: RequestSpec) -> Answer:
    """Return the weights of a weigher by host, normalised and multiplied."""
    hosts = [state.host for state in columns.states]
    if len(hosts) < 2:
        return dict.fromkeys(hosts, 0.0)
    fast = weigh(item, columns, np.arange(len(hosts)), spec)
    raw = np.array([item.weigh_object(state, spec) for state in columns.states], dtype=np.float64)
    multipliers = np.array([item.weight_multiplier(state) for state in columns.states])
    slow = multipliers * normalise(raw, item.minval, item.maxval)
    if not np.allclose(fast, slow, rtol=1e-12, atol=1e-12):
        raise TwoAnswers(f"{item.name} says {fast} of all at once and {slow} one by one.")
    return dict(zip(hosts, map(float, fast), strict=True))


def total(scheduler: FilterScheduler, states: list[HostState], spec: RequestSpec) -> Answer:
    """Return the weights of all weighers together, of the hosts that pass, best first."""
    manager = scheduler.host_manager
    left = manager.get_filtered_hosts(states, spec, scheduler.filters)
    return {found.host_state.host: found.weight for found in manager.get_weighed_hosts(left, spec, scheduler.weighers)}


def guarded(ask: Callable[[], Any]) -> Any:
    """Return the answer, or the error that fails the request."""
    try:
        return ask()
    except NovellaError as exc:
        return {"error": type(exc).__name__, "text": str(exc)}


def is_error(told: Any) -> bool:
    return isinstance(told, dict) and "error" in told


def make_manager(scenario: dict[str, Any]) -> HostManager:
    """Return a host manager that has seen the scenario's hosts."""
    manager = HostManager()
    manager.update_hosts([make_report(given) for given in scenario["hosts"]])
    manager.update_aggregates([Aggregate.from_dict(given) for given in scenario["aggregates"]])
    return manager


def make_report(given: dict[str, Any]) -> HostReport:
    """Return what a host's audit says."""
    node = {key: value for key, value in given.items() if key in NODE_FIGURES}
    # An audit counts dedicated CPUs with the cells.
    node["vcpus_used"] -= sum(len(cell["pinned_cpus"]) for cell in given.get("cells", []))
    if given.get("cells"):
        node["numa_topology"] = {"cells": [make_cell(cell) for cell in given["cells"]]}
    node["pci_device_pools"] = [make_pool(pool) for pool in given.get("pools", [])]
    return HostReport(
        ComputeNode.from_dict({"uuid": given["host"], "hypervisor_hostname": given["node"], **node}),
        Service(disabled=given["disabled"]),
        instances=[
            ObservedInstance(make_instance(found, given["host"]), power_state="running") for found in given["instances"]
        ],
    )


def make_pool(given: dict[str, Any]) -> dict[str, Any]:
    """Return a pool of PCI devices as documents have it: what is not of every device is a tag."""
    own = {key: value for key, value in given.items() if key != "address"}
    return {**own, "tags": {"address": given["address"]}}


def make_cell(given: dict[str, Any]) -> dict[str, Any]:
    """Return a NUMA cell of a host as documents have it."""
    sets = {key: format_cpu_spec(given[key]) for key in ("cpuset", "pcpuset", "pinned_cpus")}
    return {**given, **sets, "siblings": [format_cpu_spec(threads) for threads in given["siblings"]]}


def make_instance(given: dict[str, Any], host: str) -> Instance:
    """Return an instance that runs on a host."""
    flavor = Flavor("any", 1, 512)
    spec = InstanceSpec(given["uuid"], flavor, make_image(given["image"]), project_id=given["project_id"])
    return Instance(given["uuid"], spec, vm_state="active", host=host)


def make_image(given: dict[str, Any] | None) -> Image | None:
    """Return an image."""
    return Image(given["name"], "/srv/image", properties=given["properties"]) if given else None


def make_request(given: dict[str, Any], groups: dict[str, InstanceGroup]) -> RequestSpec:
    """Return the request.

    Args:
        groups: The groups as earlier requests have left them.
    """
    group = make_group(given["group"], given["uuid"], groups) if given.get("group") else None
    destination = given.get("requested_destination")
    return RequestSpec(
        instance_uuid=given["uuid"],
        name=given["uuid"],
        flavor=Flavor.from_dict(given["flavor"]),
        image=make_image(given["image"]),
        project_id=given["project_id"],
        instance_group=group,
        requested_destination=Destination.from_dict(destination) if destination else None,
        ignore_hosts=given.get("ignore_hosts", []),
        force_hosts=given.get("force_hosts", []),
        force_nodes=given.get("force_nodes", []),
        scheduler_hints=given["hints"],
    )


def make_group(given: dict[str, Any], member: str, groups: dict[str, InstanceGroup]) -> InstanceGroup:
    """Return a group with a new member, as in Nova: an instance that is moved is one already."""
    group = groups.get(given["name"]) or InstanceGroup.from_dict(given)
    return group.but(members=list(dict.fromkeys([*group.members, member])))


def figures(state: HostState) -> Answer:
    """Return what a placement changes of a host."""
    kept = ("free_ram_mb", "free_disk_mb", "vcpus_used", "num_instances", "num_io_ops")
    return {
        **{key: getattr(state, key) for key in kept},
        "instances": sorted(state.instances),
        "pci": sorted(
            [pool["vendor_id"], pool["product_id"], pool["address"], pool["count"]]
            for pool in state.pci_stats
            if pool["count"]
        ),
        "cells": [
            {
                "id": cell.id,
                "cpu_usage": cell.cpu_usage,
                "memory_usage": cell.memory_usage,
                "pinned_cpus": sorted(parse_cpu_spec(cell.pinned_cpus)),
                "used_pages": {str(pages.size_kb): pages.used for pages in cell.mempages},
            }
            for cell in (state.numa_topology.cells if state.numa_topology else ())
        ],
    }
