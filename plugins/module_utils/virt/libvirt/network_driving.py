# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the driver that is about networks, NICs and their addresses."""

from __future__ import annotations

import contextlib
import time
import xml.etree.ElementTree as ET
from typing import Any, Optional

from ...objects.errors import FixedIpAlreadyInUse, HypervisorError, NetworkInUse, NotSupported
from ...objects.ingredients import NetworkRequest
from ...objects.instance import Instance
from ...objects.network import Network
from ..driver import ComputeDriver
from ..shape.guest_shape import shape_of
from .binding import libvirt
from .connection import Connection
from .dhcp_release import send_release
from .interface_plug import InterfacePlug
from .interface_xml import interface_element, mac_addresses
from .network_xml import Reservation, build_network, find_subnet, read_network, read_reservations
from .shapes.apply import apply_to_interface
from .storage import checked_uuid as checked

# How long the DHCP server has to take note that a lease is given back.
RELEASE_SECONDS = 3.0
POLL_INTERVAL = 0.05


class NetworkDriving(ComputeDriver):
    """What a libvirt driver does with networks."""

    _connection: Connection
    _interfaces: InterfacePlug

    def list_networks(self) -> list[Network]:
        return self._connection.read("list the networks", _list_networks)

    def define_network(self, network: Network) -> None:
        handle = self._find_network(network.libvirt_name)
        before = None if handle is None else _tree(handle, libvirt.VIR_NETWORK_XML_INACTIVE)
        held = None if before is None else read_network(before)
        if before is not None and held is None:
            raise NotSupported(
                f"This host has a network '{network.libvirt_name}' which is not Novella's.",
                "Rename it in the fleet; or name that one as libvirt_network.",
            )
        if handle is None or held != network:
            if handle is not None and handle.isActive():
                self._refuse_used(network.libvirt_name)
                handle.destroy()
            xml = ET.tostring(build_network(network, before), encoding="unicode")
            handle = self._connection.host().networkDefineXMLFlags(xml, libvirt.VIR_NETWORK_DEFINE_VALIDATE)
        if not handle.autostart():
            handle.setAutostart(1)
        if not handle.isActive():
            handle.create()

    def delete_network(self, name: str) -> None:
        handle = self._find_network(name)
        if handle is None or read_network(_tree(handle)) is None:
            return
        self._refuse_used(name)
        if handle.isActive():
            handle.destroy()
        handle.undefine()

    def reserve_addresses(self, request: NetworkRequest, name: str) -> None:
        handle = self._own_network(request)
        if handle is None:
            return
        wanted = next((item for item in request.addresses if item.dhcp and item.version == 4), None)
        if wanted is None:
            self._drop(handle, request.mac_address)
            return
        for flag, tree in _views(handle):
            found = read_reservations(tree)
            there = find_subnet(tree, wanted.address)
            if there is None:
                raise HypervisorError(
                    f"The network '{handle.name()}' of this host has no subnet with {wanted.address}.",
                    "Run the fleet's plan: it defines the network as declared.",
                )
            is_named = any(item.name == name and item.mac_address != request.mac_address for item in found)
            aim = Reservation(request.mac_address, wanted.address, None if is_named else name, there[0])
            if aim in found:
                continue
            for item in found:
                if item.mac_address == aim.mac_address or item.address == aim.address:
                    self._refuse_held(item, aim)
                    self._give_back(handle, tree, item)
                    _update(handle, libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, item, flag)
            _update(handle, libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, aim, flag)

    def release_addresses(self, request: NetworkRequest) -> None:
        handle = self._own_network(request)
        if handle is not None:
            self._drop(handle, request.mac_address)

    def attach_interface(self, instance_uuid: str, request: NetworkRequest) -> None:
        element = interface_element(request)
        domain = self.get_domain(checked(instance_uuid))
        if domain is not None and domain.record is not None:
            instance = Instance.from_document(domain.record, "instance")
            apply_to_interface(element, shape_of(instance), instance.spec.flavor.vcpus)
        firewall = self.firewall_reference(instance_uuid, request)
        if firewall is not None:
            element.append(firewall)
        self._interfaces.attach(instance_uuid, request.mac_address, element)

    def detach_interface(self, instance_uuid: str, mac_address: str) -> None:
        self._interfaces.detach(checked(instance_uuid), mac_address)

    def firewall_reference(self, instance_uuid: str, request: NetworkRequest) -> Optional[ET.Element]:
        """Return what a NIC of this guest says of its firewall, which the driver itself knows; None without one."""
        raise NotImplementedError

    def _own_network(self, request: NetworkRequest) -> Optional[Any]:
        """Return the network of a NIC where it is one of Novella's, else None."""
        handle = None if request.libvirt_network is None else self._find_network(request.libvirt_network)
        return None if handle is None or read_network(_tree(handle)) is None else handle

    def _find_network(self, name: str) -> Optional[Any]:
        try:
            return self._connection.host().networkLookupByName(name)
        except HypervisorError as error:
            if error.details.get("libvirt_code") != libvirt.VIR_ERR_NO_NETWORK:
                raise
            return None

    def _drop(self, handle: Any, mac_address: str) -> None:
        for flag, tree in _views(handle):
            for item in read_reservations(tree):
                if item.mac_address == mac_address:
                    self._give_back(handle, tree, item)
                    _update(handle, libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, item, flag)

    def _give_back(self, handle: Any, tree: ET.Element, item: Reservation) -> None:
        """Give a lease back while the DHCP server still knows of the reservation, and wait until it has noted that."""
        bridge, there = tree.find("bridge"), find_subnet(tree, item.address)
        if bridge is None or there is None or not handle.isActive() or not _leases(handle, item):
            return
        with contextlib.suppress(OSError):
            send_release(bridge.get("name", ""), item.mac_address, item.address, there[1])
        end = time.monotonic() + RELEASE_SECONDS
        while _leases(handle, item) and time.monotonic() < end:
            time.sleep(POLL_INTERVAL)

    def _refuse_held(self, item: Reservation, aim: Reservation) -> None:
        """Refuse to take an address from a guest; a reservation that no guest has is what a dead run has left."""
        if item.mac_address == aim.mac_address:
            return
        holders = self._connection.read("list the NICs of all domains", _list_nics)
        if item.mac_address in holders:
            raise FixedIpAlreadyInUse(
                f"{aim.address} is {holders[item.mac_address]}'s on this host.", "Take it away there first."
            )

    def _refuse_used(self, name: str) -> None:
        users = self._connection.read("list the networks of all domains", lambda raw: _list_users(raw, name))
        if users:
            raise NetworkInUse(
                f"The network '{name}' has guests on this host: {', '.join(users[:8])}. It cannot be taken down "
                "without cutting them off.",
                "Detach their NICs first.",
            )


