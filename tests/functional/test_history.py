# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user sees of hosts that are out of use, and of what was done to instances; whole playbooks, fake hosts."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB


def info(site: Any, *options: str, **extra_vars: Any) -> Any:
    outcome = site.run("instance_info", *options, **extra_vars)
    assert outcome.code == 0, outcome.text
    return outcome


def listed(outcome: Any) -> dict[str, tuple[str, str]]:
    return {item["name"]: (item["host"], item["status"]) for item in outcome.result("Show")["instances"]}


def test_a_failed_create_shows_its_fault_until_it_is_made_elsewhere(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 1}, "db": {}})
    for host in site.names:
        site.settings(host, failures={"power_on": {"test.web-1": "no such luck"}})
    assert site.run("apply").code == 2
    failed = info(site)
    assert listed(failed)["web-1"][1] == "ERROR"
    assert listed(failed)["db"][1] == "ACTIVE"
    assert "power_on of test.web-1: no such luck (HypervisorError)" in failed.text
    site.settings("kvm2")
    assert site.run("apply").code == 0
    made = info(site)
    assert listed(made)["web-1"] == ("kvm2", "ACTIVE")
    assert "no such luck" not in made.text


def test_the_history_of_all_hosts_is_of_one_run_and_of_one_command(make_site) -> None:
    site = make_site(3)
    site.write_fleet({"web": {"count": 3, "server_group": "web"}}, server_groups={"web": {"policy": "anti-affinity"}})
    site.run("apply")
    told = info(site, history=True)
    instances = told.result("Show")["instances"]
    assert len({item["host"] for item in instances}) == 3
    requests = {action["request_id"] for item in instances for action in item["actions"]}
    assert len(requests) == 1
    assert requests.pop().startswith("req-")
    assert "root_disk: Success in " in told.text
    chosen = info(site, names="web-[12]", actions=0)
    assert sorted(listed(chosen)) == ["web-1", "web-2"]
    assert listed(info(site, only_fleet="another")) == {}


def test_a_silent_host_is_named_and_the_others_are_shown(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2}})
    site.run("apply")
    inventory = yaml.safe_load(site.inventory.read_text())
    lost = inventory["compute"]["hosts"]["kvm2"]
    lost.update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    site.inventory.write_text(yaml.safe_dump(inventory))
    told = site.run("instance_info")
    assert list(told.result("Show")["silent"]) == ["kvm2"]
    assert {host for host, _status in listed(told).values()} == {"kvm1"}


def test_a_killed_create_says_that_its_process_ended(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {"count": 1}})
    site.settings("kvm1", delays={"define": 60})
    process = subprocess.Popen(playbook_command(site, "apply"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: "define" in steps_begun(site.state_path("kvm1")))
    finally:
        for pid in [process.pid, *descendants(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(60)
    site.settings("kvm1")
    for told in (info(site), after_recovery(site)):
        assert listed(told)["web-1"] == ("kvm1", "ERROR")
        assert "web-1 on kvm1: its process ended before it did" in told.text
    assert site.run("apply").code == 0
    assert listed(info(site))["web-1"] == ("kvm1", "ACTIVE")


def after_recovery(site: Any) -> Any:
    """Let an audit undo what is half-done, and ask again."""
    assert site.run("audit").result("Read the host")["recovered"]
    return info(site)


def test_a_disabled_host_refuses_and_says_why_and_check_mode_only_says_so(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}})
    options = {"enabled": False, "reason": "new fan"}
    checked = site.run("compute_node", "--check", "--diff", **options)
    assert (checked.code, checked.changed) == (0, 1)
    assert "+    disabled_reason: new fan" in checked.text
    assert list((site.folder / "state").rglob("*.*")) == []
    assert site.run("compute_node", **options).changed == 1
    assert site.run("compute_node", **options).changed == 0
    refused = site.run("apply")
    assert refused.code == 2
    assert "kvm1 is disabled: new fan" in refused.text
    enabled = site.run("compute_node", enabled=True)
    assert enabled.result("Set the service")["service"]["disabled_reason"] is None
    assert site.run("apply").code == 0


def test_maintenance_shows_in_plan_summary_and_picture_and_guests_stay(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2}})
    site.run("apply")
    before = site.domains()
    assert site.run("compute_node", "--limit kvm1", maintenance=True).changes == {"kvm1": 1}
    site.write_fleet({"web": {"count": 4}})
    outcome = site.run("apply", picture=True, svg_to=str(site.folder / "map.svg"))
    assert outcome.code == 0, outcome.text
    assert "Take no new instances: kvm1 is in maintenance" in " ".join(outcome.text.split())
    assert outcome.result("Summary")["closed"] == {"kvm1": "is in maintenance"}
    assert "─ maintenance ┐" in outcome.text
    assert "kvm1 · maintenance" in (site.folder / "map.svg").read_text()
    assert site.domains()["kvm1"] == before["kvm1"]
    assert len(site.domains()["kvm2"]) == 3


