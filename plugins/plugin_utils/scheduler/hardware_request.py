# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Completes a request with the hardware that its flavor and image ask for."""

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.pci_alias import requested_devices
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.topology import requested_topology
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .options import SchedulerOptions

_REMEMBERED = 1024


class HardwareReader:
    """Fills in the hardware of requests, and reads each flavor and image once for all requests that share them.

    Args:
        options: Those of the scheduler; `pci_alias` of them.
    """

    def __init__(self, options: SchedulerOptions) -> None:
        self._options = options
        # Both are kept in the answer, so that no other object can come to have their identities.
        self._known: dict[tuple[int, int], RequestSpec] = {}

    def fill(self, spec: RequestSpec) -> RequestSpec:
        """Return what `with_hardware` returns."""
        if spec.numa_topology or spec.pci_requests:
            return with_hardware(spec, self._options)
        key = (id(spec.flavor), id(spec.image))
        read = self._known.get(key)
        if read is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            read = self._known[key] = with_hardware(spec, self._options)
        if read.numa_topology is None and not read.pci_requests:
            return spec
        return spec.but(numa_topology=read.numa_topology, pci_requests=read.pci_requests)


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
