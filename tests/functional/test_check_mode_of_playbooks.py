# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook with --check --diff: it writes nothing, and says what the run then does.

The playbooks are found by listing their folder. A new one needs its variables in SCENARIOS below.
"""

import contextlib
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from support.busy_host import trouble
from support.playbooks import ROOT, Outcome
from support.read_only import read_bytes

BEFORE = {"web": {"count": 4}, "db": {"vm_state": "stopped"}, "old": {}, "gone": {}, "back": {}}
AFTER = {"web": {"count": 5}, "db": {}, "gone": {}, "back": {}}

# By playbook: its variables. Whatever may write a file is told to; {folder} is the test's.
SCENARIOS: dict[str, dict[str, Any]] = {
    "adopt": {"domain": "handed-over", "fragment_to": "{folder}/adopted.yml"},
    "act": {"operation": "delete", "instances": "web-3"},
    "apply": {"prune": True, "svg_to": "{folder}/fleet.svg"},
    "backup": {"instances": "web-*"},
    "audit": {"save_to": "{folder}/snapshot.json"},
    "capacity": {},
    "compute_node": {"enabled": False, "reason": "a new fan"},
    "instance_info": {},
    "lock": {"instances": "web-*", "reason": "an audit"},
    "periodic": {},
    "plan": {"plan_file": "{folder}/plan.json", "prune": True},
    "simulate": {"hosts_from": "{folder}/described.yml", "save_to": "{folder}/simulated.json"},
    "snapshot": {"instances": "web-*", "snapshot": "before-upgrade"},
    "start": {"instances": "db"},
    "unlock": {"instances": "web-*"},
    **{
        operation: {"instances": "web-3"}
        for operation in (
            *("stop", "reboot", "hard_reboot", "pause", "unpause", "suspend", "resume"),
            *("shelve", "unshelve", "rescue", "unrescue", "rebuild"),
        )
    },
}
# It has no fake hosts: it makes the machines that others run on. Its role is tested on real ones, in tests/e2e.
WITHOUT_FAKE_HOSTS = {"lab"}
HANDED_OVER = Domain("6ba7b811-9dad-51d1-80b4-00c04fd430c8", "handed-over", "running", Usage(1, 64, 1))
HOSTS = "- {host: kvm1, count: 3, vcpus: 8, memory_mb: 8192, local_gb: 100}\n"


@pytest.fixture
def site(make_site) -> Any:
    """Three hosts with a bit of everything on them, and a fleet file that has moved on."""
    site = make_site(3, novella_reclaim_instance_interval=3600)
    site.write_fleet(BEFORE)
    assert site.run("apply").code == 0
    for host in site.names:
        with contextlib.closing(TrackerDB(str(site.state_path(host)))) as db:
            driver = FakeDriver(host, str(site.state_path(host)), db)
            troubles = {"test.web-1": "off", "test.web-2": "interrupted", "test.gone": "gone"}
            here = {domain.name: domain.uuid for domain in driver.list_domains()}
            if "test.back" in here:
                remove_for_a_while(site, host, here["test.back"])
            if host == "kvm1":
                driver.put_foreign(HANDED_OVER)
            trouble(db, driver, [(here[name], case) for name, case in troubles.items() if name in here])
    site.write_fleet(AFTER)
    site.write_text(HOSTS, "described.yml")
    return site


def remove_for_a_while(site: Any, host: str, uuid: str) -> None:
    with contextlib.closing(TrackerDB(str(site.state_path(host)))) as db:
        options = HostOptions(host=host, driver="fake", state_path=str(site.state_path(host)))
        manager = ComputeManager(options, FakeDriver(host, str(site.state_path(host)), db), db)
        manager.reconcile([Action("soft_delete", uuid, "back", host, "a test wants it")], {})


def run(site: Any, playbook: str, *options: str) -> Outcome:
    variables = {
        name: value.format(folder=site.folder) if isinstance(value, str) else value
        for name, value in SCENARIOS[playbook].items()
    }
    outcome = site.run(playbook, *options, **variables)
    assert outcome.code == 0, outcome.text
    return outcome


def planned(outcome: Outcome) -> list[tuple[str, str, str]]:
    return sorted(
        (action["operation"], action["name"], action["host"]) for action in outcome.result("Plan")["plan"]["actions"]
    )


def done(outcome: Outcome) -> list[tuple[str, str]]:
    results = [result for task, found in outcome.results.items() if task.startswith("Reconcile") for result in found]
    return sorted((item["operation"], item["name"]) for result in results for item in result.get("results", []) if item)


def test_every_playbook_has_a_scenario_here_and_every_module_of_the_controller_a_playbook() -> None:
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    missing = playbooks - set(SCENARIOS) - WITHOUT_FAKE_HOSTS
    assert not missing, f"Add {', '.join(sorted(missing))} to SCENARIOS, with variables that would change something."
    assert set(SCENARIOS) | WITHOUT_FAKE_HOSTS == playbooks
    text = "".join(path.read_text() for path in (ROOT / "playbooks").rglob("*.yml"))
    for path in (ROOT / "plugins" / "action").glob("*.py"):
        if "ControllerAction" in path.read_text():
            assert f"novella.compute.{path.stem}:" in text, (
                f"No playbook uses {path.stem}: run it in a test of its own."
            )


def test_check_mode_writes_nothing_and_says_what_the_run_then_does(site) -> None:
    before = read_bytes(site.folder)
    checked = {playbook: run(site, playbook, "--check", "--diff") for playbook in sorted(SCENARIOS)}
    assert read_bytes(site.folder) == before

    applied = run(site, "apply", "--diff")
    assert planned(applied) == planned(checked["apply"]) == planned(checked["plan"])
    assert done(applied) == sorted((operation, name) for operation, name, _host in planned(checked["apply"]))
    assert {operation for operation, _name in done(applied)} >= {"create", "restore", "soft_delete", "start"}
    settled = run(site, "apply")
    assert settled.changed == 0, settled.text

    for playbook in ("compute_node", "periodic"):
        foretold = run(site, playbook, "--check", "--diff")
        assert run(site, playbook, "--diff").changes == foretold.changes
