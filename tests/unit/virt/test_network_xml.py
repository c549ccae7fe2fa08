# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What libvirt is told of networks and NICs, and what the DHCP server is told when a lease is given back."""

from __future__ import annotations

import socket
import xml.etree.ElementTree as ET

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.network import Bandwidth, HostSubnet, Network
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.dhcp_release import release_message
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.interface_xml import interface_element
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.network_xml import (
    build_network,
    find_subnet,
    read_network,
    read_reservations,
)

MAC = "02:00:00:00:00:01"
BACK = Network("back", "nat", fleet="shop", subnets=[HostSubnet("10.0.0.0/24", "10.0.0.1", dns=["9.9.9.9"])])
V6 = HostSubnet("fd00::/64", "fd00::1", dhcp=False)


def text(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode")


def inside(network: Network) -> str:
    """What stands behind the metadata of a network's definition."""
    return text(build_network(network)).split("</metadata>")[1].removesuffix("</network>")


@pytest.mark.parametrize(
    ("network", "xml"),
    [
        (
            BACK.but(mtu=1400, dns_domain="shop.test"),
            (
                '<forward mode="nat" /><bridge stp="off" delay="0" /><mtu size="1400" />'
                '<domain name="shop.test" localOnly="yes" /><dns><forwarder addr="9.9.9.9" /></dns>'
                '<ip address="10.0.0.1" prefix="24" family="ipv4"><dhcp /></ip>'
            ),
        ),
        (
            Network("six", "nat", subnets=[V6]),
            (
                '<forward mode="nat"><nat ipv6="yes" /></forward><bridge stp="off" delay="0" />'
                '<ip address="fd00::1" prefix="64" family="ipv6" />'
            ),
        ),
        (Network("r", "routed"), '<forward mode="route" /><bridge stp="off" delay="0" />'),
        (Network("i", "isolated"), '<bridge stp="off" delay="0" />'),
        (
            Network("o", "bridge", bridge="ovs0", virtualport="openvswitch", vlan=42),
            (
                '<forward mode="bridge" /><bridge name="ovs0" /><virtualport type="openvswitch" />'
                '<vlan><tag id="42" /></vlan>'
            ),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Network) else "",
)
def test_a_network_is_defined_as_declared(network: Network, xml: str) -> None:
    assert inside(network) == xml


def test_a_network_is_known_as_novellas_by_what_stands_in_its_metadata() -> None:
    tree = ET.fromstring(text(build_network(BACK)))
    assert tree.findtext("name") == "shop.back"
    assert read_network(tree) == BACK
    assert read_network(ET.fromstring("<network><name>default</name></network>")) is None
    tree.find("metadata")[0].text = "not JSON"
    assert read_network(tree) is None


def test_a_network_that_is_changed_keeps_its_identity_and_its_reservations() -> None:
    before = ET.fromstring(
        "<network><name>shop.back</name><uuid>u</uuid><bridge name='virbr7'/><ip address='10.0.0.1' prefix='24'><dhcp>"
        f"<host mac='{MAC}' name='web' ip='10.0.0.9'/><host mac='{MAC}' ip='10.9.9.9'/></dhcp></ip></network>"
    )
    after = build_network(BACK, before)
    assert (after.findtext("uuid"), after.find("bridge").get("name")) == ("u", "virbr7")
    assert [(item.mac_address, item.address, item.name) for item in read_reservations(after)] == [
        (MAC, "10.0.0.9", "web")
    ]


def test_an_address_is_found_in_its_subnet() -> None:
    tree = build_network(BACK.but(subnets=[V6, *BACK.subnets]))
    assert find_subnet(tree, "10.0.0.9") == (1, "10.0.0.1")
    assert find_subnet(tree, "fd00::9") == (0, "fd00::1")
    assert find_subnet(tree, "192.0.2.1") is None


def test_a_nic_has_all_that_was_asked_for() -> None:
    limits = Bandwidth(inbound_kibps=500, inbound_burst_kib=64, outbound_kibps=100, outbound_peak_kibps=200)
    nic = NetworkRequest(
        "front",
        MAC,
        bridge="ovs0",
        mtu=1400,
        model="e1000e",
        bandwidth=limits,
        virtualport="openvswitch",
        vlan=42,
    )
    assert text(interface_element(nic)) == (
        f'<interface type="bridge"><mac address="{MAC}" /><source bridge="ovs0" />'
        '<virtualport type="openvswitch" /><vlan><tag id="42" /></vlan>'
        '<bandwidth><inbound average="500" burst="64" /><outbound average="100" peak="200" /></bandwidth>'
        '<model type="e1000e" /><mtu size="1400" /></interface>'
    )


def test_a_lease_is_given_back_in_the_words_of_rfc_2131() -> None:
    message = release_message(MAC, "10.0.0.9", "10.0.0.1")
    assert message[:4] == bytes((1, 1, 6, 0))
    assert message[12:16] == socket.inet_aton("10.0.0.9")
    assert message[28:34] == bytes.fromhex(MAC.replace(":", ""))
    assert message[236:] == b"\x63\x82\x53\x63\x35\x01\x07\x36\x04" + socket.inet_aton("10.0.0.1") + b"\xff"
