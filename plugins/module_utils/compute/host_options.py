# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator says of a host: how to reach its hypervisor, what is reserved, how far to overcommit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional


@dataclass(frozen=True)
class HostOptions:
    """Options under Nova's names, with its defaults.

    Args:
        host: The host's name in the inventory.
        driver: ``libvirt`` or ``fake``.
        uri: libvirt's connection address.
        pool: The libvirt storage pool that holds instances' disks and cached images.
        state_path: The host's state directory.
        reserved_host_cpus, reserved_host_memory_mb, reserved_host_disk_mb: Kept from instances.
        cpu_allocation_ratio, ram_allocation_ratio, disk_allocation_ratio: Nova's initial_* defaults.
        resources: What the host has to give besides, by resource class; see `inventories.read_inventories`.
        traits: What it can do, in Placement's names.
        labels: What filters and predicates may compare, text by key.
        cpu_shared_set: CPUs for vCPUs that share them, ``0-3,8``; None: all.
        cpu_dedicated_set: CPUs that single vCPUs get for themselves; None: no pinned guests.
        pci_device_spec: PCI devices that instances may have, as nova.conf's ``[pci] device_spec``.
        max_concurrent_builds: How many instances are worked on at once.
        deadline: Seconds that one call to the hypervisor may take.
        shutdown_timeout: Seconds a guest has to shut down before its power is cut.
    """

    host: str
    driver: str = "libvirt"
    uri: str = "qemu:///system"
    pool: str = "default"
    state_path: str = "/var/lib/novella"
    reserved_host_cpus: int = 0
    reserved_host_memory_mb: int = 512
    reserved_host_disk_mb: int = 0
    cpu_allocation_ratio: float = 4.0
    ram_allocation_ratio: float = 1.0
    disk_allocation_ratio: float = 1.0
    resources: dict[str, Any] = field(default_factory=dict)
    traits: list[str] = field(default_factory=list)
    labels: dict[str, Any] = field(default_factory=dict)
    cpu_shared_set: Optional[str] = None
    cpu_dedicated_set: Optional[str] = None
    pci_device_spec: list[dict[str, Any]] = field(default_factory=list)
    max_concurrent_builds: int = 10
    deadline: float = 30.0
    shutdown_timeout: float = 60.0
