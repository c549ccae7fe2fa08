# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet with a network of its own, from being declared to being let go of."""

from __future__ import annotations

from typing import Any

FRONT, BACK = {"network": "front"}, {"network": "back"}
NETWORKS = {
    "front": {"libvirt_network": "default"},
    "back": {"mode": "nat", "subnets": [{"cidr": "10.9.0.0/24", "pool": [{"start": "10.9.0.10", "end": "10.9.0.19"}]}]},
}


def reserved(site: Any) -> dict[str, str]:
    """By name: the address that a DHCP server keeps."""
    return {name: address for host in site.names for address, name in site.driver(host).reservations().values()}


def test_nics_and_addresses_come_and_go_and_a_second_run_changes_nothing(make_site: Any) -> None:
    site = make_site(1)
    site.write_fleet({"web": {"count": 2, "networks": [FRONT]}, "db": {"networks": [BACK]}}, networks=NETWORKS)
    assert site.run("apply").code == 0
    assert reserved(site) == {"db": "10.9.0.10"}

    wanted = {"web": {"count": 2, "networks": [FRONT, BACK]}, "db": {"networks": [{**BACK, "address": "10.9.0.99"}]}}
    site.write_fleet(wanted, networks=NETWORKS)
    checked = site.run("apply", "--check", "--diff")
    assert checked.code == 0, checked.text
    assert reserved(site) == {"db": "10.9.0.10"}
    done = site.run("apply")
    assert done.code == 0, done.text
    assert reserved(site) == {"db": "10.9.0.99", "web-1": "10.9.0.11", "web-2": "10.9.0.12"}
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text

    site.write_fleet({"web": {"count": 2, "networks": [FRONT]}}, networks={"front": NETWORKS["front"]})
    done = site.run("apply", prune=True)
    assert done.code == 0, done.text
    assert reserved(site) == {}
    assert site.driver("kvm1").list_networks() == []


def test_an_address_that_is_taken_is_refused_by_name_and_cuts_nobody(make_site: Any) -> None:
    site = make_site(1)
    site.write_fleet({"web": {"networks": [{**BACK, "address": "10.9.0.50"}]}}, networks=NETWORKS)
    assert site.run("apply").code == 0
    wish = {"network": "back", "address": "10.9.0.50"}
    site.write_fleet({"web": {"networks": [{**BACK, "address": "10.9.0.50"}]}, "db": {}}, networks=NETWORKS)
    assert site.run("apply").code == 0
    refused = site.run("act", operation="attach_interface", instances=["db"], interface=wish)
    assert refused.code != 0
    assert "10.9.0.50 is test.web's on this host" in " ".join(refused.text.split())
    assert reserved(site) == {"web": "10.9.0.50"}
