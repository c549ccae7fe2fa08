# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the properties of images: under which names, of which types (Nova's ImageMetaProps)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional, Union

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image

Value = Union[str, int, bool]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STRINGS = _words(
    """
    hw_auto_disk_config hw_cdrom_bus hw_cpu_policy hw_cpu_realtime_mask hw_cpu_thread_policy hw_disk_bus
    hw_disk_type hw_ephemeral_encryption_format hw_ephemeral_encryption_secret_uuid hw_firmware_type hw_floppy_bus
    hw_input_bus hw_machine_type hw_maxphysaddr_mode hw_mem_encryption_model hw_mem_page_size
    hw_pci_numa_affinity_policy hw_pointer_model hw_rescue_bus hw_rescue_device hw_rng_model hw_scsi_model
    hw_sound_model hw_tpm_model hw_tpm_version hw_usb_model hw_video_model hw_vif_model hw_viommu_model
    hw_watchdog_action img_config_drive img_hv_requested_version img_owner_id img_root_device_name img_signature
    img_signature_certificate_uuid img_signature_hash_method img_signature_key_type os_admin_user os_command_line
    os_distro os_secure_boot os_type
    """
)
_INTEGERS = _words(
    """
    hw_cpu_cores hw_cpu_max_cores hw_cpu_max_sockets hw_cpu_max_threads hw_cpu_sockets hw_cpu_threads hw_device_id
    hw_maxphysaddr_bits hw_numa_nodes hw_redirected_usb_ports hw_serial_port_count hw_video_ram
    img_compression_level img_version
    """
)
_FLAGS = _words(
    """
    hw_boot_menu hw_ephemeral_encryption hw_firmware_stateless hw_ipxe_boot hw_locked_memory hw_mem_encryption
    hw_pmu hw_qemu_guest_agent hw_time_hpet hw_vif_multiqueue_enabled hw_virtio_packed_ring img_bdm_v2
    img_bittorrent img_cache_in_nova img_hide_hypervisor_id img_linked_clone img_use_agent os_require_quiesce
    os_skip_agent_inject_files_at_boot os_skip_agent_inject_ssh
    """
)
_LEGACY = {
    "architecture": "hw_architecture",
    "auto_disk_config": "hw_auto_disk_config",
    "bdm_v2": "img_bdm_v2",
    "bittorrent": "img_bittorrent",
    "cache_in_nova": "img_cache_in_nova",
    "hypervisor_type": "img_hv_type",
    "hypervisor_version_requires": "img_hv_requested_version",
    "ipxe_boot": "hw_ipxe_boot",
    "owner_id": "img_owner_id",
    "root_device_name": "img_root_device_name",
    "vm_mode": "hw_vm_mode",
    "vmware_disktype": "hw_disk_type",
    "vmware_image_version": "img_version",
    "vmware_linked_clone": "img_linked_clone",
    "vmware_ostype": "os_distro",
    "xenapi_device_id": "hw_device_id",
    "xenapi_image_compression_level": "img_compression_level",
    "xenapi_skip_agent_inject_files_at_boot": "os_skip_agent_inject_files_at_boot",
    "xenapi_skip_agent_inject_ssh": "os_skip_agent_inject_ssh",
    "xenapi_use_agent": "img_use_agent",
}

_ARCHITECTURES = _words(
    """
    aarch64 alpha armv6 armv7b armv7l cris i686 ia64 lm32 m68k microblaze microblazeel mips mips64 mips64el mipsel
    openrisc parisc parisc64 ppc ppc64 ppc64le ppcemb ppcle s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64
    xtensa xtensaeb
    """
)
_ARCHITECTURE_ALIASES = {
    **dict.fromkeys(("i386", "i486", "i586", "x86_32", "x86_32p"), "i686"),
    "amd64": "x86_64",
}
_HYPERVISORS = _words(
    """
    baremetal bhyve docker fake hyperv ironic kqemu kvm lxc lxd openvz parallels phyp prsm qemu test uml vbox
    vmware vz xen zvm
    """
)
_VM_MODES = ("exe", "hvm", "uml", "xen")

# By property: the canonical names, and what else they were called.
_NAMES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "hw_architecture": (_ARCHITECTURES, _ARCHITECTURE_ALIASES),
    "hw_emulation_architecture": (_ARCHITECTURES, _ARCHITECTURE_ALIASES),
    "img_hv_type": (_HYPERVISORS, {"xapi": "xen"}),
    "hw_vm_mode": (_VM_MODES, {"pv": "xen", "hv": "hvm", "baremetal": "hvm"}),
}
_TRUE = frozenset(("1", "t", "true", "on", "y", "yes"))


def read_properties(image: Optional[Image]) -> dict[str, Value]:
    """Return the properties that Nova knows, under their present names, with values of their types.

    A property that the image has under its present and under an older name counts by the present one. Those that
    are lists (block devices, NUMA cells) and those that Nova does not know are left out.

    Raises:
        InvalidInput: A value is not of its property's type.
    """
    given: Mapping[str, str] = image.properties if image else {}
    named = {_LEGACY[key]: value for key, value in given.items() if key in _LEGACY}
    named.update((key, value) for key, value in given.items() if is_known(key))
    return {key: _typed(key, value) for key, value in named.items()}


def is_known(name: str) -> bool:
    """Return whether this is the present name of a property that `read_properties` returns."""
    return name in _NAMES or name in _STRINGS or name in _INTEGERS or name in _FLAGS


def canonical(name: str, value: str, where: str) -> str:
    """Return the canonical form of an architecture, a hypervisor type or a VM mode.

    Args:
        name: The property: hw_architecture, img_hv_type or hw_vm_mode.
        where: How a message names the place.

    Raises:
        InvalidInput: There is no such thing.
    """
    known, aliases = _NAMES[name]
    lower = value.lower()
    lower = aliases.get(lower, lower)
    if lower not in known:
        raise InvalidInput(
            f"{where} is {value!r:.60}, which is not known.{nearest(lower, list(known))}",
            f"Known are {', '.join(known)}.",
        )
    return lower


def _typed(key: str, value: str) -> Value:
    if key in _NAMES:
        return canonical(key, value, f"The image property {key}")
    if key in _FLAGS:
        return value.strip().lower() in _TRUE
    if key in _INTEGERS:
        try:
            return int(value)
        except ValueError:
            raise InvalidInput(f"The image property {key} must be an integer, not {value!r:.60}.") from None
    return value
