# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole playbooks on the fake driver: what a user sees of plan and apply."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain

WEB = {"web": {"count": 3, "server_group": "web"}}
GROUPS = {"server_groups": {"web": {"policy": "anti-affinity"}}}


def everything(site: Any) -> set[str]:
    return {name for domains in site.domains().values() for name in domains}


def test_a_declared_fleet_is_built_and_a_second_run_changes_nothing(make_site) -> None:
    site = make_site(3)
    site.write_fleet({**WEB, "db": {"vm_state": "stopped"}}, **GROUPS)
    first = site.run("apply")
    assert first.code == 0, first.text
    assert all(sum(name.startswith("test.web") for name in domains) == 1 for domains in site.domains().values())
    assert {name: state for domains in site.domains().values() for name, state in domains.items()}[
        "test.db"
    ] == "shutdown"
    second = site.run("apply")
    assert (second.code, second.changed) == (0, 0), second.text
    assert "No changes." in second.text


def test_plan_and_check_mode_change_nothing_and_say_what_apply_then_does(make_site) -> None:
    site = make_site(3)
    site.write_fleet(WEB, **GROUPS)
    checked = site.run("apply", "--check", "--diff")
    assert list((site.folder / "state").rglob("*.*")) == []
    planned = site.run("plan", "--diff")
    assert planned.code == checked.code == 0, planned.text + checked.text
    assert everything(site) == set()
    assert "is declared but on no host" in planned.text
    placed = {action["name"]: action["host"] for action in checked.result("Plan")["plan"]["actions"]}
    site.run("apply")
    built = {name.removeprefix("test."): host for host, domains in site.domains().items() for name in domains}
    assert placed == built


def test_a_smaller_count_leaves_instances_alone_unless_pruned(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 4}})
    site.run("apply")
    site.write_fleet({"web": {"count": 2}})
    kept = site.run("apply")
    assert (kept.code, kept.changed, len(everything(site))) == (0, 0, 4)
    assert "web-4" in kept.text
    pruned = site.run("apply", prune=True)
    assert pruned.code == 0, pruned.text
    assert everything(site) == {"test.web-1", "test.web-2"}
    assert site.run("apply", prune=True).changed == 0


def test_what_was_done_by_hand_is_seen_explained_and_put_right(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2}})
    site.run("apply")
    homes = {name: host for host, domains in site.domains().items() for name in domains}
    uuids = {domain.name: domain.uuid for host in site.names for domain in site.driver(host).list_domains()}
    site.driver(homes["test.web-1"]).power_off(uuids["test.web-1"])
    site.driver(homes["test.web-2"]).undefine(uuids["test.web-2"])
    checked = site.run("apply", "--check", "--diff")
    assert "was stopped outside Novella (vm_state active, power_state shutdown)" in checked.text
    assert f"its domain is gone from {homes['test.web-2']}" in checked.text
    applied = site.run("apply")
    assert applied.code == 0, applied.text
    assert {name: host for host, domains in site.domains().items() for name in domains} == homes
    assert site.run("apply").changed == 0


def test_what_fits_is_built_and_what_does_not_is_explained(make_site) -> None:
    site = make_site(2)
    for host in site.names:
        site.settings(host, resources={"memory_mb": 1536})
    site.write_fleet({"web": {"count": 6}})
    outcome = site.run("apply")
    assert outcome.code == 2
    assert len(everything(site)) == 4
    for words in ("No valid host for web-5", "RamFilter refused 2", "lacks 512 MB of memory"):
        assert words in outcome.text


def test_a_build_that_fails_is_tried_on_another_host(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 1}})
    site.settings("kvm1", failures={"power_on": {"test.web-1": "no such luck"}})
    outcome = site.run("apply")
    assert outcome.code == 0, outcome.text
    assert site.domains() == {"kvm1": {}, "kvm2": {"test.web-1": "running"}}


def test_a_build_that_fails_everywhere_fails_the_run_and_leaves_nothing(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 1}, "db": {}})
    for host in site.names:
        site.settings(host, failures={"power_on": {"test.web-1": "no such luck"}})
    outcome = site.run("apply")
    assert outcome.code == 2
    assert "no such luck" in outcome.text
    assert everything(site) == {"test.db"}


def test_an_instance_that_may_be_on_a_silent_host_is_not_built_elsewhere(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2}})
    site.run("apply")
    inventory = yaml.safe_load(site.inventory.read_text())
    lost = inventory["compute"]["hosts"]["kvm2"]
    lost.update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    site.inventory.write_text(yaml.safe_dump(inventory))
    before = site.domains()
    outcome = site.run("apply")
    assert site.domains() == before
    assert "kvm2" in outcome.text
    assert "did not answer" in outcome.text


def test_foreign_domains_are_counted_and_never_pruned(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}})
    site.run("apply")
    site.driver("kvm1").put_foreign(
        Domain("6d0f8a57-0000-4000-8000-000000000001", "old-vm", "running", Usage(2, 1024, 5))
    )
    site.write_fleet({})
    audited = site.run("audit")
    node = audited.result("Read the host")["ansible_facts"]["novella_host"]["compute_node"]
    assert node["memory_mb_used"] == 512 + 512 + 1024
    assert site.run("apply", prune=True).code == 0
    assert site.domains() == {"kvm1": {"old-vm": "running"}}


def test_a_saved_plan_is_applied_exactly_or_refused_by_host(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2}})
    plan_file = str(site.folder / "plan.yml")
    site.run("plan", plan_file=plan_file)
    planned = {action["name"]: action["host"] for action in yaml.safe_load(Path(plan_file).read_text())["actions"]}
    site.driver("kvm2").put_foreign(
        Domain("6d0f8a57-0000-4000-8000-000000000001", "new-vm", "running", Usage(1, 64, 1))
    )
    refused = site.run("apply", plan_file=plan_file)
    assert refused.code == 2
    assert "kvm2 was changed" in refused.text
    assert everything(site) == {"new-vm"}
    site.driver("kvm2").undefine("6d0f8a57-0000-4000-8000-000000000001")
    applied = site.run("apply", plan_file=plan_file)
    assert applied.code == 0, applied.text
    assert {name.removeprefix("test."): host for host, domains in site.domains().items() for name in domains} == planned


def test_user_data_reaches_the_guest_and_nothing_else(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {"user_data": "#!/bin/sh\necho top-secret\n"}})
    outcome = site.run("apply", "-vvv", "--diff")
    assert outcome.code == 0, outcome.text
    assert "top-secret" not in outcome.text
    with site.driver("kvm1")._db.transaction() as connection:
        content = connection.execute("SELECT content FROM fake_disks WHERE kind = 'config'").fetchone()["content"]
    assert "top-secret" in content
    audited = site.run("audit", "-vvv")
    assert "top-secret" not in audited.text


def test_thirty_hosts_and_a_hundred_instances_are_one_module_run_per_host_and_phase(make_site) -> None:
    site = make_site(30)
    site.write_fleet({"web": {"count": 100}})
    outcome = site.run("apply")
    assert outcome.code == 0, outcome.text
    assert len(everything(site)) == 100
    assert len(outcome.results["Read the host"]) == 30


@pytest.mark.parametrize("option", ["fleet", "plan_file"])
def test_a_file_that_is_not_there_is_named(make_site, option: str) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}})
    outcome = site.run("apply", **{option: "/nowhere/at-all.yml"})
    assert outcome.code != 0
    assert "/nowhere/at-all.yml" in outcome.text
    assert "Traceback" not in outcome.text
