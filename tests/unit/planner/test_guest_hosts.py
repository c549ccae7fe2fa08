# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which guests become hosts of Ansible's, and under which names and addresses."""

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import ObservedInstance
from ansible_collections.novella.compute.plugins.plugin_utils.guest_hosts import Choice, choose_address, find_guests
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation

ADDRESSES = ["fe80::1", "2001:db8::7", "192.0.2.7", "10.0.0.7", "no address"]


def guest(kit: Any, name: str, power: str = "running", vm_state: str = "active", **spec: Any) -> ObservedInstance:
    wanted = kit.find(kit.fleet(instances={name: kit.web()}), name)
    seen = kit.observed(wanted, power, vm_state=vm_state)
    record = seen.instance
    uuid = f"{record.uuid}-{spec.get('fleet', '')}-{spec.get('project_id', '')}"
    return replace(seen, instance=replace(record, uuid=uuid, spec=replace(record.spec, **spec)))


def on(kit: Any, host: str, *guests: ObservedInstance) -> HostReport:
    return kit.report(host, guests)


def names(observation: Observation, **choice: Any) -> list[str]:
    return [found.name for found in find_guests(observation, Choice(**choice))[0]]


def test_guests_that_run_are_listed_in_the_order_of_their_names(kit) -> None:
    seen = [guest(kit, name) for name in ("web-10", "web-9")]
    assert names(kit.observation(on(kit, "kvm1", *seen), on(kit, "kvm2", guest(kit, "db")))) == [
        "db",
        "web-9",
        "web-10",
    ]


def test_a_guest_that_does_something_else_than_its_record_says_is_left_out(kit) -> None:
    seen = [
        *(guest(kit, "crashed", "shutdown"), guest(kit, "still", "paused", "paused")),
        *(guest(kit, "broken", "running", "error"), guest(kit, "web")),
    ]
    observation = kit.observation(on(kit, "kvm1", *seen))
    assert names(observation) == ["web"]
    assert names(observation, vm_states=("paused", "error")) == ["broken", "still"]


def test_fleets_and_projects_can_be_chosen(kit) -> None:
    seen = [guest(kit, "web", fleet="shop"), guest(kit, "db", fleet="mail", project_id="new")]
    observation = kit.observation(on(kit, "kvm1", *seen))
    assert names(observation, fleets=["shop"]) == ["web"]
    assert names(observation, projects=["new"]) == ["db"]
    assert names(observation, fleets=["shop"], projects=["new"]) == []


def test_two_of_one_name_are_told_apart_by_their_fleets_and_then_by_their_uuids(kit) -> None:
    both = [guest(kit, "web", fleet="shop"), guest(kit, "web", fleet="mail"), guest(kit, "db", fleet="shop")]
    assert names(kit.observation(on(kit, "kvm1", *both))) == ["db", "mail.web", "shop.web"]
    alike = [guest(kit, "web", project_id="old"), guest(kit, "web", project_id="new")]
    observation = kit.observation(on(kit, "kvm1", *alike))
    assert names(observation) == sorted(item.instance.uuid for item in alike)
    assert names(observation, forms=["fleet.project.name"]) == [
        f"{alike[0].instance.spec.fleet}.{project}.web" for project in ("new", "old")
    ]


def test_a_guest_that_is_called_as_a_compute_node_gets_another_name(kit) -> None:
    observation = kit.observation(on(kit, "kvm1", guest(kit, "kvm1", fleet="shop")), kvm2="timed out")
    assert names(observation) == ["shop.kvm1"]
    observation = kit.observation(on(kit, "kvm1", guest(kit, "kvm2", fleet="shop")), kvm2="timed out")
    assert names(observation) == ["shop.kvm2"]


def test_a_guest_that_is_on_two_hosts_is_left_out_and_warned_of(kit) -> None:
    web = guest(kit, "web")
    observation = kit.observation(on(kit, "kvm1", web), on(kit, "kvm2", web, guest(kit, "db")))
    guests, (warning,) = find_guests(observation, Choice())
    assert [found.name for found in guests] == ["db"]
    assert warning == f"web ({web.instance.uuid}) is on kvm1 and kvm2, and is left out: which one is it?"


@pytest.mark.parametrize(
    ("choice", "address"),
    [
        ({}, "2001:db8::7"),
        ({"family": 4}, "192.0.2.7"),
        ({"subnets": ["10.0.0.0/8", "192.0.2.0/24"]}, "10.0.0.7"),
        ({"subnets": ["172.16.0.0/12", "192.0.2.0/24"]}, "192.0.2.7"),
        ({"subnets": ["10.0.0.0/8"], "family": 6}, None),
        ({"subnets": ["fe80::/64"]}, None),
    ],
)
def test_the_address_is_the_first_that_fits(choice: dict[str, Any], address: str | None) -> None:
    subnets = [ipaddress.ip_network(text) for text in choice.pop("subnets", [])]
    assert choose_address(ADDRESSES, Choice(subnets=subnets, **choice)) == address


def test_a_guest_without_an_address_is_listed_without_one(kit) -> None:
    web = replace(guest(kit, "web"), addresses=[])
    (found,), _warnings = find_guests(kit.observation(on(kit, "kvm1", web)), Choice())
    assert (found.address, found.variables["addresses"]) == (None, [])


def test_groups_are_of_what_the_guest_is_and_has(kit) -> None:
    web = guest(kit, "web", fleet="shop", metadata={"role": "front", "tier": "2"})
    (found,), _warnings = find_guests(kit.observation(on(kit, "kvm1", web)), Choice())
    assert found.groups == [
        *("project_default", "fleet_shop", "flavor_small", "host_kvm1"),
        *("metadata_role_front", "metadata_tier_2"),
    ]
