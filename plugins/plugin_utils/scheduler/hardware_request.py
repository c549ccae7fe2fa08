# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Completes a request with the hardware that its flavor and image ask for."""

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.pci_alias import requested_devices
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.topology import requested_topology
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .options import SchedulerOptions


def with_hardware(spec: RequestSpec, options: SchedulerOptions) -> RequestSpec:
    """Return the request with its NUMA cells and PCI devices filled in, as Nova's API does. What it says itself stays.

    Raises:
        InvalidInput: Flavor and image ask for something impossible, or an alias is malformed or unknown.
    """
    topology = spec.numa_topology or requested_topology(spec.flavor, spec.image)
    requests = spec.pci_requests or requested_devices(spec.flavor, spec.image, options.pci_alias)
    if topology is spec.numa_topology and requests == spec.pci_requests:
        return spec
    return spec.but(numa_topology=topology, pci_requests=requests)
