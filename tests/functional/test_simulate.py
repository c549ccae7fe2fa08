# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What-if: saved audits, fleets that are tried on them or on hosts that somebody made up, and what else fits."""

import json
import re
import stat
from pathlib import Path

import pytest
import yaml
from support.playbooks import ROOT, run_playbook

GROUPS = {"server_groups": {"web": {"policy": "anti-affinity"}}}
WEB = {"web": {"count": 3, "server_group": "web"}, "db": {"count": 4}}
NEW = [{"host": "new", "count": 2, "vcpus": 8, "memory_mb": 2560, "local_gb": 100}]


def placed(outcome) -> dict[str, str]:
    return {action["name"]: action["host"] for action in outcome.result("Plan")["plan"]["actions"]}


def test_a_simulation_on_a_saved_audit_places_as_the_real_run_does(make_site) -> None:
    site = make_site(3)
    site.settings("kvm2", resources={"memory_mb": 1536})
    site.write_fleet({"old": {"count": 2}})
    assert site.run("apply").code == 0
    saved = site.folder / "snapshot.json"
    audited = site.run("audit", save_to=str(saved))
    assert audited.code == 0, audited.text
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert list(json.loads(saved.read_text())["hosts"]) == site.names

    site.write_fleet({"old": {"count": 2}, **WEB}, **GROUPS)
    # Without an inventory: no host can be contacted.
    fleet, plan = str(site.folder / "fleet.yml"), site.folder / "plan.yml"
    simulated = run_playbook("simulate", fleet=fleet, hosts_from=str(saved), save_to=str(plan), picture=True)
    assert simulated.code == 0, simulated.text
    assert simulated.changed == 0
    for words in ("Plan: 7 to create; 2 unchanged.", "would create", "┌ kvm1 ─", "● web-1 [web]"):
        assert words in simulated.text
    applied = site.run("apply")
    assert applied.code == 0, applied.text
    built = {name.removeprefix("test."): host for host, domains in site.domains().items() for name in domains}
    assert {**placed(simulated), **{name: built[name] for name in ("old-1", "old-2")}} == built
    assert placed(applied) == placed(simulated)
    # The plan it saved is a plan like any other: what it was made from is not so any more.
    outdated = site.run("apply", plan_file=str(plan))
    assert outdated.code == 2
    assert "is outdated" in outdated.text


def test_a_plan_that_was_simulated_can_be_applied_while_the_hosts_are_as_they_were(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2}})
    saved, plan = site.folder / "snapshot.yml", site.folder / "plan.json"
    site.run("audit", save_to=str(saved))
    assert site.run("simulate", hosts_from=str(saved), save_to=str(plan)).code == 0
    applied = site.run("apply", plan_file=str(plan))
    assert applied.code == 0, applied.text
    assert [len(domains) for domains in site.domains().values()] == [1, 1]


def test_a_host_that_did_not_answer_the_audit_is_in_the_snapshot_as_such(make_site) -> None:
    site = make_site(2)
    inventory = yaml.safe_load(site.inventory.read_text())
    inventory["compute"]["hosts"]["kvm2"].update(
        ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1, ansible_ssh_retries=0
    )
    site.inventory.write_text(yaml.safe_dump(inventory))
    saved = site.folder / "snapshot.json"
    site.run("audit", save_to=str(saved))
    document = json.loads(saved.read_text())
    assert (list(document["hosts"]), list(document["unreachable"])) == (["kvm1"], ["kvm2"])
    site.write_fleet({"web": {}})
    simulated = site.run("simulate", hosts_from=str(saved))
    assert simulated.code == 2
    assert "may be on kvm2, which did not answer" in " ".join(simulated.text.split())


