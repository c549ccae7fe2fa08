# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for security groups: who is behind which rules, with whose addresses, and when they change."""

from __future__ import annotations

from typing import Any, Optional

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.firewall import Firewall
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import ObservedInstance
from ansible_collections.novella.compute.plugins.plugin_utils.planner.firewalls import with_firewalls

HTTP = {"protocol": "tcp", "ports": 80, "ethertype": "IPv4"}
FROM_WEB = {"protocol": "tcp", "ports": 5432, "remote_group": "web"}


class Bench:
    """Fleets of the instances web and db, on two hosts."""

    def __init__(self, kit: Any) -> None:
        self.kit = kit

    def fleet(self, *web_rules: Any, db: Any = None, web: Any = None, **parts: Any) -> Any:
        groups = {"web": {"rules": list(web_rules)}, "db": {"rules": [FROM_WEB]}}
        nics = {"networks": [{"network": "front"}]}
        bodies = {"web": web or {"security_groups": ["web"]}, "db": db or {"security_groups": ["db"]}}
        instances = {name: self.kit.web(**nics, **body) for name, body in bodies.items()}
        return self.kit.fleet(**{"security_groups": groups, "instances": instances, **parts})

    def seen(self, fleet: Any, name: str, address: Optional[str], held: Optional[Firewall] = None) -> ObservedInstance:
        seen = self.kit.observed(self.kit.find(fleet, name))
        spec = seen.instance.spec.but(firewall=held)
        return seen.but(instance=seen.instance.but(spec=spec), addresses=[] if address is None else [address])

    def firewalls(self, fleet: Any, *seen: ObservedInstance) -> dict[str, Optional[Firewall]]:
        observation = self.kit.observation(self.kit.report("kvm1", seen))
        wanted = [self.kit.find(fleet, name) for name in ("web", "db")]
        return {item.spec.name: item.spec.firewall for item in with_firewalls(fleet, wanted, observation)}

    def settle(self, fleet: Any, **addresses: str) -> list[ObservedInstance]:
        """The two instances as they are when a fleet has been applied."""
        before = [self.seen(fleet, name, addresses.get(name)) for name in ("web", "db")]
        held = self.firewalls(fleet, *before)
        return [self.seen(fleet, name, addresses.get(name), held[name]) for name in ("web", "db")]

    def refreshed(self, fleet: Any, seen: list[ObservedInstance]) -> dict[str, str]:
        """By name: why an instance's rules are refreshed, with both on hosts of their own."""
        reports = [self.kit.report(f"kvm{number}", [item]) for number, item in enumerate(seen, 1)]
        plan = self.kit.plan(fleet, self.kit.observation(*reports))
        assert {action.operation for action in plan.actions} <= {"refresh_instance_security_rules"}
        assert {action.impact for action in plan.actions} <= {"live"}
        return {action.name: action.reason for action in plan.actions}


@pytest.fixture
def bench(kit: Any) -> Bench:
    return Bench(kit)


def rules(firewall: Optional[Firewall]) -> list[str]:
    assert firewall is not None
    return [rule.describe() for rule in firewall.rules]


def test_a_fleet_without_security_groups_filters_nothing(bench: Bench) -> None:
    fleet = bench.fleet(web={"metadata": {}}, db={"metadata": {}}, security_groups={})
    assert bench.firewalls(fleet) == {"web": None, "db": None}


def test_whoever_names_no_group_is_in_the_default_group_of_a_fleet_that_has_some(bench: Bench) -> None:
    fleet = bench.fleet(HTTP, db={"metadata": {}})
    seen = bench.seen(fleet, "db", "192.0.2.9")
    found = bench.firewalls(fleet, seen)["db"]
    assert found is not None
    assert found.groups == ["default"]
    assert rules(found) == ["egress any IPv4", "egress any IPv6", "ingress any IPv4 from group default"]
    assert [rule.remotes for rule in found.rules if rule.remotes] == [["192.0.2.9"]]


def test_provider_rules_alone_put_every_instance_behind_a_filter(bench: Bench) -> None:
    parts = {"security_groups": {}, "provider_rules": [{"direction": "egress", "protocol": "tcp", "ports": 25}]}
    found = bench.firewalls(bench.fleet(web={"metadata": {}}, db={"port_security": False}, **parts))
    assert found["web"] is not None
    assert [rule.describe() for rule in found["web"].provider_rules] == ["egress tcp 25 IPv4", "egress tcp 25 IPv6"]
    assert found["db"] is None


