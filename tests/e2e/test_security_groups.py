# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security groups of real guests, proven by packets: what arrives, and what does not.

The tests follow each other on two running guests; none of them boots anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import Guest, guest_of

OPEN, OTHER, INNER = 8080, 8081, 8082
GREETING = "well met"
SPOOFED_MAC = "02:00:00:00:be:ef"
# What a person does who knows not whose rules these are. The host's networks keep theirs.
FLUSH = """
for chain in $(iptables -S | sed -n 's/^-N \\([FH][IO]-.*\\)/\\1/p'); do iptables -F "$chain"; done
ebtables -t nat -F
"""


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    declare(made, {})
    made.apply()
    for name in ("web", "peer"):
        serve(guest_of(made, name))
    yield made
    made.end()


@pytest.fixture
def web(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "web")


@pytest.fixture
def peer(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "peer")


def declare(fleet: LabFleet, parts: dict[str, Any], **bodies: dict[str, Any]) -> None:
    names = dict.fromkeys(("web", "peer", *bodies))
    fleet.declare(parts, **{name: {"host": "kvm2", **bodies.get(name, {})} for name in names})


def groups(*rules: dict[str, Any], **others: list[dict[str, Any]]) -> dict[str, Any]:
    bodies = {"web": list(rules), **others}
    return {"security_groups": {name: {"rules": body} for name, body in bodies.items()}}


def tcp(port: int, **keys: Any) -> dict[str, Any]:
    return {"protocol": "tcp", "ports": port, **keys}


def serve(guest: Guest) -> None:
    """Have a guest answer on all three ports."""
    guest.await_answer()
    for port in (OPEN, OTHER, INNER):
        guest.execute(f"nc -ll -p {port} -e echo {GREETING} </dev/null >/dev/null 2>&1 &")


def address(guest: Guest) -> str:
    return guest.execute("ip -4 -o address show dev eth0 | head -n 1").split()[3].split("/")[0]


def gateway(guest: Guest) -> str:
    return guest.execute("ip route show default").split()[2]


def hears_from_guest(client: Guest, server: str, port: int) -> bool:
    """Whether a guest is greeted by a port of an address."""
    # What it knows of its neighbours, one of them may have told it under a false MAC address.
    return GREETING in client.execute(f"ip neigh flush dev eth0; nc -w 4 {server} {port} </dev/null 2>&1; true")


def hears_from_host(guest: Guest, port: int) -> bool:
    """Whether the host that a guest runs on is greeted by one of its ports."""
    script = f"timeout 5 bash -c 'cat </dev/tcp/{address(guest)}/{port}' 2>/dev/null; true"
    return GREETING in guest.home.run(["bash", "-c", script])


def reaches(guest: Guest, target: str, source: str = "") -> bool:
    """Whether a guest is answered when it pings an address, perhaps with another source."""
    said = guest.execute(f"ping -c 2 -W 2 {f'-I {source}' if source else ''} {target} 2>&1; true")
    return "bytes from" in said


def spoofs_address(guest: Guest) -> bool:
    """Whether a guest is answered under an address that is not its own."""
    false = f"{address(guest).rpartition('.')[0]}.77"
    guest.execute(f"ip address add {false}/32 dev eth0")
    try:
        return reaches(guest, gateway(guest), false)
    finally:
        guest.execute(f"ip address del {false}/32 dev eth0")


def spoofs_mac(guest: Guest) -> bool:
    """Whether a guest is answered under a MAC address that is not its own."""
    own, target = guest.read("/sys/class/net/eth0/address").strip(), gateway(guest)
    change = "ip link set dev eth0 address {}; ip route replace default via {}".format
    guest.execute(change(SPOOFED_MAC, target))
    try:
        return reaches(guest, target)
    finally:
        guest.execute(change(own, target))


def filters(fleet: LabFleet) -> str:
    return fleet.lab.host("kvm2").virsh("nwfilter-list")


def filter_of(fleet: LabFleet, name: str) -> str:
    return f"novella-{instance_uuid(fleet.name, 'default', name)}"


def test_a_fleet_without_security_groups_has_nothing_filtered(fleet: LabFleet, web: Guest, peer: Guest) -> None:
    assert all(hears_from_guest(peer, address(web), port) for port in (OPEN, OTHER))
    assert hears_from_host(web, OPEN)
    assert (spoofs_address(web), spoofs_mac(web)) == (True, True)
    assert filter_of(fleet, "web") not in filters(fleet)


