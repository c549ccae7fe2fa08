# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator says of a host: how to reach its hypervisor, what is reserved, how far to overcommit."""

from __future__ import annotations

from dataclasses import dataclass


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
    max_concurrent_builds: int = 10
    deadline: float = 30.0
    shutdown_timeout: float = 60.0
