# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios by hand: one request on a few hosts, of which only what matters is said."""

from __future__ import annotations

from typing import Any

UUID = "5e1ec7ed-0000-4000-8000-{:012d}"


def make_scenario(
    hosts: list[dict[str, Any]],
    request: dict[str, Any],
    options: dict[str, Any] | None = None,
    aggregates: list[dict[str, Any]] | None = None,
    filters: tuple[str, ...] = (),
    weighers: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return a scenario of hosts kvm1, kvm2 and so on."""
    return {
        "seed": "by hand",
        "filters": list(filters),
        "hosts": [make_host(number, given) for number, given in enumerate(hosts, start=1)],
        "aggregates": [{"name": f"agg{number}", **given} for number, given in enumerate(aggregates or [])],
        "options": {"enabled_filters": list(filters), "enabled_weighers": list(weighers), **(options or {})},
        "requests": [make_request(request)],
    }


def make_host(number: int, given: dict[str, Any]) -> dict[str, Any]:
    """Return a host: 8 CPUs, 8 GB of memory, 100 GB of disk, all free."""
    figures = {"vcpus": 8, "memory_mb": 8192, "local_gb": 100, "vcpus_used": 0, "memory_mb_used": 0, "local_gb_used": 0}
    ratios = {"cpu_allocation_ratio": 4.0, "ram_allocation_ratio": 1.0, "disk_allocation_ratio": 1.0}
    return {
        **figures,
        **ratios,
        "host": f"kvm{number}",
        "node": f"kvm{number}",
        "disabled": False,
        "disk_available_least": None,
        "host_ip": f"10.0.0.{number}",
        "hypervisor_type": "QEMU",
        "hypervisor_version": 9001000,
        "cpu_info": {"vendor": "Intel", "maxphysaddr": {"mode": "emulate", "bits": 42}},
        "supported_instances": [["x86_64", "kvm", "hvm"]],
        "stats": {},
        "metrics": [],
        "instances": [],
        **given,
    }


def make_request(given: dict[str, Any]) -> dict[str, Any]:
    """Return a request; `vcpus`, `extra_specs` and `properties` are of its flavor and image."""
    flavor = {"name": "small", "vcpus": 1, "memory_mb": 1024, "root_gb": 1, "ephemeral_gb": 0, "swap_mb": 0}
    parts = {"vcpus": 1, "extra_specs": {}, "properties": {}, **given}
    return {
        "uuid": UUID.format(1),
        "project_id": "alpha",
        "flavor": {**flavor, "vcpus": parts.pop("vcpus"), "extra_specs": parts.pop("extra_specs")},
        "image": {"name": "debian", "properties": parts.pop("properties")},
        "hints": {},
        **parts,
    }


def make_cell(number: int, shared: list[int], dedicated: list[int], **given: Any) -> dict[str, Any]:
    """Return a NUMA cell with 4 GB of memory and cores of one thread."""
    return {
        "id": number,
        "socket": number,
        "cpuset": shared,
        "pcpuset": dedicated,
        "siblings": [[cpu] for cpu in sorted([*shared, *dedicated])],
        "memory": 4096,
        "memory_usage": 0,
        "cpu_usage": 0,
        "pinned_cpus": [],
        "mempages": [{"size_kb": 4, "total": 1048576, "used": 0, "reserved": 0}],
        **given,
    }
