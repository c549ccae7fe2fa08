# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a driver tells of a host, and of what is on it. See `virt.driver`."""

from __future__ import annotations

import abc
from collections.abc import Collection, Iterable
from typing import Optional

from ...objects.adoption import Adoption
from ...objects.device import Device
from ...objects.diagnostics import Diagnostics
from ...objects.drift import Drift
from ...objects.instance import Instance
from ...objects.network import Network
from ...objects.pci import PciDevice
from ...objects.volume import Volume, VolumeRequest
from ..hypervisor import DiskSpace, Domain, HostResources


class ReadingDriver(abc.ABC):
    """What a driver tells of a host, and of what is on it."""

    @abc.abstractmethod
    def get_available_resource(self) -> HostResources:
        """Return what the host has."""

    @abc.abstractmethod
    def list_pci_devices(self) -> list[PciDevice]:
        """Return every PCI function of the host, without tags."""

    @abc.abstractmethod
    def list_domains(self) -> list[Domain]:
        """Return every defined or running domain, without addresses."""

    @abc.abstractmethod
    def get_domain(self, uuid: str) -> Optional[Domain]:
        """Return one domain, without addresses, or None."""

    @abc.abstractmethod
    def get_disk_space(self, domains: Iterable[Domain]) -> Optional[DiskSpace]:
        """Return the room in the pool, and how far the disks of these domains may grow, or None."""

    @abc.abstractmethod
    def list_addresses(self) -> dict[str, tuple[str, ...]]:
        """Return the known IP addresses by MAC address, for the whole host in as few calls as possible."""

    @abc.abstractmethod
    def list_devices(self, uuid: str) -> list[Device]:
        """Return the disks, network interfaces and host devices of a guest, as it has them now.

        Raises:
            InstanceNotFound: There is no such domain.
        """

    @abc.abstractmethod
    def read_adoption(self, uuid: str) -> Adoption:
        """Return what a domain has that is not Novella's: all of it, while it is foreign.

        Raises:
            InstanceNotFound: There is no such domain.
            NotSupported: It is gone as soon as it is off, so nothing of it can be kept.
        """

    @abc.abstractmethod
    def get_diagnostics(self, uuids: Collection[str]) -> dict[str, Diagnostics]:
        """Return what those of the guests use that are running, by uuid, for all of them at once.

        A guest that does not answer is told of with what is known without asking it.
        """

    @abc.abstractmethod
    def read_fingerprint(self, with_pci: bool) -> str:
        """Return a text that differs as soon as one of the readings above would; it costs far less than they do.

        Args:
            with_pci: Whether the PCI devices count.
        """

    @abc.abstractmethod
    def list_root_disks(self) -> set[str]:
        """Return the uuids of the instances that have a root disk, or other local disks, in the pool."""

    @abc.abstractmethod
    def list_volumes(self) -> list[Volume]:
        """Return every volume that is on the host, attached or not, with the size that its file has now."""

    @abc.abstractmethod
    def list_networks(self) -> list[Network]:
        """Return the networks that Novella has defined on the host and that are up."""

    @abc.abstractmethod
    def list_drift(self, instances: Collection[Instance]) -> dict[str, list[Drift]]:
        """Return what of these instances' domains is otherwise than their records say, by uuid; only of those.

        Intent is compared: what the hypervisor adds or expands on its own is nothing. What a running guest has not got
        yet that its definition has it get at its next boot is nothing either.
        """

    @abc.abstractmethod
    def find_volume(self, request: VolumeRequest) -> Optional[Volume]:
        """Return a volume of a pool as it is there now, or None where it is to be made.

        Raises:
            InvalidVolume: The pool is not there, or is to have the volume and has not.
        """

    @abc.abstractmethod
    def check_volume_free(self, request: VolumeRequest, instance_uuid: str) -> None:
        """Refuse a volume that an instance of another host has.

        Raises:
            InvalidVolume: It has.
        """