def test_an_instance_whose_disk_is_on_a_host_in_maintenance_waits_for_it(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {}})
    site.run("apply")
    (home,) = [host for host, domains in site.domains().items() if domains]
    (domain,) = site.driver(home).list_domains()
    site.driver(home).undefine(domain.uuid)
    site.run("compute_node", f"--limit {home}", maintenance=True)
    waiting = site.run("apply")
    assert waiting.code == 2
    assert f"has its root disk on {home}, its domain is gone, and that host is in maintenance" in " ".join(
        waiting.text.split()
    )
    assert site.domains() == {"kvm1": {}, "kvm2": {}}
    site.run("compute_node", maintenance=False)
    assert site.run("apply").code == 0
    assert site.domains()[home] == {domain.name: "running"}


def test_three_failures_demote_a_host_and_a_reset_brings_it_back(make_site) -> None:
    site = make_site(2)
    # kvm1 is the larger one, and is taken first.
    site.settings("kvm2", resources={"memory_mb": 4096})
    site.settings("kvm1", failures={"power_on": {f"test.web-{number}": "no such luck" for number in (1, 2, 3)}})
    site.write_fleet({"web": {"count": 3, "host": "kvm1"}})
    assert "no such luck" in site.run("apply").text
    site.settings("kvm1")
    told = site.run("compute_node", "--check --limit kvm1").result("Set the service")
    assert told["service"]["failed_builds"] == 3
    site.write_fleet({"db": {}})
    planned = site.run("plan", "-v")
    assert {action["host"] for action in planned.result("Plan")["plan"]["actions"]} == {"kvm2"}
    assert site.run("compute_node", "--limit kvm1", reset_failed_builds=True).changed == 1
    planned = site.run("plan")
    assert {action["host"] for action in planned.result("Plan")["plan"]["actions"]} == {"kvm1"}


def test_user_data_is_in_no_history(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {"user_data": "#!/bin/sh\necho top-secret\n"}})
    site.settings("kvm1", failures={"write_config_drive": {"web": "no such luck"}})
    site.run("apply")
    assert "top-secret" not in info(site, "-vvv").text
    assert b"top-secret" not in (site.state_path("kvm1") / "tracker.db").read_bytes()


def test_a_host_can_be_disabled_while_its_hypervisor_does_not_answer(make_site) -> None:
    site = make_site(1)
    site.settings("kvm1", failures={"list_domains": {"kvm1": "no answer"}, "get_available_resource": {"kvm1": "none"}})
    assert site.run("compute_node", enabled=False).changed == 1


def playbook_command(site: Any, playbook: str) -> list[str]:
    fleet = json.dumps({"fleet": str(site.folder / "fleet.yml")})
    ansible = [sys.executable, "-m", "ansible", "playbook"]
    return [*ansible, f"novella.compute.{playbook}", "-i", str(site.inventory), "-e", fleet]


def descendants(pid: int) -> list[int]:
    """All processes below one. Ansible's have sessions of their own, so no signal to a group reaches them."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found.extend([child, *descendants(child)])
    return found


def wait_until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def steps_begun(state_path: Path) -> set[str]:
    """The steps in the host's journal."""
    if not (state_path / "tracker.db").exists():
        return set()
    db = TrackerDB(str(state_path))
    db.open(read_only=True)
    try:
        return {row["step"] for row in db.query("SELECT step FROM steps")}
    finally:
        db.close()
