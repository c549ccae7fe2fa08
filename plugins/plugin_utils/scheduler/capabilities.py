# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds by its path what a host says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from .host_state import HostState

# What no placement changes. Anything else of a host state must be read anew each time.
_FIXED = frozenset(
    (
        "host",
        "nodename",
        "uuid",
        "total_usable_ram_mb",
        "total_usable_disk_gb",
        "vcpus_total",
        "cpu_allocation_ratio",
        "ram_allocation_ratio",
        "disk_allocation_ratio",
        "failed_builds",
        "stats",
        "host_ip",
        "hypervisor_type",
        "hypervisor_version",
        "hypervisor_hostname",
        "cpu_info",
        "supported_instances",
        "labels",
        "traits",
        "metrics",
        "service",
    )
)


def has_capability(host_state: HostState, name: str) -> bool:
    """Return whether the host state or its statistics know this name."""
    return name in vars(host_state) or name in host_state.stats


def find_capability(host_state: HostState, path: Sequence[str]) -> Optional[str]:
    """Return the value at a path as a string, or None where there is none.

    The path starts at an attribute of the host state or else in its `stats`, and goes on through mappings; a string
    on the way is read as JSON. (Nova: ComputeCapabilitiesFilter.)
    """
    value = vars(host_state).get(path[0])
    if value is None:
        value = host_state.stats.get(path[0])
    for name in path[1:]:
        value = _inside(value, name)
    return None if value is None else str(value)


def is_fixed(host_state: HostState, path: Sequence[str]) -> bool:
    """Return whether no placement changes what is at this path."""
    return path[0] in _FIXED or path[0] not in vars(host_state)


def _inside(value: Any, name: str) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value.get(name) if isinstance(value, Mapping) else None