def _list_networks(raw: Any) -> list[Network]:
    found = []
    for handle in raw.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE):
        network = read_network(ET.fromstring(handle.XMLDesc()))  # noqa: S314 - libvirtd is trusted
        if network is not None:
            found.append(network)
    return sorted(found, key=lambda network: network.libvirt_name)


def _domains(raw: Any) -> list[tuple[str, ET.Element]]:
    """Return every domain's name with its XML, as it runs and as it is defined."""
    found = []
    for handle in raw.listAllDomains():
        for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
            with contextlib.suppress(libvirt.libvirtError):  # it is gone since
                found.append((handle.name(), ET.fromstring(handle.XMLDesc(flags))))  # noqa: S314 - as above
    return found


def _list_nics(raw: Any) -> dict[str, str]:
    return {mac: name for name, tree in _domains(raw) for mac in mac_addresses(tree)}


def _list_users(raw: Any, network: str) -> list[str]:
    path = f"devices/interface/source[@network='{network}']"
    return sorted({name for name, tree in _domains(raw) if tree.find(path) is not None})


def _leases(handle: Any, item: Reservation) -> bool:
    return any(lease.get("ipaddr") == item.address for lease in handle.DHCPLeases(item.mac_address))


def _update(handle: Any, command: int, item: Reservation, flag: int) -> None:
    section = libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST
    handle.update(command, section, item.index, ET.tostring(item.as_element(), encoding="unicode"), flag)


def _views(handle: Any) -> list[tuple[int, ET.Element]]:
    """Return the network as it runs and as it is defined, each with the flag that changes it."""
    views = []
    if handle.isActive():
        views.append((int(libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE), _tree(handle)))
    views.append((int(libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG), _tree(handle, libvirt.VIR_NETWORK_XML_INACTIVE)))
    return views


def _tree(handle: Any, flags: int = 0) -> ET.Element:
    return ET.fromstring(handle.XMLDesc(flags))  # noqa: S314 - libvirtd is trusted
