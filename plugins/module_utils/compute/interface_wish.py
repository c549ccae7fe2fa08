# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A NIC, or an address of one, as a person asks for it by name, whatever instance it is for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ..objects.base import Record
from ..objects.errors import FixedIpNotFoundForInstance, OptionInvalid
from ..objects.identity import mac_address
from ..objects.ingredients import NetworkRequest
from ..objects.instance import Instance
from ..objects.network import MODELS, FixedIP, Network
from .address_claims import check_addresses
from .host import Host
from .nic_changes import ADD, ATTACH, DETACH, REMOVE, find_nic

PLUGS = ("network", "bridge", "libvirt_network")
MAC_ADDRESS = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")


@dataclass(frozen=True)
class InterfaceWish(Record):
    """What was asked for. `network` is a network of Novella's own, or one that the instance has a NIC on."""

    network: Optional[str] = None
    bridge: Optional[str] = None
    libvirt_network: Optional[str] = None
    mac_address: Optional[str] = None
    address: Optional[str] = None
    model: str = "virtio"
    mtu: Optional[int] = None


# The argument spec of a wish.
INTERFACE = {
    "network": {"type": "str"},
    "bridge": {"type": "str"},
    "libvirt_network": {"type": "str"},
    "mac_address": {"type": "str"},
    "address": {"type": "str"},
    "model": {"type": "str", "choices": list(MODELS), "default": "virtio"},
    "mtu": {"type": "int"},
}


def read_interface(options: Mapping[str, Any], operation: str) -> InterfaceWish:
    """Return the wish that a module's option describes.

    Args:
        operation: What it is for.

    Raises:
        OptionInvalid: Something is missing, or is no address.
    """
    wish = InterfaceWish.from_dict({key: value for key, value in options.items() if value is not None}, "interface")
    if wish.mac_address is not None and not MAC_ADDRESS.fullmatch(wish.mac_address):
        raise OptionInvalid(f"interface.mac_address is '{wish.mac_address}', which is none. Write 52:54:00:12:34:56.")
    if wish.address is not None:
        try:
            wish = wish.but(address=str(ipaddress.ip_address(wish.address)))
        except ValueError:
            raise OptionInvalid(f"interface.address is '{wish.address}', which is no IP address.") from None
    if operation in (ADD, REMOVE) and wish.address is None:
        raise OptionInvalid(f"interface.address is missing: nothing says what to {operation}.")
    plugs = [key for key in PLUGS if getattr(wish, key) is not None]
    if operation == ATTACH and len(plugs) != 1:
        raise OptionInvalid("interface must have exactly one of network, bridge and libvirt_network.")
    if operation == DETACH and wish.mac_address is None and len(plugs) != 1 and wish.address is None:
        raise OptionInvalid("Nothing says which interface to detach: give its mac_address, address or network.")
    return wish


def wanted_nic(instance: Instance, asked: Any, networks: Iterable[Network]) -> NetworkRequest:
    """Return the NIC that an instance is to be given.

    Args:
        asked: A NetworkRequest of a plan, or an InterfaceWish.
        networks: Those of Novella's own that are on the host.

    Raises:
        OptionInvalid: There is no such network, or nothing says which address it is to have there.
    """
    if isinstance(asked, NetworkRequest):
        return asked
    wish: InterfaceWish = asked
    mac = wish.mac_address or next(
        free for position in range(1 << 16) if find_nic(instance, free := mac_address(instance.uuid, position)) is None
    )
    plug = wish.bridge or wish.libvirt_network
    nic = NetworkRequest(
        network=plug or str(wish.network),
        mac_address=mac,
        bridge=wish.bridge,
        libvirt_network=wish.libvirt_network,
        mtu=wish.mtu,
        model=wish.model,
    )
    own = _own_networks(instance, networks)
    if plug is None:
        like = next((item for item in instance.spec.networks if item.network == wish.network), None)
        if wish.network in own:
            network = own[str(wish.network)]
            nic = nic.but(libvirt_network=network.libvirt_name, mtu=wish.mtu or network.mtu)
        elif like is not None:
            nic = like.but(mac_address=mac, addresses=[], mtu=wish.mtu or like.mtu, model=wish.model, bandwidth=None)
        else:
            known = ", ".join(sorted(own)) or "none"
            raise OptionInvalid(
                f"There is no network '{wish.network}' on the host of {instance.spec.name}. Known: {known}.",
                "Declare the NIC in the fleet: then its network is made.",
            )
    if wish.address is not None:
        return nic.but(addresses=[_fixed_ip(instance, nic, wish.address, networks)])
    if wish.network in own and own[str(wish.network)].subnets:
        raise OptionInvalid(
            f"interface.address is missing: the network {wish.network} has subnets.",
            "Say which address it shall have; or declare the NIC in the fleet, whose plan gives one.",
        )
    return nic


