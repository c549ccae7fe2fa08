# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deleting with a way back, and the host's periodic tasks, on the fake driver."""

import dataclasses
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.owner import current_owner
from ansible_collections.novella.compute.plugins.module_utils.compute.whereabouts import Whereabouts
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.whereabouts import Whereabout
from ansible_collections.novella.compute.plugins.module_utils.periodic_task import TaskOutcome
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from support.fake_host import FakeHost, act, create

LONG_AGO = "2026-01-01T00:00:00.000000Z"
UUID = "uuid-of-web-1"


def setup_options(host: FakeHost, **options: Any) -> None:
    host.options = dataclasses.replace(host.options, **options)


@pytest.fixture
def keeping(host: FakeHost) -> FakeHost:
    """A host that keeps what is deleted for an hour, with one instance."""
    setup_options(host, reclaim_instance_interval=3600)
    host.reconcile(create("web-1"))
    return host


def record_of(host: FakeHost, uuid: str = UUID) -> Instance:
    domain = host.driver.get_domain(uuid)
    assert domain is not None
    assert domain.record is not None
    return Instance.from_document(domain.record)


def power_of(host: FakeHost, uuid: str = UUID) -> str:
    domain = host.driver.get_domain(uuid)
    return "gone" if domain is None else domain.power_state


def run(host: FakeHost, name: str, **how: Any) -> TaskOutcome:
    return host.manager().periodic_tasks(names=[name], force=True, **how)[0]


def deeds(outcome: TaskOutcome) -> list[tuple[str, str]]:
    assert outcome.status in ("done", "due"), outcome
    return [(deed["operation"], deed["name"]) for deed in outcome.report.did]


def test_a_soft_deleted_instance_is_off_and_kept_and_still_counts(keeping: FakeHost) -> None:
    keeping.reconcile(act("soft_delete", "web-1"))
    record = record_of(keeping)
    assert (record.vm_state, record.old_vm_state, record.task_state) == ("soft-delete", "active", None)
    assert record.deleted_at is not None
    assert power_of(keeping) == "shutdown"
    assert keeping.driver.list_root_disks() == {UUID}
    report = keeping.manager().audit()
    assert (report.compute_node.memory_mb_used, report.lost) == (512, [])
    assert report.reclaim_instance_interval == 3600


@pytest.mark.parametrize(("before", "power"), [("active", "running"), ("stopped", "shutdown")])
def test_restoring_brings_back_the_state_it_had(keeping: FakeHost, before: str, power: str) -> None:
    if before == "stopped":
        keeping.reconcile(act("stop", "web-1"))
    keeping.reconcile(act("soft_delete", "web-1"))
    keeping.reconcile(act("restore", "web-1"))
    record = record_of(keeping)
    assert (record.vm_state, record.deleted_at, record.old_vm_state) == (before, None, None)
    assert power_of(keeping) == power


def test_the_host_has_the_last_word_on_whether_a_delete_keeps_the_data(keeping: FakeHost) -> None:
    result = keeping.reconcile(act("delete", "web-1"))[0]
    assert (result["operation"], result["status"]) == ("delete", "done")
    assert record_of(keeping).vm_state == "soft-delete"
    setup_options(keeping, reclaim_instance_interval=0)
    keeping.reconcile(act("delete", "web-1"))
    assert power_of(keeping) == "gone"
    assert keeping.driver.list_root_disks() == set()


def test_a_soft_deleted_instance_is_refused_everything_but_restoring(keeping: FakeHost) -> None:
    keeping.reconcile(act("soft_delete", "web-1"))
    for operation in ("start", "stop", "update", "soft_delete"):
        result = keeping.reconcile(act(operation, "web-1"))[0]
        assert result["error"]["code"] == "InstanceInvalidState", operation


def test_one_that_could_not_be_started_again_is_restored_nevertheless(keeping: FakeHost) -> None:
    keeping.reconcile(act("soft_delete", "web-1"))
    keeping.settings(failures={"power_on": {"web-1": "no memory"}})
    result = keeping.reconcile(act("restore", "web-1"))[0]
    assert "no memory" in result["error"]["message"]
    record = record_of(keeping)
    assert (record.vm_state, record.deleted_at, record.task_state) == ("stopped", None, None)
    assert deeds(run(keeping, "reclaim_queued_deletes")) == []


