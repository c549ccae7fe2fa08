# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for networks: who gets which address and keeps it, which NICs come and go, and what hosts define."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.nic_identity import keep_identities
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import mac_address
from ansible_collections.novella.compute.plugins.module_utils.objects.network import Network
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.module_utils.objects.whereabouts import Whereabout
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.network_building import network_on_hosts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.addresses import address_keys
from ansible_collections.novella.compute.plugins.plugin_utils.planner.claims import request_claims
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Remembered

FRONT, BACK = {"network": "front"}, {"network": "back"}


def subnet(first: int = 10, last: int = 19, **keys: Any) -> dict[str, Any]:
    return {"cidr": "10.0.0.0/24", "pool": [{"start": f"10.0.0.{first}", "end": f"10.0.0.{last}"}], **keys}


class Bench:
    """Fleets on one network with addresses, and hosts that have what they declare."""

    def __init__(self, kit: Any) -> None:
        self.kit = kit

    def fleet(self, network: Any = None, **instances: Any) -> Any:
        networks = {"front": {"bridge": "br0", "subnets": [subnet()]}, "back": {"mode": "nat", "subnets": [subnet()]}}
        if network is not None:
            networks["back"] = network
        bodies = {name: self.kit.web(**body) for name, body in instances.items()}
        return self.kit.fleet(networks=networks, instances=bodies)

    def made(self, fleet: Any, *names: str, **record: Any) -> list[Any]:
        """What hosts see of instances that a plan of the fleet has made."""
        plan = self.kit.plan(fleet, self.kit.observation(self.kit.report("kvm1", memory_mb=1 << 20)))
        specs = {action.name: action.spec for action in plan.actions if action.operation == "create"}
        seen = [self.kit.observed(self.kit.find(fleet, name), **record) for name in names]
        return [item.but(instance=item.instance.but(spec=specs[item.instance.spec.name])) for item in seen]

    def host(self, name: str, seen: Any = (), networks: Any = ()) -> Any:
        return self.kit.report(name, list(seen)).but(networks=list(networks))

    def plan(self, fleet: Any, *hosts: Any, **options: Any) -> Plan:
        return self.kit.plan(fleet, self.kit.observation(*hosts), **options)


@pytest.fixture
def bench(kit: Any) -> Bench:
    return Bench(kit)


def given(plan: Plan) -> dict[str, list[str]]:
    return {
        action.name: [item.address for nic in action.spec.networks for item in nic.addresses]
        for action in plan.actions
        if action.operation == "create"
    }


def own(fleet: Any, name: str = "back") -> Network:
    network = network_on_hosts(fleet, fleet.networks[name])
    assert network is not None
    return network


def steps(plan: Plan) -> list[tuple[str, list[str]]]:
    return [
        (action.operation, [item.address for item in action.interface.addresses] if action.interface else [])
        for action in plan.actions
    ]


def test_new_instances_get_the_first_addresses_that_are_free(bench: Bench) -> None:
    fleet = bench.fleet(
        web={"count": 2, "networks": [FRONT]}, db={"networks": [{**FRONT, "address": "10.0.0.11"}]}, idle={}
    )
    plan = bench.plan(fleet, bench.host("kvm1"))
    assert given(plan) == {"web-1": ["10.0.0.10"], "web-2": ["10.0.0.12"], "db": ["10.0.0.11"], "idle": []}


def test_an_address_is_kept_whatever_comes_and_goes_before_it(bench: Bench) -> None:
    seen = bench.made(bench.fleet(a={"networks": [FRONT]}, b={"networks": [FRONT]}), "a", "b")
    fleet = bench.fleet(aa={"networks": [FRONT]}, b={"networks": [FRONT]})
    plan = bench.plan(fleet, bench.host("kvm1", [seen[1]]))
    assert given(plan) == {"aa": ["10.0.0.10"]}
    assert [action.operation for action in plan.actions] == ["create"]


def test_an_address_of_another_fleet_on_the_same_wire_is_taken(bench: Bench, kit: Any) -> None:
    [seen] = bench.made(bench.fleet(a={"networks": [FRONT]}), "a")
    stranger = seen.but(instance=seen.instance.but(uuid="other", spec=seen.instance.spec.but(name="x", fleet="other")))
    plan = bench.plan(bench.fleet(b={"networks": [FRONT]}), bench.host("kvm1", [stranger]))
    assert given(plan) == {"b": ["10.0.0.11"]}


