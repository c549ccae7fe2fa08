# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook periodic on fake hosts, and deleting with a way back."""

import re
from typing import Any

import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from support.playbooks import ROOT, Outcome

PAGE = (ROOT / "docs/periodic.md").read_text()
SYNC, RECLAIM = "sync_power_states", "reclaim_queued_deletes"


def by_name(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """The tasks of the last host, by name."""
    return {item["name"]: item for item in outcome.result("Periodic")["results"]}


def statuses(outcome: Outcome) -> dict[str, str]:
    return {name: item["status"] for name, item in by_name(outcome).items()}


def uuid_of(site: Any, host: str, name: str) -> str:
    return next(domain.uuid for domain in site.driver(host).list_domains() if domain.name == name)


def age(site: Any, host: str, seconds: float) -> None:
    """Let time pass for the tasks of a host: they ran so long ago."""
    with TrackerDB(str(site.state_path(host))).transaction() as connection:
        connection.execute(
            "UPDATE periodic_tasks SET wall = wall - ?, uptime = uptime - ?",
            (seconds, seconds),
        )


def test_a_guest_stopped_behind_novellas_back_counts_as_stopped_and_a_second_run_changes_nothing(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}})
    site.run("apply")
    site.driver("kvm1").shut_down(uuid_of(site, "kvm1", "test.web"), 0)
    before = TrackerDB(str(site.state_path("kvm1"))).query("SELECT * FROM periodic_tasks")
    checked = site.run("periodic", "--check")
    assert by_name(checked)[SYNC]["status"] == "due"
    assert [(deed["operation"], deed["name"]) for deed in by_name(checked)[SYNC]["did"]] == [("stop", "web")]
    assert TrackerDB(str(site.state_path("kvm1"))).query("SELECT * FROM periodic_tasks") == before
    done = site.run("periodic")
    assert (done.code, done.changed) == (0, 1), done.text
    assert by_name(done)[SYNC]["did"] == by_name(checked)[SYNC]["did"]
    told = " ".join(done.text.split())
    assert "was stopped outside Novella, and counts as stopped from now on" in told
    record = site.driver("kvm1").list_domains()[0].record
    assert record["vm_state"] == "stopped"
    again = site.run("periodic")
    assert again.changed == 0
    assert statuses(again)[SYNC] == "not due"
    forced = site.run("periodic", periodic_tasks=SYNC, force="true")
    assert statuses(forced) == {SYNC: "done"}
    assert forced.changed == 0


def test_a_task_is_due_again_after_its_spacing_and_keeps_its_beat(make_site) -> None:
    site = make_site(1, novella_sync_power_state_interval=100, novella_image_cache_manager_interval=-1)
    first = site.run("periodic")
    assert statuses(first) == {
        "drop_stale_claims": "not due",
        RECLAIM: "off",
        SYNC: "done",
        "run_image_cache_manager_pass": "off",
        "cleanup_expired_console_auth_tokens": "not due",
        "update_available_resource": "not due",
    }
    assert by_name(first)[RECLAIM]["next_due"] is None
    age(site, "kvm1", 130)
    later = site.run("periodic")
    assert statuses(later)[SYNC] == "done"
    assert statuses(later)["update_available_resource"] == "done"
    assert later.result("Periodic")["ansible_facts"]["novella_host"]["compute_node"]["host"] == "kvm1"
    age(site, "kvm1", 75)  # 105 since the beat that the late run belongs to
    assert statuses(site.run("periodic"))[SYNC] == "done"


def test_the_policy_restart_starts_what_stopped_and_observe_touches_no_guest(make_site) -> None:
    site = make_site(1, novella_power_policy="restart")
    site.write_fleet({"web": {}})
    site.run("apply")
    uuid = uuid_of(site, "kvm1", "test.web")
    site.driver("kvm1").power_off(uuid)
    assert "web" in str(by_name(site.run("periodic", periodic_tasks=SYNC))[SYNC]["did"])
    assert site.domains() == {"kvm1": {"test.web": "running"}}
    site.driver("kvm1").power_off(uuid)
    outcome = site.run("periodic", periodic_tasks=SYNC, force="true", novella_power_policy="observe")
    assert outcome.code == 0, outcome.text
    assert site.domains() == {"kvm1": {"test.web": "shutdown"}}
    assert site.driver("kvm1").list_domains()[0].record["vm_state"] == "stopped"


def test_a_vanished_domain_is_told_of_loudly_and_nothing_is_made(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}})
    site.run("apply")
    site.driver("kvm1").undefine(uuid_of(site, "kvm1", "test.web"))
    outcome = site.run("periodic")
    assert (outcome.code, outcome.changed) == (0, 0)
    assert "HAS VANISHED from kvm1" in " ".join(outcome.text.split())
    assert site.domains() == {"kvm1": {}}


