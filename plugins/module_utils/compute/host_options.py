# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator says of a host: how to reach its hypervisor, what is reserved, how far to overcommit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Optional

from ..objects.errors import OptionInvalid

_RATIOS = ("cpu", "ram", "disk")


@dataclass(frozen=True)
class HostOptions:
    """Options under Nova's names, with its defaults.

    Args:
        host: The host's name in the inventory.
        driver: ``libvirt`` or ``fake``.
        uri: libvirt's connection address.
        pool: The libvirt storage pool that holds instances' disks and cached images.
        state_path: The host's state directory.
        snapshots_dir: Where images of instances' disks are kept; None: in the state directory.
        reserved_host_cpus, reserved_host_memory_mb, reserved_host_disk_mb: Kept from instances.
        cpu_allocation_ratio, ram_allocation_ratio, disk_allocation_ratio: How far to overcommit, fixed; None: not.
        initial_cpu_allocation_ratio, initial_ram_allocation_ratio, initial_disk_allocation_ratio: The ratios that hold
            where none is fixed and no aggregate names another.
        instance_overhead_memory_mb: What QEMU takes for each guest besides the guest's memory (Nova's
            estimate_instance_overhead).
        minimum_free_disk_mb: Space in the pool that claims leave free, measured; 0: they do not measure.
        resources: What the host has to give besides, by resource class; see `inventories.read_inventories`.
        traits: What it can do, in Placement's names.
        labels: What filters and predicates may compare, text by key.
        cpu_shared_set: CPUs for vCPUs that share them, ``0-3,8``; None: all.
        cpu_dedicated_set: CPUs that single vCPUs get for themselves; None: no pinned guests.
        pci_device_spec: PCI devices that instances may have, as nova.conf's ``[pci] device_spec``.
        max_concurrent_builds: How many instances are worked on at once.
        deadline: Seconds that one call to the hypervisor may take.
        shutdown_timeout: Seconds a guest has to shut down before its power is cut.
        wait_soft_reboot_seconds: Seconds that it has when it is to be rebooted.
        vnc_server_listen, spice_server_listen: The address at which guests' screens can be reached; None: not at all.
        serial_server_listen, serial_port_range: The same for their serial consoles, and at which ports.
        volumes_dir: The directory of volumes; None for the pool's.
        device_detach_attempts, device_detach_timeout: How often a running guest is asked to let go of a disk, and how
            many seconds it has each time.
        power_policy: What becomes of a guest whose power is not as its record says: ``enforce``, ``observe`` or
            ``restart``; see `power_sync`.
        reclaim_instance_interval: Seconds that a deleted instance's data is kept; 0: it is deleted at once.
        remove_unused_base_images, remove_unused_original_minimum_age_seconds: Whether cached images go that no disk
            needs, and for how long nobody must have used them.
        update_resources_interval, sync_power_state_interval, image_cache_manager_interval, claim_cleanup_interval:
            Seconds between two runs of a periodic task; 0: the default of 60, less: never.
        kept_actions, kept_actions_per_instance: How many actions the history holds.
        consecutive_build_service_disable_threshold: 0 does not count builds that failed; see `build_failures`.
        request_id: How the history calls the run that asks.
        record_version_cap: The newest version of instance records that every release in use reads (Nova's
            ``[upgrade_levels] compute``); None: the newest there is.
    """

    host: str
    driver: str = "libvirt"
    uri: str = "qemu:///system"
    pool: str = "default"
    state_path: str = "/var/lib/novella"
    snapshots_dir: Optional[str] = None
    reserved_host_cpus: int = 0
    reserved_host_memory_mb: int = 512
    reserved_host_disk_mb: int = 0
    cpu_allocation_ratio: Optional[float] = None
    ram_allocation_ratio: Optional[float] = None
    disk_allocation_ratio: Optional[float] = None
    initial_cpu_allocation_ratio: float = 4.0
    initial_ram_allocation_ratio: float = 1.0
    initial_disk_allocation_ratio: float = 1.0
    instance_overhead_memory_mb: int = 0
    minimum_free_disk_mb: int = 0
    resources: dict[str, Any] = field(default_factory=dict)
    traits: list[str] = field(default_factory=list)
    labels: dict[str, Any] = field(default_factory=dict)
    cpu_shared_set: Optional[str] = None
    cpu_dedicated_set: Optional[str] = None
    pci_device_spec: list[dict[str, Any]] = field(default_factory=list)
    max_concurrent_builds: int = 10
    deadline: float = 30.0
    shutdown_timeout: float = 60.0
    wait_soft_reboot_seconds: float = 120.0
    vnc_server_listen: Optional[str] = None
    spice_server_listen: Optional[str] = None
    serial_server_listen: Optional[str] = None
    serial_port_range: str = "10000:20000"
    volumes_dir: Optional[str] = None
    device_detach_attempts: int = 8
    device_detach_timeout: float = 20.0
    power_policy: str = "enforce"
    reclaim_instance_interval: int = 0
    remove_unused_base_images: bool = True
    remove_unused_original_minimum_age_seconds: int = 86400
    update_resources_interval: int = 0
    sync_power_state_interval: int = 600
    image_cache_manager_interval: int = 2400
    claim_cleanup_interval: int = 300
    kept_actions: int = 1000
    kept_actions_per_instance: int = 100
    consecutive_build_service_disable_threshold: int = 10
    request_id: Optional[str] = None
    record_version_cap: Optional[str] = None

    def allocation_ratio(self, kind: str) -> float:
        """Return how far to overcommit ``cpu``, ``ram`` or ``disk``, unless an aggregate names another ratio.

        As in Nova, a ratio of 0 is one that is not set.

        Raises:
            OptionInvalid: The ratio is negative or no number.
        """
        for name in (f"{kind}_allocation_ratio", f"initial_{kind}_allocation_ratio"):
            ratio = getattr(self, name)
            if ratio:
                if not 0 < ratio < math.inf:
                    raise OptionInvalid(f"{name} must be above 0, not {ratio}.")
                return float(ratio)
        raise OptionInvalid(f"initial_{kind}_allocation_ratio must be above 0.")

    @property
    def snapshots_path(self) -> str:
        """Return where images of instances' disks are kept."""
        return self.snapshots_dir or f"{self.state_path}/snapshots"

    @property
    def fixed_allocation_ratios(self) -> list[str]:
        """Return the names of the ratios that the operator has set, which no aggregate exceeds."""
        names = [f"{kind}_allocation_ratio" for kind in _RATIOS]
        return [name for name in names if getattr(self, name)]