def test_a_fleet_can_be_tried_on_hosts_that_do_not_exist_yet(make_site) -> None:
    site = make_site(1)
    site.write_fleet(WEB, **GROUPS)
    (site.folder / "room.yml").write_text(yaml.safe_dump(NEW))
    outcome = run_playbook("simulate", "-v", folder=site.folder, fleet="fleet.yml", hosts_from="room.yml")
    assert outcome.code == 2
    assert set(placed(outcome).values()) == {"new-1", "new-2"}
    text = " ".join(outcome.text.split())
    for words in (
        "No valid host for web-3 (small): 0 of 2 hosts fit. ServerGroupAntiAffinityFilter refused 2.",
        "unless anti-affinity of group web allows 2 per host",
        "weights: RAMWeigher 1.000",
        "hosts left: ComputeFilter 2 → 2",
    ):
        assert words in text
    assert site.domains() == {"kvm1": {}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{host: kvm1, vcpu: 4}]", "room.yml[0] has the unknown key 'vcpu'. Did you mean 'vcpus'?"),
        ("hosts: []", "room.yml should hold a snapshot or a list of hosts, but holds a mapping without a kind."),
        ("[}", "room.yml:1 is not YAML"),
        (None, "'room.yml' cannot be read: No such file or directory."),
    ],
)
@pytest.mark.parametrize("playbook", ["simulate", "capacity"])
def test_a_bad_document_of_hosts_is_one_clear_message(make_site, playbook, content, message) -> None:
    site = make_site(1)
    site.write_fleet(WEB, **GROUPS)
    if content is not None:
        (site.folder / "room.yml").write_text(content)
    outcome = run_playbook(playbook, folder=site.folder, fleet="fleet.yml", hosts_from="room.yml")
    assert outcome.code == 2
    assert message in " ".join(outcome.text.split())
    assert "Traceback" not in outcome.text


def test_simulating_without_hosts_says_how_to_name_them() -> None:
    outcome = run_playbook("simulate", fleet="fleet.yml")
    assert outcome.code == 2
    assert "-e hosts_from=FILE" in outcome.text


def test_capacity_says_how_many_more_of_each_flavor_fit_and_what_stops_the_next(make_site) -> None:
    site = make_site(2)
    for host in site.names:
        site.settings(host, resources={"memory_mb": 2560})
    flavors = {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1}, "huge": {"vcpus": 1, "memory_mb": 4096}}
    site.write_fleet({"web": {"count": 2}}, flavors=flavors)
    before = site.run("capacity")
    assert before.code == 0, before.text
    small, huge = before.result("Capacity")["capacity"]
    assert (small["total"], small["hosts"], huge["total"]) == (6, {"kvm1": 3, "kvm2": 3}, 0)
    text = " ".join(before.text.split())
    assert "small 6 kvm1 3, kvm2 3 No valid host for small-7 (small): 0 of 2 hosts fit. RamFilter refused 2." in text
    assert site.domains() == {"kvm1": {}, "kvm2": {}}
    # It did not lie.
    site.write_fleet({"web": {"count": 8}}, flavors=flavors)
    assert site.run("apply").code == 0
    assert site.run("capacity").result("Capacity")["capacity"][0]["total"] == 0


def test_capacity_of_hosts_that_do_not_exist_needs_no_inventory(tmp_path: Path) -> None:
    fleet = {"version": "1.0", "flavors": {"small": {"vcpus": 1, "memory_mb": 512}}}
    outcome = run_playbook("capacity", fleet=fleet, hosts_from=NEW, limit=5, request={"ignore_hosts": ["new-1"]})
    assert outcome.code == 0, outcome.text
    (small,) = outcome.result("Capacity")["capacity"]
    assert (small["total"], small["hosts"]) == (4, {"new-2": 4})


def test_the_blocks_of_the_what_if_page_work(make_site) -> None:
    page = (ROOT / "docs" / "what-if.md").read_text()
    room, tasks = (yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S))
    site = make_site(2)
    site.write_fleet({"web": {}})
    assert site.run("audit", save_to=str(site.folder / "snapshot.json")).code == 0
    made_up = run_playbook("capacity", fleet=str(site.folder / "fleet.yml"), hosts_from=room, limit=100)
    assert set(made_up.result("Capacity")["capacity"][0]["hosts"]) <= {"kvm1", "new-1", "new-2", "new-3"}
    play = site.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), "play.yml")
    outcome = run_playbook(str(play), inventory=site.inventory, folder=site.folder)
    assert outcome.code == 0, outcome.text
    # 14 and 15 on the two audited ones; on the new ones, whose 64 vCPUs are given out four times, 256 each.
    assert outcome.result("Would three more hosts do?")["msg"] == 14 + 15 + 3 * 256
