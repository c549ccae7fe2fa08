# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What drivers tell of a hypervisor and of what it holds: dumb data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ..objects.compute_node import Usage
from ..objects.numa import NUMACell

POWER_STATES = ("nostate", "running", "paused", "shutdown", "crashed", "suspended")


@dataclass(frozen=True)
class Domain:
    """One guest as the hypervisor holds it, ours or foreign.

    Args:
        uuid: Canonical lower-case uuid.
        name: The hypervisor's name of it.
        power_state: One of `POWER_STATES` (Nova's power_state, in words).
        size: vCPUs, memory in MiB, and disk in whole GiB (sum of virtual sizes, rounded up).
        record: The instance record from its metadata, parsed JSON; None for a foreign domain.
        addresses: IP addresses as far as known (leases).
        pinned_cpus: Of a foreign or adopted domain, the host CPUs that single vCPUs are pinned to (``0-3,8``).
        pci_addresses: Of such a domain, the host devices that it has.
        disk_files: Of such a domain, the files that it writes to as disks.
    """

    uuid: str
    name: str
    power_state: str
    size: Usage
    record: Optional[Mapping[str, Any]] = None
    addresses: tuple[str, ...] = ()
    pinned_cpus: str = ""
    pci_addresses: tuple[str, ...] = ()
    disk_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostResources:
    """What the hypervisor has (the inputs of Nova's `get_available_resource`); see ComputeNode for the fields.

    `numa_cells` have all their CPUs that are online in `cpuset`.
    """

    uuid: str
    hypervisor_hostname: str
    vcpus: int
    memory_mb: int
    local_gb: int
    hypervisor_type: str
    hypervisor_version: int
    host_ip: Optional[str]
    cpu_info: Mapping[str, Any]
    supported_instances: tuple[tuple[str, str, str], ...]
    numa_cells: tuple[NUMACell, ...] = ()


@dataclass(frozen=True)
class DiskSpace:
    """The room in the pool, measured, in bytes.

    Args:
        free: What can be written now.
        growth: What the disks of domains may still take of it, being thin: their virtual less their allocated sizes.
    """

    free: int
    growth: int


@dataclass(frozen=True)
class CachedImage:
    """An image in the host's cache, verified.

    Args:
        path: Where it lies on the host.
        disk_format: ``qcow2`` or ``raw``.
        virtual_size: The guest's view of its size, in bytes.
    """

    path: str
    disk_format: str
    virtual_size: int


@dataclass(frozen=True)
class UnusedImage:
    """An image in the host's cache that nothing needs.

    Args:
        used_at: When it was last used, in nanoseconds since the epoch.
    """

    path: str
    size_bytes: int
    used_at: int


@dataclass(frozen=True)
class ConsoleAddress:
    """Where a guest's screen can be reached now."""

    address: str
    port: int
    tls_port: Optional[int] = None


# Told how many bytes of how many are copied.
Copying = Callable[[int, int], None]
