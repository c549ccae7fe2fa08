# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hardware of a host that instances get for good: NUMA cells, dedicated CPUs, huge pages, PCI devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

from ...objects.base import Record
from ...objects.errors import ComputeResourcesUnavailable, NotSupported
from ...objects.instance import InstanceSpec
from ...objects.numa import InstanceNUMATopology, NUMATopology, NUMATopologyLimits
from ...objects.pci import PciDevice, PciDevicePool, PciRequest
from .device_spec import free_devices, pool_devices
from .fitting import Misfit, fit
from .pci_alias import EXTRA_SPEC
from .pci_pools import allot
from .topology import requested_topology
from .usage import with_usage


@dataclass(frozen=True)
class Hardware(Record):
    """What one instance has got. It is part of its claim, and of its record from then on."""

    numa_topology: Optional[InstanceNUMATopology] = None
    pci_devices: list[PciDevice] = field(default_factory=list)


@dataclass(frozen=True)
class HostHardware:
    """What a host has, and what of it is taken.

    Args:
        topology: Its cells, with what instances use of them; None where it tells of none.
        devices: Those that instances may have, free or not.
        taken: Addresses of devices in use.
    """

    topology: Optional[NUMATopology] = None
    devices: tuple[PciDevice, ...] = ()
    taken: frozenset[str] = frozenset()

    @property
    def pools(self) -> list[PciDevicePool]:
        """Return how many devices of each kind are free."""
        return [pool for pool, _devices in pool_devices(free_devices(self.devices, self.taken))]

    def with_instance(self, hardware: Hardware) -> HostHardware:
        """Return it with what an instance has counted as taken."""
        addresses = {device.address for device in hardware.pci_devices}
        return HostHardware(with_usage(self.topology, hardware.numa_topology), self.devices, self.taken | addresses)

    def choose(
        self,
        host: str,
        spec: InstanceSpec,
        limits: NUMATopologyLimits,
        requests: Sequence[PciRequest],
    ) -> Hardware:
        """Choose cells, CPUs and devices for an instance.

        Args:
            limits: How far shared CPUs may overcommit a cell.
            requests: The devices that its flavor asks for.

        Raises:
            InvalidInput: Flavor and image contradict each other.
            NotSupported: The flavor asks for devices, and it is not said which.
            ComputeResourcesUnavailable: What it asks for is not free.
        """
        if EXTRA_SPEC in spec.flavor.extra_specs and not requests:
            raise NotSupported(
                f"'{EXTRA_SPEC}' of flavor '{spec.flavor.name}' is not said to mean any device.",
                "Plan it: aliases are declared in a fleet, as scheduler.pci_alias.",
            )
        asked = requested_topology(spec.flavor, spec.image)
        if asked is None and not requests:
            return Hardware()
        grouped = pool_devices(free_devices(self.devices, self.taken))
        pools = [pool.as_pool() for pool, _devices in grouped]
        # As the scheduler takes them.
        order = sorted(range(len(pools)), key=lambda place: len(pools[place]))
        pools, members = [pools[place] for place in order], [grouped[place][1] for place in order]
        fitted = None
        if asked is not None:
            outcome = fit(self.topology, asked, limits, requests, pools)
            if isinstance(outcome, Misfit):
                raise _unavailable(host, spec, outcome.text)
            fitted = outcome
        shares = allot(pools, requests, None if fitted is None else fitted.cells, self.topology)
        if shares is None:
            names = ", ".join(f"{request.count} of {request.alias_name or request.spec}" for request in requests)
            raise _unavailable(host, spec, f"does not have the PCI devices free ({names})")
        chosen = []
        for share in shares:
            for _number in range(share.count):
                device = members[share.pool].pop(0)
                chosen.append(device.but(alias=share.request.alias_name))
        return Hardware(fitted, chosen)


def _unavailable(host: str, spec: InstanceSpec, why: str) -> ComputeResourcesUnavailable:
    return ComputeResourcesUnavailable(f"{spec.name} does not fit on {host}: the host {why}.", host=host, reasons=[why])
