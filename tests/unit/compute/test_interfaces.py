# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NICs and addresses on one host: given, taken away, and never to two."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.interface_wish import (
    InterfaceWish,
    read_interface,
    wanted_nic,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.network import FixedIP, HostSubnet, Network
from support.fake_host import FakeHost, act, create

BACK = Network("back", "nat", subnets=[HostSubnet("10.0.0.0/24", "10.0.0.1")])


def nic(number: int, *addresses: str) -> NetworkRequest:
    fixed = [FixedIP(address, 24, "10.0.0.1", dhcp=True) for address in addresses]
    return NetworkRequest("back", f"52:54:00:00:00:{number:02x}", libvirt_network="back", addresses=fixed)


def make(host: FakeHost, name: str, *nics: NetworkRequest) -> list[dict[str, Any]]:
    action = create(name)
    return host.reconcile(action.but(spec=action.spec.but(networks=list(nics))))


def said(results: list[dict[str, Any]]) -> list[str]:
    return [result["error"]["message"] if "error" in result else result["status"] for result in results]


def record(host: FakeHost, name: str) -> Any:
    seen = [item for item in host.manager().audit().instances if item.instance.spec.name == name]
    return seen[0].instance


def told(host: FakeHost, name: str) -> list[str]:
    files = host.driver.read_config_drive(record(host, name).uuid)
    return [link["ethernet_mac_address"] for link in json.loads(files["openstack/latest/network_data.json"])["links"]]


@pytest.fixture
def wired(host: FakeHost) -> FakeHost:
    """A host with Novella's network, and two guests on it."""
    host.driver.define_network(BACK)
    assert said(make(host, "web", nic(1, "10.0.0.10"))) == ["done"]
    assert said(make(host, "db", nic(2, "10.0.0.11"))) == ["done"]
    return host


def test_what_is_made_has_its_address_reserved_until_it_goes(wired: FakeHost) -> None:
    assert wired.driver.reservations() == {
        nic(1).mac_address: ("10.0.0.10", "web"),
        nic(2).mac_address: ("10.0.0.11", "db"),
    }
    assert said(wired.reconcile(act("delete", "web"))) == ["done"]
    assert list(wired.driver.reservations()) == [nic(2).mac_address]


def test_a_nic_comes_and_goes_with_its_address(wired: FakeHost) -> None:
    more = nic(3, "10.0.0.12")
    assert said(wired.reconcile(act("attach_interface", "web", interface=more))) == ["done"]
    assert wired.driver.interfaces_of("uuid-of-web") == [nic(1).mac_address, more.mac_address]
    assert wired.driver.reservations()[more.mac_address] == ("10.0.0.12", "web")
    assert told(wired, "web") == [nic(1).mac_address, more.mac_address]
    assert said(wired.reconcile(act("detach_interface", "web", interface=more))) == ["done"]
    assert wired.driver.interfaces_of("uuid-of-web") == [nic(1).mac_address]
    assert more.mac_address not in wired.driver.reservations()
    assert record(wired, "web").spec.networks == [nic(1, "10.0.0.10")]


def test_a_nic_that_is_changed_is_plugged_in_anew_with_its_addresses(wired: FakeHost) -> None:
    changed = nic(1, "10.0.0.12").but(model="e1000e")
    assert said(wired.reconcile(act("replug_interface", "web", interface=changed))) == ["done"]
    assert record(wired, "web").spec.networks == [changed]
    assert wired.driver.interfaces_of("uuid-of-web") == [changed.mac_address]
    assert wired.driver.reservations()[changed.mac_address] == ("10.0.0.12", "web")


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        ({"failures": {"attach_interface": {"br7": "no such bridge"}}}, "attach_interface of br7: no such bridge"),
        ({"clinging": ["web"]}, "web did not let go of its NIC."),
    ],
)
def test_a_nic_that_cannot_be_plugged_in_as_declared_stays_as_it_was(
    wired: FakeHost, settings: dict[str, Any], refusal: str
) -> None:
    wired.settings(**settings)
    changed = nic(1, "10.0.0.12").but(bridge="br7", libvirt_network=None)
    assert said(wired.reconcile(act("replug_interface", "web", interface=changed))) == [refusal]
    assert record(wired, "web").spec.networks == [nic(1, "10.0.0.10")]
    assert wired.driver.interfaces_of("uuid-of-web") == [nic(1).mac_address]
    assert wired.driver.reservations()[nic(1).mac_address] == ("10.0.0.10", "web")


