# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and addresses of real guests, as the guests see them: a real dnsmasq gives them, real NICs come and go.

The tests follow each other: what one has declared, the next ones find.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import Guest, guest_of

POOL = [{"start": "10.77.0.10", "end": "10.77.0.19"}]
BACK: dict[str, Any] = {
    "mode": "nat",
    "dns_domain": "back.test",
    "subnets": [{"cidr": "10.77.0.0/24", "pool": POOL}],
}
FRONT, SECOND = {"network": "front"}, {"network": "back"}


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet of two guests on one host, for all tests here."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    declare(made)
    made.apply()
    for name in ("web", "peer"):
        guest_of(made, name).await_answer()
    yield made
    made.end()
    assert made.name not in lab.host("kvm2").virsh("net-list", "--all", "--name")


@pytest.fixture
def web(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "web")


@pytest.fixture
def peer(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "peer")


def declare(fleet: LabFleet, network: Any = None, **nics: list[dict[str, Any]]) -> None:
    """Declare the two, with these NICs."""
    instances = {name: {"host": "kvm2", "networks": nics.get(name, [FRONT])} for name in ("web", "peer")}
    networks = {"front": {"libvirt_network": "default"}, "back": network or BACK}
    fleet.declare({"networks": networks}, **instances)


def nic_named(guest: Guest, mac: str) -> str:
    """What a guest calls the NIC with that MAC address, or nothing."""
    return guest.execute(f"grep -l '^{mac}$' /sys/class/net/*/address | cut -d/ -f5; true").strip()


def ask_dhcp(guest: Guest, nic: str) -> str:
    """The address that a guest is given when it asks for one on a NIC."""
    guest.execute(f"ip link set {nic} up; udhcpc -i {nic} -s /etc/udhcpc.script -q -n -t 10 -T 1")
    return guest.execute(f'ip -4 -o address show dev {nic} | awk \'{{ sub("/.*", "", $4); print $4 }}\'').split()[-1]


def told(guest: Guest, network: str = "back") -> tuple[str, list[str]]:
    """MAC address and addresses of a guest's NIC, as its record says."""
    [nic] = [nic for nic in guest.record()["spec"]["networks"] if nic["network"] == network]
    return nic["mac_address"], [item["address"] for item in nic.get("addresses", [])]


def test_a_second_nic_appears_in_a_running_guest_and_gets_the_address_that_the_plan_gave(
    fleet: LabFleet, web: Guest
) -> None:
    life = web.life()
    declare(fleet, web=[FRONT, SECOND])
    fleet.apply()
    mac, addresses = told(web)
    assert addresses == ["10.77.0.10"]
    await_condition(lambda: nic_named(web, mac) != "", "the guest has the NIC")
    assert ask_dhcp(web, nic_named(web, mac)) == "10.77.0.10"
    assert web.life() == life
    assert fleet.is_converged()


def test_a_declared_address_is_the_one_that_the_guest_gets(fleet: LabFleet, web: Guest, peer: Guest) -> None:
    declare(fleet, web=[FRONT, SECOND], peer=[FRONT, {**SECOND, "address": "10.77.0.50"}])
    fleet.apply()
    mac, addresses = told(peer)
    assert addresses == ["10.77.0.50"]
    await_condition(lambda: nic_named(peer, mac) != "", "the guest has the NIC")
    assert ask_dhcp(peer, nic_named(peer, mac)) == "10.77.0.50"
    assert told(web)[1] == ["10.77.0.10"]


def test_a_new_reservation_cuts_nobody(fleet: LabFleet, web: Guest, peer: Guest) -> None:
    """The two reached each other before the last test ended; the network has not been down since."""
    answer = web.execute("ping -c 2 -W 5 10.77.0.50")
    assert "0% packet loss" in answer


def test_names_are_known_on_the_network(fleet: LabFleet, web: Guest) -> None:
    assert "10.77.0.50" in web.execute("nslookup peer.back.test 10.77.0.1")


def test_what_would_cut_a_running_guest_is_refused_and_says_why(fleet: LabFleet, web: Guest) -> None:
    other = {**BACK, "mtu": 1400}
    declare(fleet, other, web=[FRONT, SECOND], peer=[FRONT, {**SECOND, "address": "10.77.0.50"}])
    ended = fleet.run()
    assert ended.code != 0
    said = " ".join(ended.text.split())
    assert (
        "a change of mtu: libvirt changes that only by taking the network down, which would cut off peer, web" in said
    )
    assert "0% packet loss" in web.execute("ping -c 2 -W 5 10.77.0.50")


def test_a_changed_pool_is_no_change_to_hosts(fleet: LabFleet) -> None:
    wider = {**BACK, "subnets": [{"cidr": "10.77.0.0/24", "pool": [{"start": "10.77.0.10", "end": "10.77.0.99"}]}]}
    declare(fleet, wider, web=[FRONT, SECOND], peer=[FRONT, {**SECOND, "address": "10.77.0.50"}])
    assert fleet.is_converged()


def test_an_address_goes_from_one_guest_to_another_though_its_lease_is_young(
    fleet: LabFleet, web: Guest, peer: Guest
) -> None:
    declare(fleet, web=[FRONT, {**SECOND, "address": "10.77.0.50"}], peer=[FRONT, SECOND])
    fleet.apply()
    assert told(web)[1] == ["10.77.0.50"]
    assert told(peer)[1] == ["10.77.0.11"]
    assert ask_dhcp(web, nic_named(web, told(web)[0])) == "10.77.0.50"
    assert ask_dhcp(peer, nic_named(peer, told(peer)[0])) == "10.77.0.11"
    assert fleet.is_converged()


def test_an_address_that_was_added_by_name_is_the_guests_until_it_is_removed_by_name(
    fleet: LabFleet, web: Guest
) -> None:
    mac = told(web)[0]
    wish = {"mac_address": mac, "address": "10.77.0.77"}
    act(fleet, "add_fixed_ip_to_instance", wish)
    assert told(web)[1] == ["10.77.0.50", "10.77.0.77"]
    act(fleet, "remove_fixed_ip_from_instance", wish)
    assert told(web)[1] == ["10.77.0.50"]


def test_a_nic_that_is_not_declared_any_more_is_gone_from_the_running_guest(
    fleet: LabFleet, web: Guest, peer: Guest
) -> None:
    lives, macs = (web.life(), peer.life()), (told(web)[0], told(peer)[0])
    declare(fleet, web=[FRONT], peer=[SECOND])
    fleet.apply()
    assert nic_named(web, macs[0]) == ""
    assert [nic["network"] for nic in web.record("--config")["spec"]["networks"]] == ["front"]
    # The first of two goes, and the other one stays what it was.
    assert told(peer)[0] == macs[1]
    assert nic_named(peer, macs[1]) != ""
    assert (web.life(), peer.life()) == lives
    assert fleet.is_converged()


def act(fleet: LabFleet, operation: str, interface: dict[str, Any]) -> None:
    ended = fleet.run("act", operation=operation, instances=["web"], only_fleet=fleet.name, interface=interface)
    assert ended.code == 0, ended.text