def test_a_task_that_fails_is_named_and_does_not_stop_the_next(make_site) -> None:
    site = make_site(1, novella_power_policy="restart", novella_update_resources_interval=1)
    site.write_fleet({"web": {}, "db": {}})
    site.run("apply")
    for name in ("test.web", "test.db"):
        site.driver("kvm1").power_off(uuid_of(site, "kvm1", name))
    site.settings("kvm1", failures={"power_on": {"test.web": "no such luck"}})
    outcome = site.run("periodic", force="true")
    assert outcome.code != 0
    assert "sync_power_states: power_on of test.web: no such luck" in outcome.result("Periodic")["msg"], outcome.text
    assert statuses(outcome)[SYNC] == "failed"
    assert statuses(outcome)["update_available_resource"] == "done"
    assert site.domains() == {"kvm1": {"test.db": "running", "test.web": "shutdown"}}
    later = site.run("periodic")
    assert by_name(later)[SYNC]["status"] == "not due"
    assert "no such luck" in by_name(later)[SYNC]["last_error"]


def test_an_unknown_task_is_refused_and_the_nearest_is_named(make_site) -> None:
    outcome = make_site(1).run("periodic", periodic_tasks="sync_power_state")
    assert "'sync_power_state' is no periodic task. Did you mean 'sync_power_states'?" in " ".join(outcome.text.split())
    assert "Traceback" not in outcome.text


def test_what_is_deleted_is_kept_comes_back_when_declared_again_and_is_reclaimed_in_the_end(make_site) -> None:
    site = make_site(1, novella_reclaim_instance_interval=3600)
    site.write_fleet({"web": {}, "db": {"vm_state": "stopped"}})
    site.run("apply")
    site.write_fleet({})
    checked = site.run("apply", "--check", prune="true")
    text = " ".join(checked.text.split())
    assert "2 to soft-delete" in text
    assert "data kept for 3600 s" in text
    assert site.domains()["kvm1"]["test.web"] == "running"
    gone = site.run("apply", prune="true")
    assert gone.code == 0, gone.text
    assert site.domains() == {"kvm1": {"test.web": "shutdown", "test.db": "shutdown"}}
    # It counts as used, and is left alone in silence.
    audit = site.run("audit").result("Read the host")["ansible_facts"]["novella_host"]
    assert audit["compute_node"]["memory_mb_used"] == 512 + 1024
    assert audit["compute_node"]["stats"]["num_vm_soft-delete"] == 2
    again = site.run("apply", prune="true")
    assert (again.changed, "Left alone" in again.text) == (0, False)
    assert site.run("periodic", periodic_tasks=RECLAIM, force="true").changed == 0
    # Declared again, it comes back as declared.
    site.write_fleet({"web": {}})
    back = site.run("apply")
    assert "is declared again; it was deleted at" in " ".join(back.text.split())
    assert site.domains() == {"kvm1": {"test.web": "running", "test.db": "shutdown"}}
    assert site.run("apply").changed == 0
    # An hour later the other one goes for good.
    driver = site.driver("kvm1")
    old = uuid_of(site, "kvm1", "test.db")
    record = Instance.from_document(driver.get_domain(old).record)
    driver.save_record(record.but(deleted_at="2026-01-01T00:00:00.000000Z"))
    reclaimed = site.run("periodic", periodic_tasks=RECLAIM, force="true")
    assert [deed["name"] for deed in by_name(reclaimed)[RECLAIM]["did"]] == ["db"]
    assert site.domains() == {"kvm1": {"test.web": "running"}}
    assert driver.list_root_disks() == {uuid_of(site, "kvm1", "test.web")}


def test_the_commands_of_the_page_do_what_it_says(make_site) -> None:
    variables = next(yaml.safe_load(block) for block in re.findall(r"```yaml\n(novella_.*?)```", PAGE, re.S))
    site = make_site(1, **variables)
    commands = re.findall(r"^ansible-playbook novella\.compute\.(\w+) -i inventory(.*)$", PAGE, re.M)
    outcomes = [site.run(playbook, *options.split()) for playbook, options in commands]
    assert [outcome.code for outcome in outcomes] == [0, 0, 0]
    assert statuses(outcomes[0])[SYNC] == "done"
    assert statuses(outcomes[1])[SYNC] == "not due"
    assert statuses(outcomes[2]) == {SYNC: "done"}


def test_the_page_names_every_task_and_the_options_that_say_when_it_is_due(make_site) -> None:
    names = re.findall(r"^\| `(\w+)` \|", PAGE, re.M)
    outcome = make_site(1).run("periodic", "--check")
    assert names == list(by_name(outcome))
