# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What predicates may name of a host, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import nearest

from .aggregate import split_values
from .host_state import HostState

# A placement changes these.
CHANGING = ("free_ram_mb", "free_disk_mb", "vcpus_used", "num_instances", "num_io_ops")
NUMBERS = (
    *CHANGING,
    "total_usable_ram_mb",
    "total_usable_disk_gb",
    "vcpus_total",
    "cpu_allocation_ratio",
    "ram_allocation_ratio",
    "disk_allocation_ratio",
    "failed_builds",
    "hypervisor_version",
)
TEXTS = ("host", "hypervisor_hostname", "hypervisor_type", "host_ip")
SETS = ("traits", "aggregates")
# What is named as root.key.
ROOTS = {
    "labels": "label",
    "aggregate": "aggregate value",
    "stats": "stat",
    "cpu_info": "cpu_info",
    "metrics": "metric",
}


@dataclass(frozen=True)
class HostKey:
    """The name of a fact of a host: ``free_ram_mb``, ``traits``, or below a root, ``labels.rack``."""

    name: str

    @property
    def root(self) -> str:
        """What stands before the dot, or the whole name."""
        return self.name.partition(".")[0]

    @property
    def noun(self) -> str:
        """How a complaint calls it."""
        root, dot, key = self.name.partition(".")
        return f"{ROOTS[root]} {key}" if dot else root

    def read(self, host: HostState) -> Any:
        """Return the fact: text, a number, a frozenset of texts, or None where the host has no such."""
        root, dot, key = self.name.partition(".")
        if dot:
            return _READERS[root](host, key)
        if root == "aggregates":
            return frozenset(aggregate.name for aggregate in host.aggregates)
        return getattr(host, root)


def key_fault(name: str) -> Optional[str]:
    """Return what is wrong with the name of a fact, or None."""
    root, dot, key = name.partition(".")
    if root in ROOTS and dot:
        return None if key else f"'{name}' lacks what stands behind the dot."
    known = [*NUMBERS, *TEXTS, *SETS]
    if name in known:
        return None
    if root in ROOTS:
        return f"'{name}' needs the key behind a dot, such as {root}.{_EXAMPLES[root]}."
    # labels.rack is misspelt as label.rack, a plain key as another plain key.
    hint = nearest(root, list(ROOTS)) if dot else nearest(name, known)
    listed = f"{', '.join(sorted(known))}, and what stands below {', '.join(f'{root}.' for root in ROOTS)}"
    return f"hosts have no '{name}'.{hint or f' Known: {listed}'}"


_EXAMPLES = {
    "labels": "rack",
    "aggregate": "ssd",
    "stats": "num_instances",
    "cpu_info": "model",
    "metrics": "cpu.percent",
}


def _label(host: HostState, key: str) -> Any:
    return host.labels.get(key)


def _aggregate_value(host: HostState, key: str) -> Any:
    return frozenset(split_values(host.aggregates, key)) or None


def _stat(host: HostState, key: str) -> Any:
    return _plain(host.stats.get(key))


def _cpu_info(host: HostState, key: str) -> Any:
    found: Any = host.cpu_info
    for step in key.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return _plain(found)


def _metric(host: HostState, key: str) -> Any:
    return _plain(next((metric.get("value") for metric in host.metrics if metric.get("name") == key), None))


def _plain(value: Any) -> Any:
    """Return what can be compared; a mapping cannot."""
    if isinstance(value, (list, tuple)):
        return frozenset(item for item in value if isinstance(item, (str, int, float)))
    return value if isinstance(value, (str, int, float)) else None


_READERS = {
    "labels": _label,
    "aggregate": _aggregate_value,
    "stats": _stat,
    "cpu_info": _cpu_info,
    "metrics": _metric,
}
