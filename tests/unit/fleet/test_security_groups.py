# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security groups as a fleet declares them: what is meant, and what cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.security_groups import SecurityRule

BASIS: dict[str, Any] = {
    "version": "1.0",
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512}},
    "images": {"debian": {"source": "/srv/images/debian.qcow2"}},
}


def load(*rules: dict[str, Any], provider_rules: Any = None, **instance: Any) -> Fleet:
    body = {"flavor": "small", "image": "debian", **instance}
    content = {**BASIS, "security_groups": {"web": {"rules": list(rules)}}, "instances": {"shop": body}}
    return load_fleet(content if provider_rules is None else {**content, "provider_rules": provider_rules})


def only_rule(**keys: Any) -> SecurityRule:
    [rule] = load(keys).security_groups["web"].rules
    return rule


def complaint(*rules: dict[str, Any], **instance: Any) -> str:
    with pytest.raises(FleetInvalid) as caught:
        load(*rules, **instance)
    return str(caught.value)


def test_ports_are_one_or_a_range() -> None:
    assert only_rule(protocol="tcp", ports=80) == SecurityRule("ingress", "tcp", 80, 80)
    assert only_rule(protocol="udp", ports="8000-8100") == SecurityRule("ingress", "udp", 8000, 8100)
    assert only_rule(direction="egress") == SecurityRule("egress")


@pytest.mark.parametrize(("written", "meant"), [(6, "tcp"), ("17", "udp"), (1, "icmp"), (47, "47"), ("any", "any")])
def test_protocols_are_names_or_numbers(written: Any, meant: str) -> None:
    assert only_rule(protocol=written).protocol == meant


@pytest.mark.parametrize(
    ("rule", "ethertypes"),
    [
        ({}, ("IPv4", "IPv6")),
        ({"cidr": "10.0.0.0/8"}, ("IPv4",)),
        ({"cidr": "2001:db8::/32"}, ("IPv6",)),
        ({"protocol": "icmpv6"}, ("IPv6",)),
        ({"ethertype": "IPv6"}, ("IPv6",)),
    ],
)
def test_a_rule_is_about_both_kinds_of_addresses_as_far_as_it_can_be(rule: Any, ethertypes: Any) -> None:
    assert only_rule(**rule).ethertypes == ethertypes


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"protocol": "tpc"}, "rules[0].protocol: there is no protocol 'tpc'. Did you mean 'tcp'?"),
        ({"protocol": 300}, "rules[0].protocol: there is no protocol '300'. Known: any, icmp, tcp, udp, esp"),
        ({"protocol": "tcp", "ports": "90-80"}, "rules[0].ports: '90-80' is neither a port nor a range such as"),
        ({"protocol": "tcp", "ports": 70000}, "rules[0].ports: '70000' is neither a port nor a range"),
        ({"protocol": "icmp", "ports": 8}, "rules[0].ports: go with protocol tcp, udp, sctp only"),
        ({"ports": 80}, "rules[0].ports: go with protocol tcp, udp, sctp only, and this rule is about any."),
        ({"cidr": "10.0.0.1/8"}, "'10.0.0.1/8' is an address in a network. Write 10.0.0.0/8 for the network"),
        ({"cidr": "everywhere"}, "rules[0].cidr: 'everywhere' is no network."),
        ({"remote_group": "wbe"}, "rules[0].remote_group: there is no security group 'wbe'. Did you mean 'web'?"),
        ({"cidr": "10.0.0.0/8", "remote_group": "web"}, "cannot go together with remote_group."),
        ({"cidr": "10.0.0.0/8", "ethertype": "IPv6"}, "contradicts another key: ethertype IPv6 is IPv6 and cidr"),
        ({"protocol": "icmp", "ethertype": "IPv6"}, "ethertype IPv6 is IPv6 and protocol icmp is IPv4."),
    ],
)
def test_a_rule_that_cannot_be_meant_so_is_told_with_its_place(rule: dict[str, Any], told: str) -> None:
    assert told in complaint(rule)


def test_provider_rules_are_checked_alike_and_have_no_groups() -> None:
    assert load(provider_rules=[{"protocol": "tcp", "ports": 25}]).provider_rules == (
        SecurityRule("ingress", "tcp", 25, 25),
    )
    with pytest.raises(FleetInvalid, match=r"provider_rules\[0\].protocol: there is no protocol 'tpc'"):
        load(provider_rules=[{"protocol": "tpc"}])
    with pytest.raises(FleetInvalid, match=r"provider_rules\[0\].remote_group: unknown key"):
        load(provider_rules=[{"remote_group": "web"}])


def test_an_instance_names_groups_that_there_are() -> None:
    assert load(security_groups=["web", "default"]).instances["shop"].security_groups == ("web", "default")
    assert "security_groups[0]: there is no security group 'wbe'. Did you mean 'web'?" in complaint(
        security_groups=["wbe"]
    )
    assert "cannot go together with port_security: false." in complaint(security_groups=["web"], port_security=False)
