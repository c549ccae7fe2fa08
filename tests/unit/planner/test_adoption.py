# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which domains become instances of a fleet, and what a plan says of them afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.adoption import Adoption
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid, OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import (
    ForeignDomain,
    HostReport,
    LostInstance,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, ObservedInstance
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.planner.adoption import (
    choose_domains,
    entry_of,
    new_flavors,
    suggest_name,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.adoption_fragment import (
    draw_fragment,
    join_fragment,
    read_fragment,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation
from ansible_collections.novella.compute.plugins.plugin_utils.planner.planner import make_plan

MAIL, DNS = (f"0000000{number}-0000-4000-8000-000000000000" for number in (1, 2))
BASE = {"version": "1.0", "name": "shop", "flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1}}}
WHEN = "2026-11-21T10:00:00.000000Z"


def fleet(**parts: Any) -> Any:
    return load_fleet({**BASE, **parts})


def report(host: str, **contents: Any) -> HostReport:
    node = ComputeNode(
        uuid=f"uuid-of-{host}", host=host, hypervisor_hostname=host, vcpus=8, memory_mb=8192, local_gb=90
    )
    return HostReport(node, **contents)


def foreign(uuid: str, name: str, *size: int) -> ForeignDomain:
    return ForeignDomain(uuid, name, "running", *(size or (2, 1024, 20)))


def observe(**hosts: list[Any]) -> Observation:
    return Observation({host: report(host, foreign=found) for host, found in hosts.items()})


def adopted(order: Any, vm_state: str = "active", power_state: str = "running") -> ObservedInstance:
    record = Instance(order.uuid, order.spec, vm_state=vm_state, host="kvm1", generation=1, adopted=Adoption("old"))
    return ObservedInstance(record, power_state)


def plan(declared: Any, observation: Observation, **options: Any) -> Any:
    return make_plan(declared, observation, created_at=WHEN, **options)


def reasons(declared: Any, observation: Observation, *patterns: str, **options: Any) -> list[str]:
    return [refusal.tell() for refusal in choose_domains(declared, observation, patterns, **options).refusals]


def test_what_was_adopted_and_is_declared_needs_nothing() -> None:
    choice = choose_domains(fleet(), observe(kvm1=[foreign(MAIL, "mail"), foreign(DNS, "dns", 1, 512, 1)]), ["*"])
    orders = choice.orders["kvm1"]
    specs = [order.spec for order in orders]
    declared = fleet(
        flavors={**BASE["flavors"], **new_flavors(fleet(), specs)},
        instances={order.spec.name: entry_of(order.spec, order.uuid, "active") for order in orders},
    )
    assert list(declared.flavors) == ["small", "adopted-2x1024-20"]
    made = plan(declared, Observation({"kvm1": report("kvm1", instances=[adopted(order) for order in orders])}))
    assert (made.actions, made.findings, made.unplaced, made.unchanged) == ([], [], [], 2)


def test_what_it_is_given_besides_comes_with_the_next_apply() -> None:
    entry = {"adopted": MAIL, "flavor": "small", "tags": ["old"], "volumes": [{"size_gb": 1}]}
    declared = fleet(instances={"mail": entry})
    [order] = choose_domains(declared, observe(kvm1=[foreign(MAIL, "x", 1, 512, 1)]), [MAIL]).orders["kvm1"]
    assert (order.spec.name, order.spec.tags, order.spec.volumes) == ("mail", ["old"], [])
    made = plan(declared, Observation({"kvm1": report("kvm1", instances=[adopted(order)])}))
    assert [action.operation for action in made.actions] == ["attach_volume"]


def test_one_that_is_gone_or_not_adopted_yet_is_never_made() -> None:
    declared = fleet(instances={"mail": {"adopted": MAIL, "flavor": "small"}})
    lost = report("kvm1", lost=[LostInstance(MAIL, "mail", "shop")])
    for observation, reason in (
        (Observation({"kvm1": lost}), "is gone from kvm1. It was adopted, so Novella cannot make it"),
        (Observation({"kvm1": report("kvm1")}), "is on no host. It was adopted, so Novella cannot make it"),
        (observe(kvm1=[foreign(MAIL, "mail")]), "is on kvm1, and was not adopted yet"),
        (Observation({"kvm1": report("kvm1")}, {"kvm2": "off"}), "may be on kvm2, which did not answer"),
    ):
        made = plan(declared, observation)
        assert made.actions == []
        [finding] = made.findings
        assert finding.fatal and reason in finding.reason


def test_an_entry_that_lost_its_uuid_makes_no_second_instance() -> None:
    choice = choose_domains(fleet(), observe(kvm1=[foreign(MAIL, "mail")]), ["mail"])
    there = Observation({"kvm1": report("kvm1", instances=[adopted(order) for order in choice.orders["kvm1"]])})
    entry = {"flavor": "small", "image": "tiny"}
    declared = fleet(images={"tiny": {"source": "/srv/tiny.qcow2"}}, instances={"mail": entry})
    made = plan(declared, there)
    assert made.actions == []
    assert f"Write adopted: {MAIL} there" in made.findings[0].reason


def test_an_undeclared_one_goes_with_prune_and_its_disks_stay() -> None:
    choice = choose_domains(fleet(), observe(kvm1=[foreign(MAIL, "mail")]), ["mail"])
    there = Observation({"kvm1": report("kvm1", instances=[adopted(order) for order in choice.orders["kvm1"]])})
    assert plan(fleet(), there).actions == []
    [action] = plan(fleet(), there, prune=True).actions
    assert (action.operation, action.impact) == ("delete", "its definition is lost, its disks stay")


def test_refusals_tell_what_to_do() -> None:
    declared = fleet(
        images={"tiny": {"source": "/srv/tiny.qcow2"}}, instances={"web": {"flavor": "small", "image": "tiny"}}
    )
    both = observe(kvm1=[foreign(MAIL, "mail")], kvm2=[foreign(MAIL, "mail"), foreign(DNS, "web")])
    split = "has a domain of the same uuid. Find out which one is right, and remove the other"
    assert reasons(declared, both, "mail") == [
        f"mail on kvm1 is not adopted: kvm2 {split}",
        f"mail on kvm2 is not adopted: kvm1 {split}",
    ]
    assert "the fleet has an instance 'web' already" in reasons(declared, both, "web")[0]
    assert "no host that answered has such a domain. Did you mean 'mail'?" in reasons(declared, both, "mial")[0]
    odd = observe(kvm1=[foreign(MAIL, "My Server (old)")])
    assert "instance=My-Server-old" in reasons(declared, odd, "*")[0]
    assert reasons(declared, odd, "*", name="old-server") == []
    namesakes = observe(kvm1=[foreign(MAIL, "mail")], kvm2=[foreign(DNS, "mail")])
    assert "kvm1 has an instance 'mail' of this fleet" in reasons(declared, namesakes, "mail")[0]


def test_options_that_make_no_sense_are_refused() -> None:
    there = Observation({"kvm1": report("kvm1", foreign=[foreign(MAIL, "a"), foreign(DNS, "b")])}, {"kvm2": "is off"})
    for patterns, options, message in (
        ([], {}, "Nothing says which domains to adopt"),
        (["*"], {"host": "kvm2"}, "kvm2 did not answer: is off"),
        (["*"], {"host": "kmv1"}, "Did you mean 'kvm1'?"),
        (["*"], {"name": "one"}, "2 domains cannot all be called 'one': a and b."),
    ):
        with pytest.raises(OptionInvalid, match=message.replace("?", r"\?")):
            choose_domains(fleet(), there, patterns, **options)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [("My Server (old)", "My-Server-old"), ("a..b_", "a.b"), ("日本", "adopted"), ("x" * 80, "x" * 63)],
)
def test_a_name_that_looks_alike_is_suggested(name: str, suggested: str) -> None:
    assert suggest_name(name) == suggested


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"flavor": "small"}, "instances.mail.image: required, but missing."),
        ({"flavor": "small", "adopted": MAIL, "count": 2}, "instances.mail.count: cannot go together with adopted"),
        ({"flavor": "small", "adopted": MAIL, "ssh_keys": ["k k"]}, "instances.mail.ssh_keys: cannot go together"),
        ({"flavor": "small", "adopted": "mail"}, "instances.mail.adopted: 'mail' is not the uuid of a domain"),
    ],
)
def test_a_fleet_tells_what_is_wrong_with_such_an_entry(body: dict[str, Any], fault: str) -> None:
    with pytest.raises(FleetInvalid) as refused:
        fleet(instances={"mail": body})
    [told] = refused.value.faults
    assert fault in told


def test_one_domain_is_one_instance() -> None:
    entry = {"flavor": "small", "adopted": MAIL}
    with pytest.raises(FleetInvalid, match=r"instances.other.adopted: instances.mail .* is that domain already"):
        fleet(instances={"mail": entry, "other": entry})


def test_a_fragment_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "adopted.yml"
    assert read_fragment(str(path)) == {}
    first = join_fragment({}, "1.0", {"f": {"vcpus": 1}}, {"a": {"adopted": MAIL}})
    path.write_text(draw_fragment(first))
    second = join_fragment(read_fragment(str(path)), "1.0", {"f": {"vcpus": 9}}, {"b": {"adopted": DNS}})
    assert yaml.safe_load(draw_fragment(second)) == {
        "version": "1.0",
        "flavors": {"f": {"vcpus": 1}},
        "instances": {"a": {"adopted": MAIL}, "b": {"adopted": DNS}},
    }
    assert draw_fragment(join_fragment({}, "1.0", {}, {})) == ""
    path.write_text("version: '1.0'\nimages: {}\n")
    with pytest.raises(OptionInvalid, match="holds images, and would be overwritten"):
        read_fragment(str(path))
