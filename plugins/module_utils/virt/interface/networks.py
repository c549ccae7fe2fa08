# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a driver does with networks, NICs, and the packets that pass them. See `virt.driver`."""

from __future__ import annotations

import abc

from ...objects.ingredients import NetworkRequest
from ...objects.instance import Instance
from ...objects.network import Network


class NetworkDriver(abc.ABC):
    """What a driver does with networks, NICs, and the packets that pass them."""

    @abc.abstractmethod
    def define_network(self, network: Network) -> None:
        """Have a network of Novella's own up, now and after the host has booted. It keeps what is reserved in it.

        Raises:
            NetworkInUse: It is another one now, and guests are on it, who would be cut off.
            NotSupported: The host has a network of that name which is not Novella's.
        """

    @abc.abstractmethod
    def delete_network(self, name: str) -> None:
        """Take a network of Novella's own away. One that is not Novella's is left alone.

        Args:
            name: Its `libvirt_name`.

        Raises:
            NetworkInUse: Guests are on it.
        """

    @abc.abstractmethod
    def reserve_addresses(self, request: NetworkRequest, name: str) -> None:
        """Have the network's DHCP server give a NIC the address that it has, and no other; without cutting anybody.

        Nothing is done on networks that are not Novella's, nor for addresses that DHCP does not give.

        Args:
            name: The host name that goes with the address.

        Raises:
            FixedIpAlreadyInUse: Another guest of the host has it.
        """

    @abc.abstractmethod
    def release_addresses(self, request: NetworkRequest) -> None:
        """Take back what is reserved for a NIC, and its leases, so that another one can have the address at once."""

    @abc.abstractmethod
    def attach_interface(self, instance_uuid: str, request: NetworkRequest) -> None:
        """Give a guest a NIC, at once if it runs and in its definition.

        Raises:
            InterfaceAttachFailed: The running guest cannot be given it.
        """

    @abc.abstractmethod
    def detach_interface(self, instance_uuid: str, mac_address: str) -> None:
        """Take a NIC from a guest. A running one must let go of it.

        Raises:
            DeviceDetachFailed: It has not, in time.
        """

    @abc.abstractmethod
    def plug_devices(self, instance: Instance) -> None:
        """Have a running guest have the disks and interfaces that its record names, and no others.

        Raises:
            DeviceDetachFailed: It does not let go of one.
        """

    @abc.abstractmethod
    def set_firewall(self, instance: Instance) -> None:
        """Have the packets of an existing domain go by the firewall of this record, or by none; at once if it runs.

        What is there already is made anew, as somebody may have taken it from the host by hand.

        Raises:
            InstanceNotFound: There is no such domain.
            InstanceInvalidState: Its memory is saved, with filters or without; that stays so until it is resumed.
            NotSupported: The driver cannot match what a rule is about.
        """