def test_what_a_silent_host_is_remembered_to_have_is_given_to_nobody_else(bench: Bench, kit: Any) -> None:
    [seen] = bench.made(bench.fleet(a={"networks": [FRONT]}), "a")
    uuid = seen.instance.uuid
    known = {key: Whereabout(key, "a", "kvm2") for key in [uuid, *address_keys(seen.instance)]}
    fleet = bench.fleet(a={"networks": [FRONT]}, b={"networks": [FRONT]})
    observation = replace(kit.observation(bench.host("kvm1"), kvm2="is off"), remembered=Remembered(known))
    assert given(kit.plan(fleet, observation)) == {"b": ["10.0.0.11"]}


def test_an_empty_pool_is_told_by_name(bench: Bench) -> None:
    fleet = bench.fleet({"mode": "nat", "subnets": [subnet(10, 10)]}, a={"networks": [BACK]}, b={"networks": [BACK]})
    plan = bench.plan(fleet, bench.host("kvm1"))
    assert given(plan) == {"a": ["10.0.0.10"]}
    assert [(item.name, item.reason) for item in plan.findings if item.fatal] == [
        ("b", "can have no address: those of network back (IPv4) are all given")
    ]


def test_both_families_are_given_and_gateways_are_not(bench: Bench) -> None:
    network = {"mode": "nat", "subnets": [{"cidr": "10.0.0.0/24"}, {"cidr": "fd00::/64"}]}
    assert given(bench.plan(bench.fleet(network, a={"networks": [BACK]}), bench.host("kvm1"))) == {
        "a": ["10.0.0.2", "fd00::2"]
    }


def test_an_address_goes_to_another_instance_of_the_host_in_one_run_and_waits_for_one_elsewhere(bench: Bench) -> None:
    nics = {"networks": [FRONT]}
    a, b = bench.made(bench.fleet(a=nics, b=nics), "a", "b")
    fleet = bench.fleet(a=nics, b={"networks": [{**FRONT, "address": "10.0.0.10"}]})
    plan = bench.plan(fleet, bench.host("kvm1", [a, b]))
    assert [(action.name, action.operation) for action in plan.actions] == [
        ("a", "remove_fixed_ip_from_instance"),
        ("b", "remove_fixed_ip_from_instance"),
        ("a", "add_fixed_ip_to_instance"),
        ("b", "add_fixed_ip_to_instance"),
    ]
    plan = bench.plan(fleet, bench.host("kvm1", [a]), bench.host("kvm2", [b]))
    assert {action.name for action in plan.actions} == {"a"}
    assert [item.reason for item in plan.findings] == [
        "must wait: 10.0.0.10 is a's on kvm1. It is given when that one has it no more"
    ]


def test_nics_come_and_go_while_the_guest_runs_and_the_others_stay_what_they_were(bench: Bench) -> None:
    both = bench.fleet(a={"networks": [FRONT, BACK]})
    [seen] = bench.made(both, "a")
    host = bench.host("kvm1", [seen], [own(both)])
    assert bench.plan(both, host).actions == []
    [gone] = bench.plan(bench.fleet(a={"networks": [BACK]}), host).actions
    assert (gone.operation, gone.impact, gone.interface.network) == ("detach_interface", "live", "front")
    [come] = bench.plan(bench.fleet(a={"networks": [FRONT, BACK, FRONT]}), host).actions
    assert (come.operation, come.impact, come.interface.mac_address) == (
        *("attach_interface", "live"),
        mac_address(seen.instance.uuid, 2),
    )
    assert [item.address for item in come.interface.addresses] == ["10.0.0.11"]


def test_a_nic_with_another_model_is_plugged_in_anew_and_keeps_its_addresses(bench: Bench) -> None:
    [seen] = bench.made(bench.fleet(a={"networks": [FRONT]}), "a")
    plan = bench.plan(bench.fleet(a={"networks": [{**FRONT, "model": "e1000e"}]}), bench.host("kvm1", [seen]))
    assert steps(plan) == [("replug_interface", ["10.0.0.10"])]
    assert plan.actions[0].reason == "networks.front.model virtio -> e1000e"


