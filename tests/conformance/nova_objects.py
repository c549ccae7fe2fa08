# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's own objects, made of a scenario. Runs in Nova's environment: nothing of Novella is to be imported here."""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import datetime, timezone
from typing import Any

import nova.conf
from nova import context, objects
from nova.pci import request as pci_request
from nova.scheduler import filters, host_manager, manager, weights
from nova.virt import hardware

CONF = nova.conf.CONF
CELL = str(uuid.uuid5(uuid.NAMESPACE_DNS, "cell1"))
# Where an option of ours stands in nova.conf. All others are in [filter_scheduler], under the same name.
PLACES = {
    "metrics_weight_multiplier": ("metrics", "weight_multiplier"),
    "metrics_weight_setting": ("metrics", "weight_setting"),
    "metrics_required": ("metrics", "required"),
    "metrics_weight_of_unavailable": ("metrics", "weight_of_unavailable"),
    "packing_host_numa_cells_allocation_strategy": ("compute", "packing_host_numa_cells_allocation_strategy"),
    "pci_alias": ("pci", "alias"),
}


def prepare() -> None:
    """Make Nova usable without a database: its objects are registered, and the one query of a weigher is answered."""
    CONF([], project="nova", default_config_files=[])
    objects.register_all()
    # ImagePropertiesWeigher asks the host's cell for what its instances have anyway in a scenario.
    objects.CellMapping.get_by_uuid = classmethod(lambda cls, *arguments: cls(uuid=CELL))
    context.target_cell = lambda given, _cell: contextlib.nullcontext(given)
    objects.InstanceList.fill_metadata = lambda _self: None


def set_options(options: dict[str, Any]) -> None:
    """Set nova.conf: what is not named has Nova's default."""
    for group in ("filter_scheduler", "metrics", "compute", "pci"):
        for name in list(CONF[group]):
            CONF.clear_override(name, group)
    for name, value in options.items():
        if name == "enabled_weighers":
            continue
        group, key = PLACES.get(name, ("filter_scheduler", name))
        if name == "pci_alias":
            value = [json.dumps(alias) for alias in value]
        if name == "isolated_images":
            value = [image_id(image) for image in value]
        CONF.set_override(key, value, group)
    # Nova reads its aliases once in a process's life.
    pci_request.get_alias_from_config.cache_clear()


class Scheduler:
    """Nova's scheduler manager and host manager without what they start with: a database, RPC and Placement."""

    def __init__(self, options: dict[str, Any]) -> None:
        set_options(options)
        hosts = host_manager.HostManager.__new__(host_manager.HostManager)
        hosts.filter_handler = filters.HostFilterHandler()
        classes = hosts.filter_handler.get_matching_classes(["nova.scheduler.filters.all_filters"])
        hosts.filter_cls_map = {found.__name__: found for found in classes}
        hosts.filter_obj_map = {}
        hosts.enabled_filters = hosts._choose_host_filters(options["enabled_filters"])
        hosts.weight_handler = weights.HostWeightHandler()
        known = {found.__name__: found for found in weights.all_weighers()}
        hosts.weighers = [known[name]() for name in options["enabled_weighers"]]
        self.hosts = hosts
        self.manager = manager.SchedulerManager.__new__(manager.SchedulerManager)
        self.manager.host_manager = hosts


def image_id(name: str) -> str:
    """Return the uuid of an image; a scenario knows images by name."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def make_aggregates(scenario: dict[str, Any]) -> list[objects.Aggregate]:
    """Return the scenario's aggregates."""
    return [
        objects.Aggregate(
            id=number,
            uuid=image_id(f"aggregate-{number}"),
            name=given["name"],
            hosts=given["hosts"],
            metadata=given["metadata"],
        )
        for number, given in enumerate(scenario["aggregates"])
    ]


def make_host(given: dict[str, Any], aggregates: list[objects.Aggregate]) -> host_manager.HostState:
    """Return a host's state as Nova's host manager makes it of the compute node, the service and the rest."""
    state = host_manager.HostState(given["host"], given["node"], CELL)
    state.update(
        make_compute_node(given),
        {"disabled": given["disabled"], "disabled_reason": None, "last_seen_up": datetime.now(timezone.utc)},
        [aggregate for aggregate in aggregates if given["host"] in aggregate.hosts],
        {found["uuid"]: make_instance(found, given["host"]) for found in given["instances"]},
    )
    return state


