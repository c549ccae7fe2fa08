# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that acts on a compute node."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Name of this host in the inventory. Records and plans know it by this name.
    type: str
    required: true
  driver:
    description:
      - What the instances run on. V(fake) keeps guests as rows in a database; it is for tests of playbooks.
    type: str
    choices: [libvirt, fake]
    default: libvirt
  uri:
    description:
      - libvirt's connection address, as seen from the host itself.
    type: str
    default: qemu:///system
  pool:
    description:
      - The libvirt storage pool, of type dir, that holds disks and cached images.
    type: str
    default: default
  state_path:
    description:
      - The host's state directory. It is made, readable by its owner only, where it is missing.
    type: path
    default: /var/lib/novella
  reserved_host_cpus:
    description:
      - vCPUs that instances never get.
    type: int
    default: 0
  reserved_host_memory_mb:
    description:
      - Memory in MiB that instances never get.
    type: int
    default: 512
  reserved_host_disk_mb:
    description:
      - Disk space in MiB that instances never get.
    type: int
    default: 0
  cpu_allocation_ratio:
    description:
      - How many vCPUs to give out for each one there is, whatever the fleet's aggregates say.
      - Left out, O(initial_cpu_allocation_ratio) holds, or the C(cpu_allocation_ratio) of an aggregate in its place.
    type: float
  ram_allocation_ratio:
    description:
      - How much memory to give out for each MiB there is, whatever the fleet's aggregates say.
      - Left out, O(initial_ram_allocation_ratio) holds, or the C(ram_allocation_ratio) of an aggregate in its place.
    type: float
  disk_allocation_ratio:
    description:
      - How much disk space to give out for each GiB there is, whatever the fleet's aggregates say.
      - Left out, O(initial_disk_allocation_ratio) holds, or the C(disk_allocation_ratio) of an aggregate in its place.
    type: float
  initial_cpu_allocation_ratio:
    description:
      - How many vCPUs to give out for each one there is, where nothing else says it.
    type: float
    default: 4.0
  initial_ram_allocation_ratio:
    description:
      - How much memory to give out for each MiB there is, where nothing else says it.
    type: float
    default: 1.0
  initial_disk_allocation_ratio:
    description:
      - How much disk space to give out for each GiB there is, where nothing else says it.
    type: float
    default: 1.0
  instance_overhead_memory_mb:
    description:
      - Memory in MiB that QEMU takes for each guest besides the guest's own. It is counted for every guest of the host.
    type: int
    default: 0
  minimum_free_disk_mb:
    description:
      - Space in MiB that stays free in the pool, as it is measured when an instance is about to be built, and with
        what the builds in progress may still write taken off. With V(0) it is not measured.
    type: int
    default: 0
  resources:
    description:
      - What else the host has to give to instances, by resource class. A class of your own begins with C(CUSTOM_), and
        has a total, or a dictionary with C(total) and any of C(reserved), C(min_unit), C(max_unit), C(step_size) and
        C(allocation_ratio).
      - For C(VCPU), C(MEMORY_MB) and C(DISK_GB) the keys C(min_unit), C(max_unit) and C(step_size) bound what one
        instance may have.
    type: dict
    default: {}
  traits:
    description:
      - What the host can do, such as V(HW_CPU_X86_AVX2) or V(CUSTOM_RAID).
    type: list
    elements: str
    default: []
  labels:
    description:
      - What filters and predicates may compare, as text by key.
    type: dict
    default: {}
  cpu_shared_set:
    description:
      - The CPUs of the host that vCPUs share, such as V(0-3,8). Without it, and without O(cpu_dedicated_set), these
        are all CPUs; with O(cpu_dedicated_set) alone there are none.
    type: str
  cpu_dedicated_set:
    description:
      - The CPUs of the host that vCPUs of pinned guests get for themselves, such as V(4-7). Without it the host takes
        no pinned guests. No CPU is in both sets.
    type: str
  pci_device_spec:
    description:
      - The PCI devices that instances may have. An entry names C(vendor_id), C(product_id) and C(address); what it
        leaves out does not matter. The address is a pattern such as V(0000:03:*.*), or a dictionary of regular
        expressions with C(domain), C(bus), C(slot) and C(function).
      - Every other key of an entry is a tag of its devices.
    type: list
    elements: dict
    default: []
  max_concurrent_builds:
    description:
      - How many instances are worked on at once.
    type: int
    default: 10
  deadline:
    description:
      - Seconds that one call to libvirt may take before it counts as failed.
    type: float
    default: 30.0
  shutdown_timeout:
    description:
      - Seconds that a guest has to shut down before its power is cut.
    type: float
    default: 60.0
  wait_soft_reboot_seconds:
    description:
      - Seconds that a guest has to shut down when it is to be rebooted, before its power is cut.
    type: float
    default: 120
  snapshots_dir:
    description:
      - An absolute path on the host, under which images of instances' disks are kept. Left out, it is C(snapshots) in
        O(state_path).
    type: path
  volumes_dir:
    description:
      - The directory of volumes. Left out, they lie in the storage pool's.
    type: path
  device_detach_attempts:
    description:
      - How often a running guest is asked to let go of a disk that is to be detached.
    type: int
    default: 8
  device_detach_timeout:
    description:
      - Seconds that it has each time.
    type: float
    default: 20
  vnc_server_listen:
    description:
      - The address at which guests' screens can be reached by VNC. Left out, they cannot.
      - It holds for guests that are started for the first time, or rebooted hard.
    type: str
  spice_server_listen:
    description:
      - The same by SPICE, where the host's QEMU has it.
    type: str
  serial_server_listen:
    description:
      - The address at which guests' serial consoles can be reached. Left out, they can be by libvirt alone.
      - It holds for guests that are started for the first time, or rebooted hard. Whoever reaches it is at the guest's
        console, without a password.
    type: str
  serial_port_range:
    description:
      - The ports that they listen at, first and last. Each guest keeps its own.
    type: str
    default: "10000:20000"
  kept_actions:
    description:
      - How many actions the host's history holds. The oldest go first, with their events and faults; V(0) keeps none.
    type: int
    default: 1000
  kept_actions_per_instance:
    description:
      - How many of them may be of one instance.
    type: int
    default: 100
  consecutive_build_service_disable_threshold:
    description:
      - With V(0) builds that fail are not counted. Any other value counts those since the last build that did not fail,
        and BuildFailureWeigher then prefers other hosts. Nothing is disabled, as in Nova.
    type: int
    default: 10
  request_id:
    description:
      - How the history calls the run that asks for something. Left out, it is a name that all tasks and hosts of one
        play share.
    type: str
  record_version_cap:
    description:
      - The newest version of instance records that every release of Novella in use reads, such as V("1.0"). Records are
        written in it, and what came later is left out of them.
      - Left out, records are written in this release's own version. This is C([upgrade_levels] compute) of OpenStack
        Nova.
    type: str
  power_policy:
    description:
      - What the periodic task C(sync_power_states) does with a guest whose power is not as its record says.
      - With V(enforce), as OpenStack Nova does, one that stopped by itself is recorded as stopped, and one that was
        started beside Novella is stopped.
      - With V(observe) only the record is corrected. With V(restart) a guest that stopped by itself is started again.
    type: str
    choices: [enforce, observe, restart]
    default: enforce
  reclaim_instance_interval:
    description:
      - Seconds that the data of a deleted instance is kept, and for which it can be restored. The periodic task
        C(reclaim_queued_deletes) deletes it afterwards. With V(0) an instance is deleted at once.
    type: int
    default: 0
  remove_unused_base_images:
    description:
      - Whether the periodic task C(run_image_cache_manager_pass) removes cached images that no disk needs.
    type: bool
    default: true
  remove_unused_original_minimum_age_seconds:
    description:
      - For how many seconds no instance must have been made from a cached image before it is removed; at least 60.
    type: int
    default: 86400
  update_resources_interval:
    description:
      - Seconds between two runs of the periodic task C(update_available_resource). V(0) is 60; less than that is never.
    type: int
    default: 0
  sync_power_state_interval:
    description:
      - Seconds between two runs of the periodic task C(sync_power_states). V(0) is 60; less than that is never.
    type: int
    default: 600
  image_cache_manager_interval:
    description:
      - Seconds between two runs of the periodic task C(run_image_cache_manager_pass). V(0) is 60; less than that is
        never.
    type: int
    default: 2400
  claim_cleanup_interval:
    description:
      - Seconds between two runs of the periodic task C(drop_stale_claims). V(0) is 60; less than that is never.
    type: int
    default: 300
requirements:
  - python >= 3.9
  - libvirt's Python binding (the distribution's python3-libvirt)
"""
