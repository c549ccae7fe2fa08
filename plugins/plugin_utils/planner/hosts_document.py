# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that are read from a document, not from this run's audits: a saved audit, or capacity that somebody made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Service
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport

from .observation import Observation, Snapshot, read_snapshot
from .storage import read_data

REQUIRED = ("host", "vcpus", "memory_mb", "local_gb")
FIGURES = tuple(field.name for field in fields(ComputeNode))
SERVICE = tuple(field.name for field in fields(Service))
KEYS = [*FIGURES, *SERVICE, "count"]
MOST = 100_000


def read_hosts(source: Any) -> Observation:
    """Read hosts.

    Args:
        source: The path of a file, or its content as plain data: a snapshot document, or a list of hosts. Each is
            a host document, or a short one: host, vcpus, memory_mb and local_gb, and what else a compute node has.
            ``count: 3`` stands for three equal ones, numbered as instances are.

    Raises:
        InvalidInput: It cannot be read. The message names file, position and key.
        VersionNotSupported: A document is of a newer major version.
    """
    where, data = (source, read_data(source)) if isinstance(source, str) else ("hosts_from", source)
    if isinstance(data, Mapping) and data.get("kind") == Snapshot.KIND:
        return read_snapshot(data, where)
    if not isinstance(data, list):
        raise InvalidInput(
            f"{where} should hold a snapshot or a list of hosts, but holds {_describe(data)}.",
            "Give what playbook novella.compute.audit has saved, or a list such as "
            "[{host: kvm1, vcpus: 8, memory_mb: 16384, local_gb: 200}].",
        )
    reports: dict[str, HostReport] = {}
    places: dict[str, str] = {}
    for index, entry in enumerate(data):
        place = f"{where}[{index}]"
        for report in _read_entry(entry, place):
            if report.host in reports:
                raise InvalidInput(f"{place} describes host {report.host} again, which {places[report.host]} does.")
            reports[report.host], places[report.host] = report, place
    return Observation({host: reports[host] for host in sorted(reports)})


def _read_entry(entry: Any, where: str) -> Iterator[HostReport]:
    if not isinstance(entry, Mapping):
        raise InvalidInput(f"{where} must be a mapping, not {type(entry).__name__}.")
    if "kind" in entry:
        yield HostReport.from_document(entry, where)
        return
    _check_keys(entry, where)
    count = entry.get("count")
    if count is None:
        yield _build(entry, str(entry["host"]), where)
        return
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST:
        raise InvalidInput(f"{where}.count must be a whole number from 0 to {MOST}, not {count!r:.60}.")
    for number in range(1, count + 1):
        yield _build(entry, f"{entry['host']}-{number}", where)


def _check_keys(entry: Mapping[str, Any], where: str) -> None:
    for key in entry:
        if key not in KEYS:
            raise InvalidInput(
                f"{where} has the unknown key '{key}'.{nearest(key, KEYS)}", f"Known are {', '.join(KEYS)}."
            )
    missing = [key for key in REQUIRED if key not in entry]
    if missing:
        raise InvalidInput(f"{where} lacks '{missing[0]}'.", f"Each host needs {', '.join(REQUIRED)}.")
    if not isinstance(entry["host"], str) or not entry["host"]:
        raise InvalidInput(f"{where}.host must be a name, not {entry['host']!r:.60}.")
    for key in REQUIRED[1:]:
        value = entry[key]
        if isinstance(value, int) and value < 0:
            raise InvalidInput(f"{where}.{key} must be at least 0, not {value}.")


def _build(entry: Mapping[str, Any], host: str, where: str) -> HostReport:
    """Build the report that such a host would send. What is used starts at what is reserved, as on a real one."""
    node = ComputeNode.from_dict(
        {
            "uuid": host,
            "hypervisor_hostname": host,
            **{key: value for key, value in entry.items() if key in FIGURES},
            "host": host,
        },
        where,
    )
    reserved = {
        "vcpus_used": node.reserved_host_cpus,
        "memory_mb_used": node.reserved_host_memory_mb,
        "local_gb_used": -(-node.reserved_host_disk_mb // 1024),
    }
    node = node.but(**{key: value for key, value in reserved.items() if key not in entry})
    service = Service.from_dict({key: value for key, value in entry.items() if key in SERVICE}, where)
    return HostReport(node, service)


def _describe(data: Any) -> str:
    if isinstance(data, Mapping):
        return f"a document of kind '{data['kind']}'" if "kind" in data else "a mapping without a kind"
    return "nothing" if data is None else f"a value of type {type(data).__name__}"