def make_compute_node(given: dict[str, Any]) -> objects.ComputeNode:
    """Return the compute node's record, as its resource tracker writes it."""
    figures = ("vcpus", "memory_mb", "local_gb", "vcpus_used", "memory_mb_used", "local_gb_used", "host_ip")
    kept = ("disk_available_least", "hypervisor_type", "hypervisor_version", "host")
    ratios = ("cpu_allocation_ratio", "ram_allocation_ratio", "disk_allocation_ratio")
    cells = given.get("cells")
    return objects.ComputeNode(
        **{key: given[key] for key in (*figures, *kept, *ratios)},
        uuid=image_id(given["host"]),
        hypervisor_hostname=given["node"],
        free_ram_mb=given["memory_mb"] - given["memory_mb_used"],
        free_disk_gb=given["local_gb"] - given["local_gb_used"],
        cpu_info=json.dumps(given["cpu_info"]),
        supported_hv_specs=[objects.HVSpec.from_list(triple) for triple in given["supported_instances"]],
        stats={key: str(value) for key, value in given["stats"].items()},
        metrics=json.dumps(given["metrics"]),
        numa_topology=make_topology(cells)._to_json() if cells else None,
        pci_device_pools=objects.PciDevicePoolList(
            objects=[objects.PciDevicePool.from_dict(dict(pool)) for pool in given.get("pools", [])]
        ),
        updated_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
    )


def make_topology(cells: list[dict[str, Any]]) -> objects.NUMATopology:
    """Return a host's NUMA topology."""
    return objects.NUMATopology(
        cells=[
            objects.NUMACell(
                **{key: cell[key] for key in ("id", "memory", "cpu_usage", "memory_usage", "socket")},
                **{key: set(cell[key]) for key in ("cpuset", "pcpuset", "pinned_cpus")},
                siblings=[set(threads) for threads in cell["siblings"]],
                mempages=[objects.NUMAPagesTopology(**pages) for pages in cell["mempages"]],
                network_metadata=objects.NetworkMetadata(physnets=set(), tunneled=False),
            )
            for cell in cells
        ]
    )


def make_instance(given: dict[str, Any], host: str) -> objects.Instance:
    """Return an instance that runs on a host."""
    properties = given["image"]["properties"] if given["image"] else {}
    return objects.Instance(
        uuid=given["uuid"],
        host=host,
        project_id=given["project_id"],
        image_ref=image_id(given["image"]["name"]) if given["image"] else "",
        system_metadata={f"image_{key}": value for key, value in properties.items()},
    )


def make_request(given: dict[str, Any], groups: dict[str, objects.InstanceGroup]) -> objects.RequestSpec:
    """Return the request as Nova's API makes it of what a user asks for.

    Args:
        groups: The groups of the scenario so far; they grow.
    """
    flavor = make_flavor(given["flavor"])
    image = objects.ImageMeta.from_dict(
        {"id": image_id(given["image"]["name"]), "properties": dict(given["image"]["properties"])}
        if given["image"]
        else {}
    )
    affinity = hardware.get_pci_numa_policy_constraint(flavor, image)
    destination = given.get("requested_destination")
    return objects.RequestSpec(
        instance_uuid=given["uuid"],
        flavor=flavor,
        image=image,
        project_id=given["project_id"],
        num_instances=1,
        ignore_hosts=given.get("ignore_hosts"),
        force_hosts=given.get("force_hosts"),
        force_nodes=given.get("force_nodes"),
        requested_destination=objects.Destination(**{"node": None, **destination}) if destination else None,
        instance_group=make_group(given["group"], given["uuid"], groups) if given.get("group") else None,
        # Nova's API turns a single value into a list of one.
        scheduler_hints={
            key: value if isinstance(value, list) else [value] for key, value in given.get("hints", {}).items()
        },
        numa_topology=hardware.numa_get_constraints(flavor, image),
        pci_requests=pci_request.get_pci_requests_from_flavor(flavor, affinity_policy=affinity),
        requested_resources=[],
        limits=objects.SchedulerLimits(),
    )


def make_flavor(given: dict[str, Any]) -> objects.Flavor:
    """Return a flavor."""
    sizes = ("name", "vcpus", "memory_mb", "root_gb", "ephemeral_gb")
    return objects.Flavor(
        **{key: given[key] for key in sizes},
        id=1,
        flavorid=given["name"],
        swap=given["swap_mb"],
        extra_specs=dict(given["extra_specs"]),
    )


def make_group(given: dict[str, Any], member: str, groups: dict[str, objects.InstanceGroup]) -> objects.InstanceGroup:
    """Return a group, known from an earlier request or new, with a new member, as Nova's API adds it."""
    group = groups.get(given["name"])
    if group is None:
        group = objects.InstanceGroup(
            uuid=image_id(given["name"]),
            name=given["name"],
            policy=given["policy"],
            policies=[given["policy"]],
            rules={"max_server_per_host": str(given["max_server_per_host"])},
            members=list(given["members"]),
            hosts=list(given["hosts"]),
        )
        groups[given["name"]] = group
    group.members = [*group.members, member]
    return group
