# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""libvirt's network filters: as they are built, and how interfaces come to refer to them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Optional

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    HypervisorError,
    InstanceInvalidState,
    NotSupported,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.firewall import Firewall, FirewallRule
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image, NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.network import FixedIP
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import firewall_driving
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.domain_xml import (
    GuestDisks,
    GuestPlatform,
    build_domain,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.firewall_driving import FirewallDriving
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.firewall_xml import (
    build_filter,
    filter_name,
    filter_reference,
    filter_uuid,
)

LIVE, CONFIG, INACTIVE = 1, 2, 2
UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
MAC = "02:00:00:00:00:01"
NIC = NetworkRequest("front", MAC, bridge="br0")
FIXED = NIC.but(addresses=[FixedIP("192.0.2.7", 24), FixedIP("2001:db8::7", 64)])
HTTP = FirewallRule("ingress", protocol="tcp", port_min=80, port_max=80)
WEB = Firewall(["web"], [HTTP])


def an_instance(firewall: Optional[Firewall] = WEB, nic: NetworkRequest = NIC) -> Instance:
    spec = InstanceSpec("web", Flavor("small", 1, 512), Image("debian", "/srv/debian.qcow2"), networks=[nic])
    return Instance(UUID, spec.but(firewall=firewall))


def rule_elements(firewall: Firewall, priority: str) -> list[tuple[str, str, str, dict[str, str]]]:
    tree = build_filter(UUID, firewall, "even")
    return [
        (rule.get("action", ""), rule.get("direction", ""), rule[0].tag, dict(rule[0].attrib))
        for rule in tree.findall("rule")
        if rule.get("priority") == priority
    ]


def test_a_filter_has_the_name_and_uuid_of_its_instance_and_keeps_sources_from_being_spoofed() -> None:
    tree = build_filter(UUID, WEB, "even")
    assert (tree.get("name"), tree.findtext("uuid")) == (f"novella-{UUID}", filter_uuid(UUID))
    assert [item.get("filter") for item in tree.findall("filterref")] == ["clean-traffic"]
    assert rule_elements(WEB, "1000") == [
        ("drop", "inout", "all", {"comment": "novella even"}),
        ("drop", "inout", "all-ipv6", {"comment": "novella even"}),
    ]


def test_rules_become_libvirts_one_for_each_network_of_the_other_end() -> None:
    rules = [
        HTTP.but(remotes=["10.0.0.0/8", "192.0.2.7"]),
        FirewallRule("egress", "IPv6", "udp", 53, 60, ["2001:db8::/32"]),
        FirewallRule("ingress", "IPv4", "icmp"),
        FirewallRule("egress"),
    ]
    assert rule_elements(Firewall(rules=rules), "500") == [
        ("accept", "in", "tcp", {"srcipaddr": "10.0.0.0", "srcipmask": "8", "dstportstart": "80", "dstportend": "80"}),
        (
            *("accept", "in", "tcp"),
            {"srcipaddr": "192.0.2.7", "srcipmask": "32", "dstportstart": "80", "dstportend": "80"},
        ),
        (
            *("accept", "out", "udp-ipv6"),
            {"dstipaddr": "2001:db8::", "dstipmask": "32", "dstportstart": "53", "dstportend": "60"},
        ),
        ("accept", "in", "icmp", {}),
        ("accept", "out", "all", {}),
    ]


def test_provider_rules_stop_before_others_let_pass() -> None:
    [rule] = rule_elements(Firewall(rules=[HTTP], provider_rules=[HTTP]), "100")
    assert rule == ("drop", "in", "tcp", {"dstportstart": "80", "dstportend": "80"})


def test_a_group_without_addresses_lets_nobody_in() -> None:
    assert rule_elements(Firewall(rules=[HTTP.but(remote_group="db")]), "500") == []


@pytest.mark.parametrize("rule", [HTTP.but(protocol="47", port_min=None), HTTP.but(protocol="icmp", ethertype="IPv6")])
def test_a_protocol_that_libvirt_cannot_match_is_refused_by_name(rule: FirewallRule) -> None:
    with pytest.raises(NotSupported, match=f"cannot match protocol {rule.protocol} over {rule.ethertype}"):
        build_filter(UUID, Firewall(rules=[rule]), "even")


def parameters(reference: ET.Element) -> list[tuple[str, str]]:
    return [(item.get("name", ""), item.get("value", "")) for item in reference]


def test_an_interface_may_use_its_own_addresses_or_what_dhcp_gives_it() -> None:
    fixed = filter_reference(UUID, ["192.0.2.7", "192.0.2.8", "2001:db8::7"])
    assert parameters(fixed) == [("IP", "192.0.2.7"), ("IP", "192.0.2.8"), ("IPV6", "::"), ("IPV6", "2001:db8::7")]
    assert parameters(filter_reference(UUID, [])) == [("CTRL_IP_LEARNING", "dhcp"), ("IPV6", "::")]


def test_a_domain_refers_to_its_filter_from_its_definition_on() -> None:
    disks, platform = GuestDisks("/pool/root.qcow2", "/pool/config.iso"), GuestPlatform("x86_64", "kvm")
    [found] = build_domain(an_instance(nic=FIXED), platform, disks).findall("devices/interface/filterref")
    assert (found.get("filter"), parameters(found)[0]) == (filter_name(UUID), ("IP", "192.0.2.7"))
    assert build_domain(an_instance(None), platform, disks).find("devices/interface/filterref") is None


class FakeFilter:
    def __init__(self, host: FakeLibvirt, xml: str) -> None:
        self.host, self.xml = host, xml

    def XMLDesc(self, _flags: int) -> str:
        return self.xml

    def undefine(self) -> None:
        assert not self.host.is_referred_to(), "libvirt keeps a filter that a running domain refers to"
        del self.host.filters[ET.fromstring(self.xml).get("name")]


class FakeLibvirt:
    """A host with one domain of one interface, and its filters."""

    def __init__(self, is_on: bool = True) -> None:
        self.is_on, self.is_saved, self.updates, self.definitions = is_on, False, 0, 0
        xml = f"<domain><devices><interface><mac address='{MAC}'/><model type='virtio'/></interface></devices></domain>"
        self.views = {flag: ET.fromstring(xml) for flag in (LIVE, CONFIG)}
        self.filters: dict[Any, FakeFilter] = {"clean-traffic": FakeFilter(self, "<filter name='clean-traffic'/>")}

    def is_referred_to(self) -> bool:
        return self.is_on and self.reference(LIVE) is not None

    def reference(self, flag: int) -> Optional[ET.Element]:
        return self.views[flag].find("devices/interface/filterref")

    def lookupByUUIDString(self, _uuid: str) -> FakeLibvirt:
        return self

    def name(self) -> str:
        return "web"

    def isActive(self) -> bool:
        return self.is_on

    def hasManagedSaveImage(self, _flags: int) -> bool:
        return self.is_saved

    def XMLDesc(self, flags: int) -> str:
        return ET.tostring(self.views[CONFIG if flags == INACTIVE else LIVE], encoding="unicode")

    def updateDeviceFlags(self, xml: str, flags: int) -> None:
        self.updates += 1
        devices = self.views[flags].find("devices")
        assert devices is not None
        devices[:] = [ET.fromstring(xml)]

    def nwfilterLookupByName(self, name: str) -> FakeFilter:
        if name not in self.filters:
            raise HypervisorError("no such filter", libvirt_code=62)
        return self.filters[name]

    def nwfilterDefineXML(self, xml: str) -> None:
        name = ET.fromstring(xml).get("name")
        assert name not in self.filters or self.filters[name].xml != xml, "libvirt takes this for unchanged"
        self.filters[name] = FakeFilter(self, xml)
        self.definitions += 1


class Driver(FirewallDriving):
    def __init__(self, host: FakeLibvirt, leases: Optional[dict[str, tuple[str, ...]]] = None) -> None:
        self._connection = SimpleNamespace(host=lambda: host)  # type: ignore[assignment]
        self.leases = leases or {}

    def list_addresses(self) -> dict[str, tuple[str, ...]]:
        return self.leases


Driver.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def libvirt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """libvirt's numbers, and a kernel that shows bridged packets to iptables."""
    numbers = {
        "VIR_DOMAIN_AFFECT_LIVE": LIVE,
        "VIR_DOMAIN_AFFECT_CONFIG": CONFIG,
        "VIR_DOMAIN_XML_INACTIVE": INACTIVE,
        "VIR_ERR_NO_NWFILTER": 62,
    }
    monkeypatch.setattr(firewall_driving, "libvirt", SimpleNamespace(**numbers))
    switch = tmp_path / "bridge-nf-call-iptables"
    switch.write_text("1\n")
    monkeypatch.setattr(firewall_driving, "SWITCHES", (switch,))
    return switch


def test_a_running_guest_gets_its_filter_where_it_runs_and_in_its_definition() -> None:
    host = FakeLibvirt()
    Driver(host).set_firewall(an_instance())
    assert filter_name(UUID) in host.filters
    references = [host.reference(flag) for flag in (LIVE, CONFIG)]
    assert [item is not None and item.get("filter") for item in references] == [filter_name(UUID)] * 2


def test_a_guest_that_runs_with_a_leased_address_keeps_it_until_it_asks_anew() -> None:
    host = FakeLibvirt()
    Driver(host, {MAC: ("192.0.2.50",)}).set_firewall(an_instance())
    live, defined = host.reference(LIVE), host.reference(CONFIG)
    assert live is not None and defined is not None
    assert (parameters(live)[0], parameters(defined)[0]) == (("IP", "192.0.2.50"), ("CTRL_IP_LEARNING", "dhcp"))


def test_other_rules_change_the_filter_and_not_the_guest() -> None:
    host = FakeLibvirt()
    Driver(host).set_firewall(an_instance())
    updates = host.updates
    Driver(host).set_firewall(an_instance(Firewall(["web"])))
    assert host.updates == updates
    assert "dstportstart='80'" not in host.filters[filter_name(UUID)].xml.replace('"', "'")


def test_the_same_rules_once_more_are_new_to_libvirt_so_that_it_makes_them_again() -> None:
    host = FakeLibvirt()
    definitions = []
    for _turn in range(3):
        Driver(host).set_firewall(an_instance())
        definitions.append(host.definitions)
    assert definitions[0] < definitions[1] < definitions[2]


def test_without_a_firewall_the_filter_goes_when_nobody_refers_to_it_any_more() -> None:
    host = FakeLibvirt()
    Driver(host).set_firewall(an_instance())
    Driver(host).set_firewall(an_instance(None))
    assert (host.reference(LIVE), host.reference(CONFIG), list(host.filters)) == (None, None, ["clean-traffic"])


def test_a_saved_guest_is_refused_a_first_filter_and_given_other_rules() -> None:
    host = FakeLibvirt(is_on=False)
    host.is_saved = True
    with pytest.raises(InstanceInvalidState, match="would come back with the filters that it had then"):
        Driver(host).set_firewall(an_instance())
    assert list(host.filters) == ["clean-traffic"]
    host.is_saved = False
    Driver(host).set_firewall(an_instance())
    host.is_saved = True
    Driver(host).set_firewall(an_instance(Firewall(["web"])))


def test_a_host_whose_bridges_pass_by_iptables_is_refused(libvirt: Path) -> None:
    for content in ("0\n", None):
        libvirt.unlink() if content is None else libvirt.write_text(content)
        with pytest.raises(HypervisorError, match="bridge-nf-call-iptables is 0, so packets pass by filters"):
            Driver(FakeLibvirt()).set_firewall(an_instance())


def test_an_interface_on_open_vswitch_is_refused() -> None:
    nic = NIC.but(virtualport="openvswitch")
    with pytest.raises(NotSupported, match="'front' is on a bridge of openvswitch"):
        Driver(FakeLibvirt()).set_firewall(an_instance(nic=nic))