def test_only_what_was_deleted_long_enough_ago_is_reclaimed(keeping: FakeHost) -> None:
    keeping.reconcile(create("web-2"), create("web-3"))
    keeping.reconcile(act("soft_delete", "web-1"), act("soft_delete", "web-2"))
    keeping.driver.save_record(record_of(keeping).but(deleted_at=LONG_AGO))
    assert deeds(run(keeping, "reclaim_queued_deletes", check=True)) == [("delete", "web-1")]
    assert power_of(keeping) == "shutdown"
    assert deeds(run(keeping, "reclaim_queued_deletes")) == [("delete", "web-1")]
    assert [power_of(keeping, f"uuid-of-web-{number}") for number in (1, 2, 3)] == ["gone", "shutdown", "running"]
    assert keeping.driver.list_root_disks() == {"uuid-of-web-2", "uuid-of-web-3"}


def test_one_that_is_restored_at_the_last_moment_is_not_reclaimed(
    keeping: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.reconcile(act("soft_delete", "web-1"))
    keeping.driver.save_record(record_of(keeping).but(deleted_at=LONG_AGO))
    begin = Journal.begin

    def restore_first(journal: Journal, *arguments: Any, **notes: Any) -> str:
        monkeypatch.setattr(Journal, "begin", begin)
        keeping.reconcile(act("restore", "web-1", vm_state="stopped"))
        return begin(journal, *arguments, **notes)

    monkeypatch.setattr(Journal, "begin", restore_first)
    outcome = run(keeping, "reclaim_queued_deletes")
    assert (outcome.status, outcome.report.did) == ("done", [])
    assert record_of(keeping).vm_state == "stopped"
    assert keeping.driver.list_root_disks() == {UUID}


def test_a_deleted_instance_that_runs_again_is_told_of_and_kept(keeping: FakeHost) -> None:
    keeping.reconcile(act("soft_delete", "web-1"))
    keeping.driver.save_record(record_of(keeping).but(deleted_at=LONG_AGO))
    keeping.driver.power_on(UUID)
    outcome = run(keeping, "reclaim_queued_deletes")
    assert deeds(outcome) == []
    assert "but is running; it is kept" in outcome.report.warnings[0]
    assert power_of(keeping) == "running"
    assert "restore it or stop it" in run(keeping, "sync_power_states").report.warnings[0]


def test_with_a_reclaim_interval_of_0_nothing_is_reclaimed(keeping: FakeHost) -> None:
    keeping.reconcile(act("soft_delete", "web-1"))
    keeping.driver.save_record(record_of(keeping).but(deleted_at=LONG_AGO))
    setup_options(keeping, reclaim_instance_interval=0)
    assert run(keeping, "reclaim_queued_deletes").status == "off"
    assert power_of(keeping) == "shutdown"


def test_a_guest_that_was_started_beside_novella_is_stopped_again(host: FakeHost) -> None:
    host.reconcile(create("web-1", vm_state="stopped"))
    host.driver.power_on(UUID)
    assert deeds(run(host, "sync_power_states")) == [("stop", "web-1")]
    assert (power_of(host), record_of(host).vm_state) == ("shutdown", "stopped")
    history = host.db.query("SELECT operation FROM actions ORDER BY id")
    assert [row["operation"] for row in history] == ["create", "stop"]


def test_a_foreign_domain_and_an_instance_in_the_hands_of_another_run_are_left_alone(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.driver.put_foreign(Domain("uuid-of-stranger", "stranger", "running", Usage(1, 512, 1)))
    host.driver.power_off(UUID)
    Journal(host.db).begin(UUID, "web-1", "stop")
    outcome = run(host, "sync_power_states")
    assert (deeds(outcome), outcome.report.warnings) == ([], [])
    assert (power_of(host, "uuid-of-stranger"), record_of(host).vm_state) == ("running", "active")


def test_a_guest_that_is_only_restarting_is_left_alone(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.reconcile(create("web-1"))
    listed = [dataclasses.replace(domain, power_state="shutdown") for domain in host.driver.list_domains()]
    monkeypatch.setattr(host.driver, "list_domains", lambda: listed)
    assert deeds(run(host, "sync_power_states")) == []
    assert power_of(host) == "running"


def test_what_stopped_by_itself_is_started_again_unless_it_is_known_to_be_on_another_host(host: FakeHost) -> None:
    setup_options(host, power_policy="restart")
    host.reconcile(create("web-1"), create("web-2"))
    host.driver.power_off(UUID)
    host.driver.power_off("uuid-of-web-2")
    Whereabouts(host.db).expect([Whereabout("uuid-of-web-2", "web-2", "kvm2")], "a-run")
    outcome = run(host, "sync_power_states")
    assert deeds(outcome) == [("start", "web-1")]
    assert "is known to be on kvm2; it is not started" in outcome.report.warnings[0]
    assert [power_of(host), power_of(host, "uuid-of-web-2")] == ["running", "shutdown"]


def test_a_lost_instance_is_an_alarm_and_nothing_is_made(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.driver.undefine(UUID)
    outcome = run(host, "sync_power_states")
    assert deeds(outcome) == []
    assert "web-1 (uuid-of-web-1) HAS VANISHED from kvm1" in outcome.report.warnings[0]
    assert "its root disk is there" in outcome.report.warnings[0]


def test_an_old_image_goes_when_no_disk_needs_it_any_more(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    with host.db.transaction() as connection:
        connection.execute("UPDATE fake_images SET used_at = 0")
    assert run(host, "run_image_cache_manager_pass").report.did == []
    host.reconcile(act("delete", "web-1"))
    would = run(host, "run_image_cache_manager_pass", check=True).report.did
    assert [deed["path"] for deed in would] == ["/srv/images/tiny.qcow2"]
    assert run(host, "run_image_cache_manager_pass").report.did == would
    assert run(host, "run_image_cache_manager_pass").report.did == []


def test_an_image_is_not_removed_within_the_minute_in_which_a_build_may_need_it(host: FakeHost) -> None:
    setup_options(host, remove_unused_original_minimum_age_seconds=0)
    outcome = run(host, "run_image_cache_manager_pass")
    assert "It must be 60 or more." in outcome.report.failed[0]["error"]["remedy"]


def test_claims_whose_run_has_ended_are_given_back_and_others_are_kept(host: FakeHost) -> None:
    host.manager()
    columns = "uuid, name, vcpus, memory_mb, disk_gb, owner, created_at"
    with host.db.transaction() as connection:
        for name, owner in (("alive", current_owner()), ("dead", "no-boot:1:1")):
            row = (f"uuid-of-{name}", name, 1, 512, 1, owner, LONG_AGO)
            connection.execute(f"INSERT INTO claims ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    # Not recovered first: that would give it back already.
    manager = ComputeManager(host.options, host.driver, host.db)
    outcome = manager.periodic_tasks(names=["drop_stale_claims"], force=True)[0]
    assert [deed["name"] for deed in outcome.report.did] == ["dead"]
    assert [row["name"] for row in host.db.query("SELECT name FROM claims")] == ["alive"]


def test_memory_that_somebody_has_saved_is_counted_as_stopped_once_and_kept(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.driver.suspend(UUID)
    assert deeds(run(host, "sync_power_states")) == [("stop", "web-1")]
    assert (record_of(host).vm_state, power_of(host)) == ("stopped", "suspended")
    assert deeds(run(host, "sync_power_states")) == []
    host.reconcile(act("start", "web-1"))
    assert (record_of(host).vm_state, power_of(host)) == ("active", "running")


def test_a_rescued_guest_that_is_off_is_warned_of(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.reconcile(act("rescue", "web-1"))
    host.driver.power_off(UUID)
    outcome = run(host, "sync_power_states")
    assert deeds(outcome) == []
    assert outcome.report.warnings == [
        "web-1 on kvm1 is rescued, and off (vm_state rescued, power_state shutdown); unrescue it."
    ]