def held_nic(instance: Instance, asked: Any) -> NetworkRequest:
    """Return the NIC that is meant, as the instance has it.

    Raises:
        FixedIpNotFoundForInstance: It has none such, or several.
    """
    found = instance.spec.networks
    if isinstance(asked, NetworkRequest) or asked.mac_address is not None:
        found = [nic for nic in found if nic.mac_address == asked.mac_address]
    else:
        by_address = [nic for nic in found if asked.address in [item.address for item in nic.addresses]]
        found = by_address or _on_plug(found, asked)
    if len(found) != 1:
        has = "; ".join(f"{nic.network}: {nic.mac_address}" for nic in instance.spec.networks) or "none"
        what = "no such NIC" if not found else "several such NICs"
        raise FixedIpNotFoundForInstance(f"{instance.spec.name} has {what}. It has: {has}.", "Give its mac_address.")
    return found[0]


def addresses_to_add(instance: Instance, asked: Any, networks: Iterable[Network]) -> list[FixedIP]:
    """Return the addresses that a NIC is to be given.

    Raises:
        OptionInvalid: Nothing tells of a subnet that has it.
    """
    if isinstance(asked, NetworkRequest):
        return asked.addresses
    return [_fixed_ip(instance, held_nic(instance, asked.but(address=None)), asked.address, networks)]


def addresses_to_remove(nic: NetworkRequest, asked: Any) -> list[FixedIP]:
    """Return the addresses that are to be taken from a NIC.

    Raises:
        FixedIpNotFoundForInstance: It has none such.
    """
    meant = [str(asked.address)] if isinstance(asked, InterfaceWish) else [item.address for item in asked.addresses]
    found = [item for item in nic.addresses if item.address in meant]
    if not found:
        has = ", ".join(item.address for item in nic.addresses) or "none"
        raise FixedIpNotFoundForInstance(f"The NIC {nic.mac_address} has no address {meant[0]}. It has: {has}.")
    return found


def check_interface(host: Host, operation: str, instance: Instance, asked: Any) -> None:
    """Refuse what an operation on an instance's NICs would refuse before anything is done.

    Raises:
        NovellaError: It would.
    """
    if asked is None:
        return
    networks = host.driver.list_networks()
    if operation == ATTACH:
        check_addresses(instance.uuid, [wanted_nic(instance, asked, networks)], host.driver.list_domains())
    elif operation == ADD:
        nic = held_nic(instance, asked.but(address=None))
        added = nic.but(addresses=addresses_to_add(instance, asked, networks))
        check_addresses(instance.uuid, [added], host.driver.list_domains())
    elif operation in (DETACH, REMOVE):
        held_nic(instance, asked)


def is_plugged_as_wished(operation: str, instance: Instance, asked: Any) -> bool:
    """Return whether an instance is as an operation on its NICs would leave it."""
    if asked is None:
        return False
    has_address = asked.address in [item.address for nic in instance.spec.networks for item in nic.addresses]
    if operation in (ADD, REMOVE):
        return has_address == (operation == ADD)
    if asked.mac_address is not None:
        is_there = find_nic(instance, asked.mac_address) is not None
    elif asked.address is not None:
        is_there = has_address
    else:
        is_there = bool(_on_plug(instance.spec.networks, asked))
    return (operation == ATTACH and is_there) or (operation == DETACH and not is_there)


def _on_plug(nics: Iterable[NetworkRequest], asked: InterfaceWish) -> list[NetworkRequest]:
    """Return the NICs that are plugged in where the wish says; all, where it does not."""
    return [nic for nic in nics if all(getattr(asked, key) in (None, getattr(nic, key)) for key in PLUGS)]


def _own_networks(instance: Instance, networks: Iterable[Network]) -> dict[str, Network]:
    whose = instance.spec.fleet, instance.spec.project_id
    return {network.name: network for network in networks if (network.fleet, network.project_id) == whose}


def _fixed_ip(instance: Instance, nic: NetworkRequest, address: str, networks: Iterable[Network]) -> FixedIP:
    """Return an address with what is known of its subnet: by the network, or by another address of the NIC."""
    there = ipaddress.ip_address(address)
    for network in networks:
        if network.libvirt_name != nic.libvirt_network:
            continue
        for subnet in network.subnets:
            cidr = ipaddress.ip_network(subnet.cidr)
            if there in cidr:
                gateway = subnet.host_address if network.mode != "isolated" else None
                return FixedIP(address, cidr.prefixlen, gateway, list(subnet.dns), [], subnet.dhcp)
    for known in [item for other in instance.spec.networks for item in other.addresses]:
        cidr = ipaddress.ip_network(f"{known.address}/{known.prefix_length}", strict=False)
        if there in cidr:
            return known.but(address=address)
    raise OptionInvalid(
        f"Nothing tells of a subnet of network {nic.network} that has {address}.",
        "Declare the address in the fleet, where its network has subnets.",
    )