def test_an_address_that_is_taken_away_is_free_at_once(wired: FakeHost) -> None:
    gone, come = nic(1, "10.0.0.10"), nic(2, "10.0.0.10")
    results = wired.reconcile(
        act("add_fixed_ip_to_instance", "db", interface=come),
        act("remove_fixed_ip_from_instance", "web", interface=gone),
    )
    assert said(results) == ["done", "done"]
    assert [item.address for item in record(wired, "db").spec.networks[0].addresses] == ["10.0.0.11", "10.0.0.10"]
    assert record(wired, "web").spec.networks == [nic(1)]


def test_what_another_guest_has_is_refused_and_nothing_is_changed(wired: FakeHost) -> None:
    before = wired.driver.reservations(), record(wired, "web")
    refusal = "10.0.0.11 is db's on this host."
    assert said(wired.reconcile(act("attach_interface", "web", interface=nic(3, "10.0.0.11")))) == [refusal]
    assert said(wired.reconcile(act("add_fixed_ip_to_instance", "web", interface=nic(1, "10.0.0.11")))) == [refusal]
    assert said(make(wired, "late", nic(4, "10.0.0.11"))) == [refusal]
    after = wired.driver.reservations(), record(wired, "web").but(generation=before[1].generation)
    assert after == before


def test_a_guest_that_clings_to_its_nic_keeps_it(wired: FakeHost) -> None:
    wired.settings(clinging=["web"])
    results = wired.reconcile(act("detach_interface", "web", interface=nic(1, "10.0.0.10")))
    assert said(results) == ["web did not let go of its NIC."]
    assert record(wired, "web").spec.networks == [nic(1, "10.0.0.10")]
    assert nic(1).mac_address in wired.driver.reservations()


def test_a_network_with_guests_is_neither_changed_nor_deleted(wired: FakeHost) -> None:
    changed = BACK.but(mtu=1400)
    for operation, network in (("define_network", changed), ("delete_network", BACK)):
        action = act(operation, "back", network=network)
        assert said(wired.reconcile(action)) == ["The network 'back' has guests on this host."]
    assert wired.driver.list_networks() == [BACK]


@pytest.mark.parametrize(
    ("operation", "options", "message"),
    [
        ("attach_interface", {}, "interface must have exactly one of network, bridge and libvirt_network."),
        ("attach_interface", {"network": "a", "bridge": "b"}, "exactly one of"),
        ("attach_interface", {"network": "a", "mac_address": "x"}, "interface.mac_address is 'x', which is none"),
        ("add_fixed_ip_to_instance", {"network": "a"}, "interface.address is missing"),
        ("remove_fixed_ip_from_instance", {"address": "ten"}, "interface.address is 'ten', which is no IP address."),
        ("detach_interface", {}, "Nothing says which interface to detach"),
    ],
)
def test_a_wish_that_says_too_little_or_nonsense_is_refused(
    operation: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(NovellaError, match=re.escape(message)):
        read_interface(options, operation)


def test_a_network_is_asked_for_by_name(wired: FakeHost) -> None:
    web = record(wired, "web")
    made = wanted_nic(web, InterfaceWish(network="back", address="10.0.0.77"), [BACK])
    assert (made.libvirt_network, made.addresses) == ("back", [FixedIP("10.0.0.77", 24, "10.0.0.1", dhcp=True)])
    with pytest.raises(NovellaError, match="address is missing: the network back has subnets"):
        wanted_nic(web, InterfaceWish(network="back"), [BACK])
    with pytest.raises(NovellaError, match=re.escape("There is no network 'nowhere' on the host of web. Known: back")):
        wanted_nic(web, InterfaceWish(network="nowhere"), [BACK])
    with pytest.raises(NovellaError, match="Nothing tells of a subnet of network back that has"):
        wanted_nic(web, InterfaceWish(network="back", address="192.0.2.1"), [BACK])
