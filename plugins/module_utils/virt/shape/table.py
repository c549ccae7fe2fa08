# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every key that flavors and images may have: what shapes the guest, what others see to, and what cannot be given.

Keys without a scope, and the scopes that are not named here, speak to the scheduler.
"""

from __future__ import annotations

import re
from typing import Optional

from . import devices, firmware, limits, processor
from .wish import Wish

WISHES: tuple[Wish, ...] = (*processor.WISHES, *limits.WISHES, *devices.WISHES, *firmware.WISHES)
SPECS = {wish.spec: wish for wish in WISHES if wish.spec is not None}
PROPERTIES = {wish.prop: wish for wish in WISHES if wish.prop is not None}

# A key that begins so is known here, or it is wrong.
SPEC_SCOPES = ("hw:", "hw_rng:", "hw_video:", "os:", "quota:", "pci_passthrough:", "accel:", "powervm:", "vmware:")
PROPERTY_SCOPES = ("hw_", "os_", "img_")

_HARDWARE = "The host's hardware that a claim takes: see [NUMA and PCI](filters/numa-and-pci.md)."
_FILTER = "Hosts that can: see [images](filters/images.md)."

# What others see to. A name may end with a number.
SPECS_ELSEWHERE = {
    **dict.fromkeys(
        (
            "hw:cpu_policy",
            "hw:cpu_thread_policy",
            "hw:cpu_dedicated_mask",
            "hw:emulator_threads_policy",
            "hw:numa_nodes",
            "hw:numa_cpus.N",
            "hw:numa_mem.N",
            "hw:mem_page_size",
            "hw:pci_numa_affinity_policy",
            "pci_passthrough:alias",
        ),
        _HARDWARE,
    ),
}
PROPERTIES_ELSEWHERE = {
    **dict.fromkeys(
        (
            "hw_cpu_policy",
            "hw_cpu_thread_policy",
            "hw_numa_nodes",
            "hw_numa_cpus.N",
            "hw_numa_mem.N",
            "hw_mem_page_size",
            "hw_pci_numa_affinity_policy",
        ),
        _HARDWARE,
    ),
    "img_hv_type": _FILTER,
    "img_hv_requested_version": _FILTER,
    "os_admin_user": "Whose password is set: see [set_admin_password](operations/set_admin_password.md).",
    "os_shutdown_timeout": "How long the guest has to shut down, in seconds: see [stop](operations/stop.md).",
    "os_require_quiesce": "A snapshot fails where the guest cannot be frozen: see [snapshot](operations/snapshot.md).",
    "img_config_drive_format": "The form of the config drive: see [guest configuration](guest-configuration.md).",
    "os_distro": "What the image is; nothing depends on it.",
    "os_version": "What the image is; nothing depends on it.",
}
# Properties that may say only what is so in any case.
ONLY = {
    "hw_architecture": ("x86_64", "amd64"),
    "hw_vm_mode": ("hvm", "hv"),
    "img_config_drive": ("optional", "mandatory"),
}
_ONLY_DOES = {
    "hw_architecture": "The processor: this driver builds guests for x86_64 (or amd64).",
    "hw_vm_mode": "The kind of virtualisation: hvm.",
    "img_config_drive": "optional or mandatory: every guest has a config drive.",
}

_REALTIME = "real-time scheduling is not built yet"
_ENCRYPTION = "encrypted memory needs processors that this driver does not know yet"
_DISK_ENCRYPTION = "encrypted disks are not built yet"
_REDIRECTION = "USB over a screen's connection is not built yet"
_OTHER = "it speaks to another hypervisor"
_SIGNATURE = "signatures are not checked; an image's checksum is"
_MAPPING = "disks are named by the instance's volumes, and not by its image"

SPECS_REFUSED = {
    "hw:cpu_realtime": _REALTIME,
    "hw:cpu_realtime_mask": _REALTIME,
    "hw:pmem": "persistent memory is not built yet",
    "hw:mem_encryption": _ENCRYPTION,
    "hw:mem_encryption_model": _ENCRYPTION,
    "hw:tpm_secret_security": "a TPM's state lies on its host unencrypted, as nobody keeps keys",
    "hw:ephemeral_encryption": _DISK_ENCRYPTION,
    "hw:ephemeral_encryption_format": _DISK_ENCRYPTION,
    "hw:redirected_usb_ports": _REDIRECTION,
    "accel:device_profile": "there is nobody who manages accelerators; see pci_passthrough:alias",
    **{
        f"quota:{thing}_{part}": _OTHER
        for thing in ("cpu", "memory", "disk_io", "vif")
        for part in ("limit", "reservation", "shares_level", "shares_share")
    },
}
# Whole scopes.
SCOPES_REFUSED = {"powervm:": _OTHER, "vmware:": _OTHER}
PROPERTIES_REFUSED = {
    "hw_cpu_realtime_mask": _REALTIME,
    "hw_mem_encryption": _ENCRYPTION,
    "hw_mem_encryption_model": _ENCRYPTION,
    "hw_mem_encryption_context": _ENCRYPTION,
    "hw_tpm_secret_security": SPECS_REFUSED["hw:tpm_secret_security"],
    "hw_ephemeral_encryption": _DISK_ENCRYPTION,
    "hw_ephemeral_encryption_format": _DISK_ENCRYPTION,
    "hw_redirected_usb_ports": _REDIRECTION,
    "hw_emulation_architecture": "this driver builds guests for x86_64",
    "hw_floppy_bus": "there are no floppy disks",
    "hw_auto_disk_config": _OTHER,
    "hw_device_id": _OTHER,
    "hw_disk_type": _OTHER,
    "hw_ipxe_boot": _OTHER,
    "os_command_line": "guests boot from their disks, and not from a kernel beside them",
    "os_skip_agent_inject_files_at_boot": _OTHER,
    "os_skip_agent_inject_ssh": _OTHER,
    "os_hash_algo": _SIGNATURE,
    "os_hash_value": _SIGNATURE,
    "img_signature": _SIGNATURE,
    "img_signature_certificate_uuid": _SIGNATURE,
    "img_signature_hash_method": _SIGNATURE,
    "img_signature_key_type": _SIGNATURE,
    "img_bdm_v2": _MAPPING,
    "img_block_device_mapping": _MAPPING,
    "img_mappings": _MAPPING,
    "img_root_device_name": _MAPPING,
    "img_bittorrent": _OTHER,
    "img_cache_in_nova": _OTHER,
    "img_compression_level": _OTHER,
    "img_linked_clone": _OTHER,
    "img_owner_id": "who owns an image is nobody's concern here",
    "img_use_agent": _OTHER,
    "img_version": _OTHER,
}
_NUMBER = re.compile(r"\.[0-9]+$")


def without_number(key: str) -> str:
    """Return the name that a key has in this table: ``hw:numa_cpus.N`` for ``hw:numa_cpus.3``."""
    return _NUMBER.sub(".N", key)


def known_keys(is_flavor: bool) -> list[str]:
    """Return every key that a flavor, or an image, may have and is not refused."""
    if is_flavor:
        return [*SPECS, *SPECS_ELSEWHERE]
    return [*PROPERTIES, *PROPERTIES_ELSEWHERE, *ONLY]


def refusal(key: str, is_flavor: bool) -> Optional[str]:
    """Return why nobody can have a key of Nova's, or None where that is not known."""
    if not is_flavor:
        return PROPERTIES_REFUSED.get(key)
    scope = next((scope for scope in SCOPES_REFUSED if key.startswith(scope)), "")
    return SPECS_REFUSED.get(key) or SCOPES_REFUSED.get(scope)


def rows() -> list[tuple[str, str, str, str]]:
    """Return the manual's table: extra spec, image property, values, what comes of it."""
    table = [(wish.spec or "", wish.prop or "", wish.values or "yes, no", wish.does) for wish in WISHES]
    table += [(key, "", "", does) for key, does in SPECS_ELSEWHERE.items()]
    table += [("", key, "", does) for key, does in PROPERTIES_ELSEWHERE.items()]
    table += [("", key, ", ".join(ONLY[key]), does) for key, does in _ONLY_DOES.items()]
    return table


def refused_rows() -> list[tuple[str, str]]:
    """Return the manual's table of what is refused: the key, and why."""
    scopes = [(f"{scope}…", why) for scope, why in SCOPES_REFUSED.items()]
    return [*SPECS_REFUSED.items(), *scopes, *PROPERTIES_REFUSED.items()]
