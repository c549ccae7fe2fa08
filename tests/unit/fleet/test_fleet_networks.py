# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet may say of networks and NICs, and what hosts are told of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.network import (
    Bandwidth,
    FixedIP,
    HostSubnet,
    Network,
    Route,
)
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.network_building import network_on_hosts

V4 = {"cidr": "10.0.0.0/24"}


def fleet(networks: dict[str, Any], *nics: dict[str, Any], count: int | None = None, **others: Any) -> Any:
    body: dict[str, Any] = {"flavor": "small", "image": "debian", "networks": list(nics)}
    if count is not None:
        body["count"] = count
    return load_fleet(
        {
            "version": "1.0",
            "flavors": {"small": {"vcpus": 1, "memory_mb": 512}},
            "images": {"debian": {"source": "/srv/debian.qcow2"}},
            "networks": networks,
            "instances": {"web": body, **others},
        }
    )


def on(**network: Any) -> dict[str, Any]:
    return {"back": network}


NIC = {"network": "back"}
OTHER = {"flavor": "small", "image": "debian"}
BAD: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "no_range": (on(bridge="br0", subnets=[{"cidr": "ten"}]), [], "networks.back.subnets[0].cidr: 'ten' is no range"),
    "host_bits": (on(bridge="br0", subnets=[{"cidr": "10.0.0.1/24"}]), [], "Did you mean '10.0.0.0/24'?"),
    "overlap": (
        on(bridge="br0", subnets=[V4, {"cidr": "10.0.0.0/25"}]),
        [],
        "subnets[1].cidr: 10.0.0.0/25 overlaps 10.0.0.0/24, another subnet of the network.",
    ),
    "two_of_one_family": (
        on(mode="nat", subnets=[V4, {"cidr": "10.1.0.0/24"}]),
        [],
        "a network of this mode has one subnet of IPv4.",
    ),
    "gateway_outside": (
        on(bridge="br0", subnets=[{**V4, "gateway": "10.1.0.1"}]),
        [],
        "subnets[0].gateway: 10.1.0.1 is not in 10.0.0.0/24.",
    ),
    "broadcast": (
        on(bridge="br0", subnets=[{**V4, "gateway": "10.0.0.255"}]),
        [],
        "10.0.0.255 is the first or the last address of 10.0.0.0/24, which no machine can have.",
    ),
    "pool_outside": (
        on(bridge="br0", subnets=[{**V4, "pool": [{"start": "10.0.0.2", "end": "10.0.1.2"}]}]),
        [],
        "subnets[0].pool[0].end: 10.0.1.2 is not in 10.0.0.0/24.",
    ),
    "pool_backwards": (
        on(bridge="br0", subnets=[{**V4, "pool": [{"start": "10.0.0.9", "end": "10.0.0.2"}]}]),
        [],
        "10.0.0.2 comes before 10.0.0.9, where the range starts.",
    ),
    "pools_overlap": (
        on(
            bridge="br0",
            subnets=[
                {**V4, "pool": [{"start": "10.0.0.2", "end": "10.0.0.9"}, {"start": "10.0.0.9", "end": "10.0.0.20"}]}
            ],
        ),
        [],
        "subnets[0].pool[1]: overlaps the range from 10.0.0.2 to 10.0.0.9.",
    ),
    "dns": (on(bridge="br0", subnets=[{**V4, "dns": ["dns.example"]}]), [], "dns[0]: 'dns.example' is no IP address."),
    "route": (
        on(bridge="br0", subnets=[{**V4, "routes": [{"destination": "10.8.0.0/16", "nexthop": "10.9.0.1"}]}]),
        [],
        "routes[0].nexthop: 10.9.0.1 is not in 10.0.0.0/24.",
    ),
    "dhcp_of_others": (
        on(bridge="br0", subnets=[{**V4, "dhcp": True}]),
        [],
        "dhcp: needs mode nat, routed or isolated: Novella runs DHCP on networks of its own only.",
    ),
    "dhcp_of_ipv6": (on(mode="nat", subnets=[{"cidr": "fd00::/64", "dhcp": True}]), [], "dhcp: is for IPv4 only"),
    "nat_without_addresses": (on(mode="nat"), [], "subnets: required, but missing: the host needs an address"),
    "bridge_of_nat": (on(mode="nat", bridge="br0", subnets=[V4]), [], "bridge: goes with mode bridge only"),
    "bridge_without": (on(mode="bridge"), [], "bridge: required, but missing: mode bridge is about a bridge"),
    "vlan_of_linux": (on(bridge="br0", vlan=42), [], "vlan: needs virtualport: openvswitch"),
    "vxlan": (on(bridge="br0", vxlan=42), [], "networks.back.vxlan cannot be made by libvirt."),
    "unknown_mode": (on(mode="natt", subnets=[V4]), [], "'natt' is none of nat, routed, isolated, bridge."),
    "address_without_subnets": (on(bridge="br0"), [{**NIC, "address": "10.0.0.9"}], "network back has no subnets"),
    "address_outside": (
        on(bridge="br0", subnets=[V4]),
        [{**NIC, "address": "10.1.0.9"}],
        "instances.web.networks[0].address: 10.1.0.9 is in no subnet of back. Its subnets: 10.0.0.0/24.",
    ),
    "gateways_address": (
        on(bridge="br0", subnets=[{**V4, "gateway": "10.0.0.1"}]),
        [{**NIC, "address": "10.0.0.1"}],
        "10.0.0.1 is the gateway of back.",
    ),
    "twice": (
        on(bridge="br0", subnets=[V4]),
        [{**NIC, "address": "10.0.0.9"}, {**NIC, "addresses": ["10.0.0.9"]}],
        "networks[1].addresses[0]: '10.0.0.9' is instances.web's already",
    ),
    "mac_address": (on(bridge="br0"), [{**NIC, "mac_address": "53:54:00:00:00:01"}], "is no MAC address of a NIC"),
    "both": (on(bridge="br0", subnets=[V4]), [{**NIC, "address": "10.0.0.9", "addresses": []}], "cannot go together"),
    "own_gateway": (
        on(mode="nat", subnets=[V4]),
        [{**NIC, "address": "10.0.0.1"}],
        "10.0.0.1 is the gateway of back.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_network_that_contradicts_itself_is_refused_and_says_where(case: str) -> None:
    networks, nics, fault = BAD[case]
    with pytest.raises(FleetInvalid) as caught:
        fleet(networks, *nics)
    assert fault in str(caught.value), caught.value
    assert len(caught.value.faults) == 1, caught.value


def test_an_address_cannot_be_had_by_many() -> None:
    with pytest.raises(FleetInvalid, match="would be had by 2 instances"):
        fleet(on(bridge="br0", subnets=[V4]), {**NIC, "address": "10.0.0.9"}, count=2)


def test_a_nic_is_told_all_that_was_asked_for() -> None:
    subnet = {
        **V4,
        "gateway": "10.0.0.254",
        "dns": ["9.9.9.9"],
        "routes": [{"destination": "10.8.0.0/16", "nexthop": "10.0.0.8"}],
    }
    made = fleet(
        on(bridge="ovs0", virtualport="openvswitch", vlan=42, mtu=1400, subnets=[subnet]),
        {
            **NIC,
            "address": "10.0.0.9",
            "mac_address": "52:54:00:00:00:02",
            "model": "e1000e",
            "bandwidth": {"inbound_kibps": 500},
        },
    )
    [nic] = expand(made)[0].spec.networks
    assert (nic.bridge, nic.virtualport, nic.vlan, nic.mtu, nic.model) == ("ovs0", "openvswitch", 42, 1400, "e1000e")
    assert (nic.mac_address, nic.bandwidth) == ("52:54:00:00:00:02", Bandwidth(inbound_kibps=500))
    assert nic.addresses == [
        FixedIP("10.0.0.9", 24, "10.0.0.254", ["9.9.9.9"], [Route("10.8.0.0/16", "10.0.0.8")], dhcp=False)
    ]


def test_hosts_are_told_of_novellas_own_networks_only() -> None:
    made = fleet({"back": {"mode": "nat", "subnets": [V4, {"cidr": "fd00::/64"}]}, "front": {"bridge": "br0"}}, NIC)
    assert network_on_hosts(made, made.networks["front"]) is None
    assert network_on_hosts(made, made.networks["back"]) == Network(
        "back",
        "nat",
        subnets=[HostSubnet("10.0.0.0/24", "10.0.0.1"), HostSubnet("fd00::/64", "fd00::1", dhcp=False)],
    )
    [nic] = expand(made)[0].spec.networks
    assert (nic.libvirt_network, nic.bridge) == ("back", None)