def test_a_group_opens_its_ports_of_a_running_guest_and_closes_all_others(
    fleet: LabFleet, web: Guest, peer: Guest
) -> None:
    lives = web.life(), peer.life()
    declare(fleet, groups(tcp(OPEN)), web={"security_groups": ["web"]})
    fleet.apply()
    assert hears_from_guest(peer, address(web), OPEN)
    assert not hears_from_guest(peer, address(web), OTHER)
    assert (hears_from_host(web, OPEN), hears_from_host(web, OTHER)) == (True, False)
    # The other one names no group: it is in the group default, whose only member it is.
    assert not hears_from_guest(web, address(peer), OPEN)
    assert (web.life(), peer.life()) == lives
    assert fleet.is_converged()


def test_a_changed_rule_opens_one_port_and_closes_another(fleet: LabFleet, web: Guest, peer: Guest) -> None:
    life = web.life()
    declare(fleet, groups(tcp(OTHER)), web={"security_groups": ["web"]})
    fleet.apply()
    assert (hears_from_guest(peer, address(web), OPEN), hears_from_guest(peer, address(web), OTHER)) == (False, True)
    assert (hears_from_host(web, OPEN), hears_from_host(web, OTHER)) == (False, True)
    assert web.life() == life


def test_what_a_guest_begins_is_answered(web: Guest) -> None:
    assert reaches(web, gateway(web))
    assert "SSH-2.0" in web.execute(f"nc -w 4 {web.home.address} 22 </dev/null; true")


def test_a_spoofed_source_does_not_pass(web: Guest) -> None:
    assert (spoofs_address(web), spoofs_mac(web)) == (False, False)
    assert reaches(web, gateway(web))


def test_a_group_lets_in_whoever_becomes_its_member_and_nobody_who_leaves_it(
    fleet: LabFleet, web: Guest, peer: Guest
) -> None:
    parts, member = groups(tcp(INNER, remote_group="clients"), clients=[]), {"security_groups": ["clients"]}
    declare(fleet, parts, web={"security_groups": ["web"]})
    fleet.apply()
    assert not hears_from_guest(peer, address(web), INNER)
    declare(fleet, parts, web={"security_groups": ["web"]}, peer=member)
    fleet.apply()
    assert hears_from_guest(peer, address(web), INNER)
    assert not hears_from_host(web, INNER)
    declare(fleet, parts, web={"security_groups": ["web"]})
    fleet.apply()
    assert not hears_from_guest(peer, address(web), INNER)
    assert fleet.is_converged()


def test_a_provider_rule_stops_what_a_group_lets_pass(fleet: LabFleet, web: Guest, peer: Guest) -> None:
    parts = groups(tcp(OPEN), tcp(OTHER))
    declare(fleet, {**parts, "provider_rules": [tcp(OTHER)]}, web={"security_groups": ["web"]})
    fleet.apply()
    assert (hears_from_guest(peer, address(web), OPEN), hears_from_guest(peer, address(web), OTHER)) == (True, False)
    declare(fleet, parts, web={"security_groups": ["web"]})
    fleet.apply()
    assert hears_from_guest(peer, address(web), OTHER)


def test_rules_that_somebody_has_flushed_are_put_back_by_name(fleet: LabFleet, web: Guest, peer: Guest) -> None:
    web.home.run(["bash", "-c", FLUSH])
    assert hears_from_guest(peer, address(web), INNER)
    ended = fleet.run("act", instances="web", only_fleet=fleet.name, operation="refresh_instance_security_rules")
    assert ended.code == 0, ended.text
    assert not hears_from_guest(peer, address(web), INNER)
    assert hears_from_guest(peer, address(web), OPEN)
    assert (spoofs_address(web), spoofs_mac(web)) == (False, False)


def test_a_new_guest_gets_its_address_behind_its_filter_and_takes_it_along(fleet: LabFleet, peer: Guest) -> None:
    late = {"security_groups": ["web"]}
    declare(fleet, groups(tcp(OPEN)), web=late, late=late)
    fleet.apply()
    guest = guest_of(fleet, "late")
    serve(guest)
    await_condition(lambda: hears_from_guest(peer, address(guest), OPEN), "the new guest is heard")
    assert not hears_from_guest(peer, address(guest), OTHER)
    assert (spoofs_address(guest), reaches(guest, gateway(guest))) == (False, True)
    assert filter_of(fleet, "late") in filters(fleet)
    declare(fleet, groups(tcp(OPEN)), web=late)
    fleet.apply(prune=True)
    assert filter_of(fleet, "late") not in filters(fleet)


def test_a_fleet_that_gives_up_its_groups_has_its_guests_unfiltered_again(
    fleet: LabFleet, web: Guest, peer: Guest
) -> None:
    life = web.life()
    declare(fleet, {})
    fleet.apply()
    assert hears_from_guest(peer, address(web), INNER)
    assert "novella-" not in filters(fleet)
    assert web.life() == life
    assert fleet.is_converged()