def test_a_group_lets_everything_out_until_it_has_a_rule_about_that(bench: Bench) -> None:
    assert rules(bench.firewalls(bench.fleet(HTTP))["web"]) == [
        "egress any IPv4",
        "egress any IPv6",
        "ingress tcp 80 IPv4",
    ]
    narrow = {"direction": "egress", "protocol": "udp", "ports": 53, "cidr": "192.0.2.0/24"}
    assert rules(bench.firewalls(bench.fleet(HTTP, narrow))["web"]) == [
        "egress udp 53 IPv4 to 192.0.2.0/24",
        "ingress tcp 80 IPv4",
    ]


def test_an_empty_list_of_groups_lets_nothing_pass(bench: Bench) -> None:
    found = bench.firewalls(bench.fleet(HTTP, web={"security_groups": []}))["web"]
    assert found == Firewall()


def test_members_of_a_group_are_their_addresses_on_whatever_host(bench: Bench) -> None:
    fleet = bench.fleet(HTTP)
    found = bench.firewalls(fleet, bench.seen(fleet, "web", "192.0.2.7"))["db"]
    assert found is not None
    assert [rule.remotes for rule in found.rules if rule.remote_group == "web"] == [["192.0.2.7"]]


def test_a_group_without_members_lets_nobody_in(bench: Bench) -> None:
    assert not any("web" in text for text in rules(bench.firewalls(bench.fleet(HTTP, web={"metadata": {}}))["db"]))


def test_what_is_as_declared_needs_nothing_in_whatever_order_it_is_written(bench: Bench) -> None:
    ssh = {"protocol": "tcp", "ports": 22}
    seen = bench.settle(bench.fleet(HTTP, ssh), web="192.0.2.7")
    assert bench.refreshed(bench.fleet(ssh, HTTP), seen) == {}


def test_a_changed_rule_refreshes_the_members_of_its_group_and_nobody_else(bench: Bench) -> None:
    seen = bench.settle(bench.fleet(HTTP), web="192.0.2.7")
    changed = bench.fleet({**HTTP, "ports": 81})
    assert bench.refreshed(changed, seen) == {"web": "rules of its security groups have changed"}


def test_another_address_of_a_member_refreshes_those_who_let_it_in(bench: Bench) -> None:
    fleet = bench.fleet(HTTP)
    seen = bench.settle(fleet, web="192.0.2.7")
    moved = [seen[0].but(addresses=["192.0.2.8"]), seen[1]]
    assert bench.refreshed(fleet, moved) == {"db": "other addresses are of security group web"}


def test_the_addresses_of_a_member_that_cannot_be_seen_are_not_taken_away(bench: Bench) -> None:
    fleet = bench.fleet(HTTP)
    seen = bench.settle(fleet, web="192.0.2.7")
    assert bench.refreshed(fleet, [seen[0].but(addresses=[]), seen[1]]) == {}


def test_a_new_group_and_a_new_provider_rule_are_told_by_name(bench: Bench) -> None:
    seen = bench.settle(bench.fleet(HTTP), web="192.0.2.7")
    parts = {"provider_rules": [{"protocol": "tcp", "ports": 25}]}
    changed = bench.fleet(HTTP, web={"security_groups": ["web", "db"]}, **parts)
    assert bench.refreshed(changed, seen) == {
        "web": "security_groups web -> db, web",
        "db": "the provider rules have changed",
    }


def test_a_suspended_guest_waits_for_its_first_filter_and_not_for_other_rules(bench: Bench) -> None:
    fleet = bench.fleet(HTTP, web={"security_groups": ["web"], "vm_state": "suspended"})
    bare = bench.seen(fleet, "web", None).but(power_state="suspended")
    plan = bench.kit.plan(fleet, bench.kit.observation(bench.kit.report("kvm1", [bare])))
    assert [item.reason for item in plan.findings if item.name == "web"] == [
        "security_groups none -> web must wait: it is suspended. Resume it first"
    ]
    filtered = bench.seen(fleet, "web", None, Firewall(["web"])).but(power_state="suspended")
    plan = bench.kit.plan(fleet, bench.kit.observation(bench.kit.report("kvm1", [filtered])))
    assert [(action.operation) for action in plan.actions if action.name == "web"] == [
        "refresh_instance_security_rules"
    ]
