# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and NICs: from declared entries to what the fleet holds, and to what hosts are told."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects import network as records
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import mac_address
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest

from .fleet import Fleet, Network, Nic, Subnet
from .network_rules import SERVING


def build_network(name: str, body: Mapping[str, Any]) -> Network:
    """Return a network as it was declared."""
    keys = {key: _integer(value) for key, value in body.items()}
    return Network(name, **{**keys, "subnets": tuple(_subnet(item) for item in body.get("subnets", ()))})


def build_nic(body: Mapping[str, Any]) -> Nic:
    """Return a NIC as it was declared."""
    asked = [body["address"]] if "address" in body else body.get("addresses", ())
    limits = {key: _integer(value) for key, value in body.get("bandwidth", {}).items()}
    return Nic(
        network=body["network"],
        addresses=tuple(str(ipaddress.ip_address(text)) for text in asked),
        mac_address=body.get("mac_address"),
        mtu=_integer(body.get("mtu")),
        model=body.get("model", "virtio"),
        bandwidth=records.Bandwidth(**limits) if limits else None,
    )


def request_of(fleet: Fleet, uuid: str, position: int, nic: Nic) -> NetworkRequest:
    """Return the NIC as its instance's record has it, with the addresses that were asked for and no others."""
    network = fleet.networks[nic.network]
    ours = network.mode is not None
    return NetworkRequest(
        network=nic.network,
        mac_address=nic.mac_address or mac_address(uuid, position),
        bridge=None if ours else network.bridge,
        libvirt_network=name_on_hosts(fleet, network) if ours else network.libvirt_network,
        addresses=[fixed_ip(network, address) for address in nic.addresses],
        mtu=nic.mtu or network.mtu,
        model=nic.model,
        bandwidth=nic.bandwidth,
        virtualport=None if ours else network.virtualport,
        vlan=None if ours else network.vlan,
    )


def name_on_hosts(fleet: Fleet, network: Network) -> str:
    """Return what libvirt calls a network that Novella defines."""
    return records.libvirt_name(fleet.name, fleet.project_id, network.name)


def fixed_ip(network: Network, address: str) -> records.FixedIP:
    """Return an address with what its subnet says."""
    there = ipaddress.ip_address(address)
    subnet = next(item for item in network.subnets if there in ipaddress.ip_network(item.cidr))
    cidr = ipaddress.ip_network(subnet.cidr)
    return records.FixedIP(
        address=str(there),
        prefix_length=cidr.prefixlen,
        gateway=_gateway(network, subnet),
        dns=list(subnet.dns),
        routes=list(subnet.routes),
        dhcp=_serves(network, subnet),
    )


def network_on_hosts(fleet: Fleet, network: Network) -> records.Network | None:
    """Return what hosts are to define for a network, or None where it is not Novella's."""
    if network.mode is None:
        return None
    serves = network.mode in SERVING
    return records.Network(
        name=network.name,
        mode=network.mode,
        fleet=fleet.name,
        project_id=fleet.project_id,
        bridge=network.bridge,
        virtualport=network.virtualport,
        vlan=network.vlan,
        mtu=network.mtu,
        dns_domain=network.dns_domain,
        subnets=[
            records.HostSubnet(item.cidr, host_address(item), _serves(network, item), list(item.dns))
            for item in network.subnets
            if serves
        ],
    )


def host_address(subnet: Subnet) -> str:
    """Return the address that hosts have on a network of Novella's own."""
    return subnet.gateway or str(ipaddress.ip_network(subnet.cidr)[1])


def _gateway(network: Network, subnet: Subnet) -> str | None:
    if network.mode in ("nat", "routed"):
        return host_address(subnet)
    return subnet.gateway


def _serves(network: Network, subnet: Subnet) -> bool:
    if subnet.dhcp is not None:
        return subnet.dhcp
    return network.mode in SERVING and ipaddress.ip_network(subnet.cidr).version == 4


def _subnet(body: Mapping[str, Any]) -> Subnet:
    gateway = body.get("gateway")
    return Subnet(
        cidr=body["cidr"],
        gateway=None if gateway is None else str(ipaddress.ip_address(gateway)),
        dns=tuple(str(ipaddress.ip_address(text)) for text in body.get("dns", ())),
        pool=tuple((item["start"], item["end"]) for item in body.get("pool", ())),
        dhcp=body.get("dhcp"),
        routes=tuple(records.Route(**item) for item in body.get("routes", ())),
    )


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value