def test_what_is_told_of_a_subnet_changes_the_record_only(bench: Bench) -> None:
    [seen] = bench.made(bench.fleet(a={"networks": [FRONT]}), "a")
    fleet = bench.fleet(a={"networks": [FRONT]})
    fleet = replace(
        fleet,
        networks={
            **fleet.networks,
            "front": replace(
                fleet.networks["front"], subnets=(replace(fleet.networks["front"].subnets[0], gateway="10.0.0.1"),)
            ),
        },
    )
    [action] = bench.plan(fleet, bench.host("kvm1", [seen])).actions
    assert (action.operation, action.reason) == ("update", "networks[0].addresses[0].gateway none -> 10.0.0.1")


def test_a_suspended_guest_keeps_its_nics_until_it_is_resumed(bench: Bench) -> None:
    [seen] = bench.made(bench.fleet(a={"networks": [FRONT]}), "a", power="suspended", vm_state="suspended")
    plan = bench.plan(bench.fleet(a={"networks": [], "vm_state": "suspended"}), bench.host("kvm1", [seen]))
    assert plan.actions == []
    assert "must wait: it is suspended" in plan.findings[0].reason


def test_a_network_is_defined_where_it_is_needed_and_before_what_needs_it(bench: Bench) -> None:
    fleet = bench.fleet(a={"networks": [BACK], "host": "kvm2"})
    plan = bench.plan(fleet, bench.host("kvm1"), bench.host("kvm2"))
    assert [(action.operation, action.host, action.name) for action in plan.actions] == [
        ("define_network", "kvm2", "back"),
        ("create", "kvm2", "a"),
    ]
    assert plan.actions[0].network == own(fleet)


def test_a_network_with_guests_is_not_taken_down_and_without_is(bench: Bench) -> None:
    before = bench.fleet(a={"networks": [BACK]})
    after = bench.fleet({"mode": "nat", "mtu": 1400, "subnets": [subnet()]}, a={"networks": [FRONT]})
    [seen] = bench.made(before, "a")
    host = bench.host("kvm1", [seen], [own(before)])
    again = bench.fleet({"mode": "nat", "mtu": 1400, "subnets": [subnet()]}, a={"networks": [BACK]})
    plan = bench.plan(again, host)
    assert plan.actions == []
    [reason] = [item.reason for item in plan.findings if item.fatal]
    assert reason.startswith("a change of mtu: libvirt changes that only by taking the network down")
    assert [action.operation for action in bench.plan(after, host).actions] == ["detach_interface", "attach_interface"]


def test_a_network_that_nobody_declares_goes_with_prune_once_nobody_is_on_it(bench: Bench, kit: Any) -> None:
    before = bench.fleet(a={"networks": [BACK]})
    network = own(before)
    [seen] = bench.made(before, "a")
    bare = kit.fleet(networks={"front": {"bridge": "br0"}}, instances={"a": kit.web(networks=[])})
    assert bench.plan(bare, bench.host("kvm1", [], [network])).findings[0].kind == "undeclared"
    plan = bench.plan(bare, bench.host("kvm1", [seen], [network]), prune=True)
    assert [action.operation for action in plan.actions] == ["detach_interface", "delete_network"]
    foreign = network.but(fleet="other")
    assert bench.plan(bare, bench.host("kvm1", [], [foreign]), prune=True).actions[1:] == []


def test_a_nic_is_known_by_its_network_and_not_by_its_position(bench: Bench, kit: Any) -> None:
    fleet = bench.fleet(a={"networks": [FRONT, BACK]})
    held = kit.find(fleet, "a").spec.networks
    wanted = kit.find(bench.fleet(a={"networks": [BACK, FRONT]}), "a").spec.networks
    uuid = kit.find(fleet, "a").uuid
    assert [nic.mac_address for nic in keep_identities(uuid, held, wanted)] == [
        held[1].mac_address,
        held[0].mac_address,
    ]


def test_two_runs_at_once_cannot_give_one_address_to_two(bench: Bench, kit: Any) -> None:
    seen = kit.observation(bench.host("kvm1"), bench.host("kvm2"))
    plan = kit.plan(bench.fleet(a={"networks": [FRONT]}), seen)
    kept = {key for request in request_claims(plan, seen).values() for wish in request.wishes for key in wish.groups}
    assert kept == {"address/bridge br0/10.0.0.10"}
