# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With a persistent fact cache, hosts that are as they were are not read again."""

import json
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from support.playbooks import Outcome

FLEET = {"web": {"count": 2}, "db": {"vm_state": "stopped"}}
STRANGER = Domain("uuid-of-stranger", "stranger", "running", Usage(2, 1024, 10))


@pytest.fixture
def site(make_site) -> Any:
    """Three hosts with a fleet on them, and a cache that holds their documents."""
    site = make_site(3)
    site.write_fleet(FLEET)
    run(site, "apply")
    run(site, "audit")
    return site


def run(site: Any, playbook: str, *options: str, **extra_vars: Any) -> Outcome:
    outcome = site.run(playbook, *options, facts=site.folder / "facts", **extra_vars)
    assert outcome.code == 0, outcome.text
    return outcome


def read_in_full(site: Any, outcome: Outcome) -> set[str]:
    """The hosts that answered with a document."""
    audits = outcome.results["Read the host"]
    full = [result["ansible_facts"]["novella_host"] for result in audits if not result["in_sync"]]
    assert len(audits) == len(site.names)
    assert all("ansible_facts" not in result for result in audits if result["in_sync"])
    return {document["compute_node"]["host"] for document in full}


def change_variable(site: Any, host: str, **variables: Any) -> None:
    inventory = yaml.safe_load(site.inventory.read_text())
    inventory["compute"]["hosts"][host].update(variables)
    site.inventory.write_text(yaml.safe_dump(inventory))


def test_a_second_run_on_an_unchanged_fleet_reads_no_host_in_full(site) -> None:
    checked = run(site, "apply", "--check", "--diff")
    assert (read_in_full(site, checked), checked.changed) == (set(), 0)
    again = run(site, "apply")
    assert read_in_full(site, again) == set()
    assert again.changed == 0
    assert "No changes." in again.text
    assert {item["name"] for item in again.result("Summary")["instances"]} == {"web-1", "web-2", "db"}


def test_only_the_host_that_was_changed_by_hand_is_read_and_what_was_done_is_put_right(site) -> None:
    where = {name: host for host, domains in site.domains().items() for name in domains}
    uuid = next(d.uuid for d in site.driver(where["test.web-1"]).list_domains() if d.name == "test.web-1")
    site.driver(where["test.web-1"]).power_off(uuid)
    applied = run(site, "apply")
    assert read_in_full(site, applied) == {where["test.web-1"]}
    assert "was stopped outside Novella" in applied.text
    assert site.domains()[where["test.web-1"]]["test.web-1"] == "running"


def test_a_foreign_domain_and_a_changed_option_are_seen(site) -> None:
    site.driver("kvm2").put_foreign(STRANGER)
    change_variable(site, "kvm3", novella_reserved_host_memory_mb=2048)
    audited = run(site, "audit", save_to=str(site.folder / "snapshot.json"))
    assert read_in_full(site, audited) == {"kvm2", "kvm3"}
    snapshot = json.loads((site.folder / "snapshot.json").read_text())
    assert snapshot["hosts"]["kvm3"]["compute_node"]["reserved_host_memory_mb"] == 2048
    assert snapshot["hosts"]["kvm2"]["foreign"][0]["name"] == "stranger"
    assert set(snapshot["hosts"]) == set(site.names)
    assert read_in_full(site, run(site, "audit")) == set()


def test_a_host_with_something_to_recover_is_read_and_recovered(site) -> None:
    with TrackerDB(str(site.state_path("kvm1"))).transaction() as connection:
        connection.execute("INSERT INTO claims VALUES ('uuid-of-web-9', 'web-9', 1, 512, 1, 'dead', 'then')")
    assert read_in_full(site, run(site, "audit")) == {"kvm1"}
    assert TrackerDB(str(site.state_path("kvm1"))).query("SELECT * FROM claims") == []


def test_a_cache_that_was_tampered_with_is_not_believed_over_the_hosts(site) -> None:
    """What is cached saves time. A create still asks the host, which knows what it has."""
    for path in (site.folder / "facts").iterdir():
        cached = json.loads(path.read_text())
        facts = json.loads(cached["__payload__"])
        facts["novella_host"]["compute_node"]["memory_mb"] = 10**9
        path.write_text(json.dumps({**cached, "__payload__": json.dumps(facts)}))
    flavors = {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1}, "huge": {"vcpus": 1, "memory_mb": 10**6}}
    site.write_fleet({**FLEET, "big": {"flavor": "huge"}}, flavors=flavors)
    outcome = site.run("apply", facts=site.folder / "facts")
    assert outcome.code != 0
    assert "it wants 1000000 MB of memory" in " ".join(outcome.text.split())
    assert "test.big" not in {name for domains in site.domains().values() for name in domains}
