# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""libvirt's errors in our words: its code and text are kept, and the well-known ones get cause and remedy."""

from __future__ import annotations

import re

from ...objects.errors import (
    ComputeResourcesUnavailable,
    GuestAgentUnavailable,
    HypervisorError,
    HypervisorUnavailable,
    InstanceExists,
    InstanceNotFound,
    NovellaError,
)

# libvirt's numbers are part of its stable ABI. Written here, this file needs no binding.
NO_CONNECT, INVALID_CONN, OPERATION_INVALID, NO_DOMAIN = 5, 6, 55, 42
OPERATION_FAILED, DOM_EXIST, AUTH_FAILED, NO_DOMAIN_METADATA = 9, 28, 45, 80
FROM_RPC = 7

# What libvirt says of an agent's complaint, in several releases; the complaint follows, in the guest's words.
AGENT_COMPLAINS = re.compile(r"(?:unable to execute QEMU agent command|guest agent command failed)", re.IGNORECASE)
# What it says of an agent's answer that is none; it may quote it.
AGENT_BABBLES = re.compile(r"cannot parse json|no complete agent response|malformed return value", re.IGNORECASE)
# As we tell that there is no agent, and anything else that an agent or libvirt may say.
AGENT_FAILED = (GuestAgentUnavailable, HypervisorError)
# What we say of an answer that the binding cannot read.
NOT_TEXT = "what libvirt was told is not text"
# libvirt passes on up to 10 MiB of a guest's words.
MOST_LETTERS = 1000

UNAVAILABLE_REMEDY = "Look at libvirtd on this host ('systemctl status libvirtd'), then run again."

# (pattern of libvirt's text, error, remedy); the first match counts.
KNOWN: tuple[tuple[str, type[NovellaError], str], ...] = (
    (
        r"apparmor|virt-aa-helper",
        HypervisorError,
        "AppArmor refused it: allow the path in /etc/apparmor.d/local/abstractions/libvirt-qemu.",
    ),
    (
        r"selinux|unable to set security context",
        HypervisorError,
        "SELinux refused it: label the pool's directory virt_image_t ('restorecon -R' on it).",
    ),
    (
        r"asynchronous jobs running",
        HypervisorError,
        "The storage pool is busy with another job; run again when that is over.",
    ),
    (r"nvram", HypervisorError, "The domain's NVRAM file is in the way; 'virsh undefine --nvram' removes both."),
    (
        r"cpu is incompatible|not provide required features|doesn't match specification|unsupported cpu|cpu model",
        HypervisorError,
        "This host's CPU lacks what the guest asks for; 'virsh domcapabilities' shows what it has.",
    ),
    (
        r"network not found|no network with matching",
        HypervisorError,
        "Define that libvirt network on this host, or correct 'libvirt_network' in the fleet.",
    ),
    (
        r"referenced filter .* is missing|network filter not found",
        HypervisorError,
        "Have libvirt's own network filters on this host: libvirt-daemon-config-nwfilter is their package.",
    ),
    (
        r"storage pool not found|no storage pool with matching",
        HypervisorError,
        "Define that pool on this host (the role novella.compute.hypervisor makes 'default').",
    ),
    (
        r"network '[^']*' is not active",
        HypervisorError,
        "Start it on this host ('virsh net-start' and 'virsh net-autostart').",
    ),
    (
        r"interface mtu|tap interface to bridge|cannot find device|no such device",
        HypervisorError,
        "The bridge is missing on this host: create it, or correct 'bridge' in the fleet.",
    ),
    (
        r"already (exists|defined) with uuid|domain .* already exists",
        InstanceExists,
        "Another domain on this host has that name or uuid.",
    ),
    (
        r"cannot allocate memory|cannot set up guest memory",
        ComputeResourcesUnavailable,
        "The host has too little free memory; what other programs use belongs in reserved_host_memory_mb.",
    ),
    (r"no space left", ComputeResourcesUnavailable, "Free space on this host, or add to its storage pool."),
    (
        r"kvm kernel module|failed to initialize kvm|/dev/kvm",
        HypervisorError,
        "KVM does not work on this host: load its kernel module and allow virtualisation in the firmware.",
    ),
    (
        r"passthrough of host pci|vfio",
        HypervisorError,
        "This host cannot hand PCI devices to guests: switch its IOMMU on ('intel_iommu=on'), and load vfio-pci.",
    ),
    (
        r"assigned non-usb host devices|cannot migrate (a )?domain with <hostdev",
        HypervisorError,
        "A guest that has a device of the host cannot be saved: stop it.",
    ),
    (
        r"hugetlbfs|huge ?pages?\b",
        ComputeResourcesUnavailable,
        "The host has no such pages to give: reserve some ('sysctl vm.nr_hugepages') and mount hugetlbfs.",
    ),
    (
        r"cgroup \S+ controller",
        HypervisorError,
        "libvirt cannot use that controller on this host: mount it, and name it in cgroup_controllers of qemu.conf.",
    ),
    (
        r"spice graphics are not supported",
        HypervisorError,
        "This host's QEMU has no SPICE: leave novella_spice_server_listen out, or install a QEMU that has it.",
    ),
    (
        r"address already in use",
        HypervisorError,
        "Something else listens at the guest's port: reboot it hard, and it gets another one.",
    ),
    (
        r"guest agent is not (configured|available|connected)",
        GuestAgentUnavailable,
        "See to it that qemu-guest-agent is installed and runs in the guest.",
    ),
    (
        r"failed to get \"?(write|shared)\"? lock",
        HypervisorError,
        "Another process has the disk open; the same instance may run on another host.",
    ),
)


def translate(what: str, code: int, origin: int, text: str) -> NovellaError:
    """Return our error for one of libvirt's.

    Args:
        what: The call that failed, as a user would say it ("start web-1").
        code: libvirt's error code (VIR_ERR_*).
        origin: The part of libvirt that raised it (VIR_FROM_*).
        text: libvirt's text.
    """
    # It may quote a guest, whose words could take over the terminal of who reads them.
    shown = "".join(character if character.isprintable() else " " for character in text[:MOST_LETTERS]).strip()
    shown = f"{shown}…" if len(text) > MOST_LETTERS else f"{shown.rstrip('.')}."
    message = f"Could not {what}: libvirt says: {shown}"
    if origin == FROM_RPC or code in (NO_CONNECT, INVALID_CONN):
        return HypervisorUnavailable(message, UNAVAILABLE_REMEDY, libvirt_code=code)
    if code == NO_DOMAIN:
        return InstanceNotFound(message, "Run the audit again: it was removed by someone else.", libvirt_code=code)
    if code == AUTH_FAILED:
        return HypervisorUnavailable(message, "Run as root ('become: true'), or as a member of the libvirt group.")
    if AGENT_COMPLAINS.search(text[:MOST_LETTERS]) or AGENT_BABBLES.search(text[:MOST_LETTERS]):
        # Its words are no evidence of anything.
        return HypervisorError(message, libvirt_code=code)
    for pattern, error, remedy in KNOWN:
        if re.search(pattern, text[:MOST_LETTERS], re.IGNORECASE):
            return error(message, remedy, libvirt_code=code)
    return HypervisorError(message, libvirt_code=code)
