# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import importlib.util

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    GuestAgentUnavailable,
    HypervisorError,
    HypervisorUnavailable,
    InstanceExists,
    InstanceNotFound,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.driver import LibvirtDriver
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.faults import translate

FROM_QEMU, FROM_RPC = 10, 7


@pytest.mark.parametrize(
    ("code", "origin", "text", "error", "remedy"),
    [
        (42, FROM_QEMU, "Domain not found: no domain with matching uuid 'x'", InstanceNotFound, "audit again"),
        (38, FROM_RPC, "Failed to connect socket to '/run/libvirt/libvirt-sock'", HypervisorUnavailable, "libvirtd"),
        (1, FROM_RPC, "client socket is closed", HypervisorUnavailable, "libvirtd"),
        (43, 19, "Network not found: no network with matching name 'front'", HypervisorError, "libvirt_network"),
        (1, 33, "internal error: referenced filter 'clean-traffic' is missing", HypervisorError, "config-nwfilter"),
        (62, 33, "Network filter not found: no nwfilter with matching name 'x'", HypervisorError, "libvirt's own"),
        (55, 19, "network 'front' is not active", HypervisorError, "net-start"),
        (38, 0, "Cannot get interface MTU on 'br9': No such device", HypervisorError, "bridge is missing"),
        (9, 20, "domain 'web' already exists with uuid 1234", InstanceExists, "Another domain"),
        (
            1,
            FROM_QEMU,
            "process exited: cannot set up guest memory: Cannot allocate memory",
            ComputeResourcesUnavailable,
            "reserved_host_memory_mb",
        ),
        (
            91,
            31,
            "the CPU is incompatible with host CPU: Host CPU does not provide required features: avx512f",
            HypervisorError,
            "domcapabilities",
        ),
        (1, 24, "cannot load AppArmor profile 'libvirt-1234'", HypervisorError, "AppArmor"),
        (1, 18, "pool 'default' has asynchronous jobs running.", HypervisorError, "busy"),
        (55, FROM_QEMU, "cannot undefine domain with nvram", HypervisorError, "--nvram"),
        (1, FROM_QEMU, 'Failed to get "write" lock', HypervisorError, "another host"),
        # What libvirt or QEMU cannot do on every host, in the words of libvirt 9.0.
        (
            67,
            FROM_QEMU,
            "unsupported configuration: host doesn't support passthrough of host PCI devices",
            HypervisorError,
            "IOMMU",
        ),
        (
            55,
            FROM_QEMU,
            "Requested operation is not valid: domain has assigned non-USB host devices",
            HypervisorError,
            "stop it",
        ),
        (
            1,
            FROM_QEMU,
            "internal error: Unable to find any usable hugetlbfs mount for 2048 KiB",
            ComputeResourcesUnavailable,
            "vm.nr_hugepages",
        ),
        (
            55,
            FROM_QEMU,
            "Requested operation is not valid: cgroup CPU controller is not mounted",
            HypervisorError,
            "cgroup_controllers",
        ),
        (
            67,
            FROM_QEMU,
            "unsupported configuration: spice graphics are not supported with this QEMU",
            HypervisorError,
            "novella_spice_server_listen",
        ),
        (1, FROM_QEMU, "Failed to find an available port: Address already in use", HypervisorError, "reboot it hard"),
        (
            74,
            FROM_QEMU,
            "argument unsupported: QEMU guest agent is not configured",
            GuestAgentUnavailable,
            "qemu-guest-agent",
        ),
        (49, 18, "Storage pool not found: no storage pool with matching name 'fast'", HypervisorError, "pool"),
    ],
)
def test_a_well_known_error_keeps_its_text_and_gets_a_remedy(code, origin, text, error, remedy):
    fault = translate("start the domain", code, origin, text)
    assert type(fault) is error
    assert text.rstrip(".") in fault.message
    assert fault.message.startswith("Could not start the domain: libvirt says: ")
    assert remedy in fault.remedy
    assert fault.details["libvirt_code"] == code


def test_an_error_nobody_knows_is_told_as_libvirt_tells_it():
    fault = translate("define the domain", 27, 20, "XML error: something new")
    assert str(fault) == "Could not define the domain: libvirt says: XML error: something new."


@pytest.mark.skipif(importlib.util.find_spec("libvirt") is not None, reason="this Python has the libvirt binding")
def test_a_host_without_the_binding_is_told_what_to_install():
    with pytest.raises(HypervisorUnavailable, match="python3-libvirt is missing on this host"):
        LibvirtDriver().list_domains()
