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
      - How many vCPUs to give out for each one there is.
    type: float
    default: 4.0
  ram_allocation_ratio:
    description:
      - How much memory to give out for each MiB there is.
    type: float
    default: 1.0
  disk_allocation_ratio:
    description:
      - How much disk space to give out for each GiB there is.
    type: float
    default: 1.0
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
requirements:
  - python >= 3.9
  - libvirt's Python binding (the distribution's python3-libvirt)
"""
