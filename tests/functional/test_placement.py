# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole playbooks on the fake driver: resource classes, traits, labels, predicates, hints and failure domains."""

from typing import Any

# kvm1 and kvm2 stand in rack r1, kvm3 in r2, as a variable of the inventory says.
RACK = {"rack": "{{ 'r2' if inventory_hostname == 'kvm3' else 'r1' }}"}


def homes(site: Any) -> dict[str, str]:
    return {name.removeprefix("test."): host for host, domains in site.domains().items() for name in domains}


def test_instances_go_where_predicates_hints_and_racks_want_them_and_stay(make_site) -> None:
    site = make_site(3, novella_labels=RACK)
    instances = {
        "log": {"scheduler_hints": {"same_host": "db"}},
        "db": {"where": [{"key": "labels.rack", "operator": "==", "value": "r2"}]},
        "web": {"count": 2, "server_group": "web"},
        "far": {"scheduler_hints": {"different_host": ["db", "web"]}},
    }
    groups = {"server_groups": {"web": {"spread": {"over": "rack"}}}}
    site.write_fleet(instances, **groups)
    first = site.run("apply")
    assert first.code == 0, first.text
    placed = homes(site)
    assert placed["db"] == placed["log"] == "kvm3"
    assert "kvm3" in (placed["web-1"], placed["web-2"])
    assert placed["web-1"] != placed["web-2"]
    assert placed["far"] not in (placed["db"], placed["web-1"], placed["web-2"])
    second = site.run("apply")
    assert (second.code, second.changed) == (0, 0), second.text
    instances["db"]["where"][0]["value"] = "r1"
    site.write_fleet(instances, **groups)
    third = site.run("apply")
    assert (third.code, third.changed) == (0, 0), third.text
    assert "stays on kvm3, which has label rack r2, not r1" in " ".join(third.text.split())
    assert homes(site) == placed


def test_a_resource_class_is_given_out_until_it_is_used_up(make_site) -> None:
    site = make_site(2, novella_resources={"CUSTOM_LICENCE": "{{ 2 if inventory_hostname == 'kvm1' else 1 }}"})
    specs = {"resources:CUSTOM_LICENCE": "1"}
    flavors = {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1, "extra_specs": specs}}
    site.write_fleet({"web": {"count": 4}}, flavors=flavors)
    outcome = site.run("apply")
    assert outcome.code == 2
    assert len(homes(site)) == 3
    for words in ("No valid host for web-4", "ResourceClassFilter refused 2", "lacks 1 CUSTOM_LICENCE"):
        assert words in outcome.text
    site.write_fleet({"web": {"count": 3}}, flavors=flavors)
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text


def test_traits_choose_the_host_and_a_forced_one_must_have_them(make_site) -> None:
    site = make_site(2, novella_traits="{{ ['CUSTOM_RAID'] if inventory_hostname == 'kvm2' else [] }}")
    flavors = {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1, "extra_specs": {"trait:CUSTOM_RAID": "required"}}}
    site.write_fleet({"db": {}, "web": {"host": "kvm1"}}, flavors=flavors)
    outcome = site.run("apply")
    assert homes(site) == {"db": "kvm2"}
    assert "kvm1 lacks trait CUSTOM_RAID" in outcome.text


def test_what_a_host_declares_wrongly_is_told_by_name_and_changes_nothing(make_site) -> None:
    site = make_site(1, novella_resources={"CUSTOM_LICENCE": {"totl": 1}})
    site.write_fleet({"web": {}})
    outcome = site.run("apply")
    assert outcome.code != 0
    assert "kvm1: resources.CUSTOM_LICENCE has the unknown key 'totl'. Did you mean 'total'?" in outcome.text
    assert "Traceback" not in outcome.text
    assert homes(site) == {}
