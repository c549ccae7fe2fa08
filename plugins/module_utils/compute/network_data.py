# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The networks of a guest as its config drive tells of them: OpenStack's network_data, and cloud-init's version 2."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from ..objects.ingredients import NetworkRequest
from ..objects.instance import InstanceSpec
from ..objects.network import FixedIP

DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


def network_data(spec: InstanceSpec) -> dict[str, Any]:
    """Return OpenStack's ``network_data.json``; empty where there is no NIC."""
    if not spec.networks:
        return {}
    links: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    services: list[dict[str, Any]] = []
    for index, nic in enumerate(spec.networks):
        link = f"interface{index}"
        links.append({"id": link, "type": "phy", "mtu": nic.mtu, "ethernet_mac_address": nic.mac_address})
        for told in _subnets(nic):
            place = {"id": f"network{len(networks)}", "link": link, "network_id": nic.network}
            networks.append({**place, **told})
            services.extend(item for item in told.get("services", ()) if item not in services)
    return {"links": links, "networks": networks, "services": services}


def network_config(spec: InstanceSpec) -> dict[str, Any]:
    """Return what NoCloud calls ``network-config``, in version 2.

    The interfaces are named ``eth0`` and so on, as not every program that reads this can match by address alone.
    """
    return {
        "version": 2,
        "ethernets": {f"eth{index}": _ethernet(f"eth{index}", nic) for index, nic in enumerate(spec.networks)},
    }


def _subnets(nic: NetworkRequest) -> Iterator[dict[str, Any]]:
    """Yield what the guest is told of each of a NIC's addresses."""
    leased, static = _sort(nic)
    for version in leased:
        yield {"type": f"ipv{version}_dhcp"}
    for fixed in static:
        told: dict[str, Any] = {
            "type": f"ipv{fixed.version}",
            "ip_address": fixed.address,
            "netmask": str(ipaddress.ip_interface(f"{fixed.address}/{fixed.prefix_length}").netmask),
            "routes": [_route(destination, nexthop) for destination, nexthop in _routes(fixed)],
        }
        if fixed.dns:
            told["services"] = [{"type": "dns", "address": address} for address in fixed.dns]
        yield told


def _ethernet(name: str, nic: NetworkRequest) -> dict[str, Any]:
    leased, static = _sort(nic)
    told: dict[str, Any] = {"match": {"macaddress": nic.mac_address}, "set-name": name}
    told.update({f"dhcp{version}": True for version in leased})
    if nic.mtu is not None:
        told["mtu"] = nic.mtu
    if static:
        told["addresses"] = [f"{fixed.address}/{fixed.prefix_length}" for fixed in static]
    routes = [{"to": destination, "via": nexthop} for fixed in static for destination, nexthop in _routes(fixed)]
    if routes:
        told["routes"] = routes
    dns = list(dict.fromkeys(address for fixed in static for address in fixed.dns))
    if dns:
        told["nameservers"] = {"addresses": dns}
    return told


def _sort(nic: NetworkRequest) -> tuple[list[int], list[FixedIP]]:
    """Return the families whose address the guest asks for by DHCP, and the addresses that it is told."""
    if not nic.addresses:
        return [4], []
    leased: list[int] = []
    static: list[FixedIP] = []
    seen: set[int] = set()
    for fixed in nic.addresses:
        if fixed.dhcp and fixed.version not in seen:
            leased.append(fixed.version)
        else:
            static.append(fixed)
        seen.add(fixed.version)
    return leased, static


def _routes(fixed: FixedIP) -> Iterator[tuple[str, str]]:
    """Yield destination and next hop, the default route first."""
    if fixed.gateway is not None:
        yield DEFAULT[fixed.version], fixed.gateway
    for route in fixed.routes:
        yield route.destination, route.nexthop


def _route(destination: str, nexthop: str) -> dict[str, str]:
    network = ipaddress.ip_network(destination, strict=False)
    return {"network": str(network.network_address), "netmask": str(network.netmask), "gateway": nexthop}
