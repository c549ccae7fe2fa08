# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A locked instance stays as it is, whoever asks for what and however."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import COMMANDS, Answer, Command
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.locking import THOUGH_LOCKED
from ansible_collections.novella.compute.plugins.module_utils.compute.operation import OPERATIONS
from ansible_collections.novella.compute.plugins.module_utils.compute.single import SingleInstance
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InstanceIsLocked
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import ObservedInstance
from support.fake_host import FakeHost, act, create

REFUSAL = {
    "code": "InstanceIsLocked",
    "message": "web is locked: an audit.",
    "remedy": "Unlock it first (novella.compute.instance_action action=unlock).",
    "details": {},
}


# What leaves a running instance as it is.
IDLE = {name for name in COMMANDS if OPERATIONS[name].ends_in == "active" and not OPERATIONS[name].repeats}


def obey(host: FakeHost, operation: str, check: bool = False, **arguments: Any) -> Answer:
    [answer] = host.manager().obey(Command(operation, Selection(["web"]), arguments), check)
    return answer


def look(host: FakeHost) -> ObservedInstance:
    [seen] = host.manager().audit().instances
    return seen


@pytest.fixture
def locked(host: FakeHost) -> FakeHost:
    """A host with a running instance that is locked."""
    host.reconcile(create("web"))
    assert obey(host, "lock", reason="an audit.").status == "done"
    return host


def test_what_is_locked_again_keeps_its_reason_and_is_unchanged(locked: FakeHost) -> None:
    before = look(locked)
    assert (before.instance.locked, before.instance.locked_reason) == (True, "an audit.")
    assert obey(locked, "lock", reason="another").status == "unchanged"
    assert look(locked) == before


def test_a_lock_goes_and_its_reason_with_it(locked: FakeHost) -> None:
    answer = obey(locked, "unlock")
    assert answer.status == "done"
    assert (answer.record_before, answer.record_after) == (
        {"locked": True, "locked_reason": "an audit."},
        {"locked": False, "locked_reason": None},
    )
    assert not look(locked).instance.locked
    assert obey(locked, "unlock").status == "unchanged"
    assert obey(locked, "stop").status == "done"


def test_the_history_has_novas_names(locked: FakeHost) -> None:
    obey(locked, "unlock")
    obey(locked, "change_metadata", tags=["public"])
    told = locked.manager().describe_instances(Selection(["web"]), 3)["instances"][0]["actions"]
    assert [action["action"] for action in told] == ["change_instance_metadata", "unlock", "lock"]


@pytest.mark.parametrize("operation", sorted({*COMMANDS} - {*THOUGH_LOCKED, *IDLE}))
@pytest.mark.parametrize("check", [True, False])
def test_whatever_is_asked_for_by_name_is_refused(locked: FakeHost, operation: str, check: bool) -> None:
    before = look(locked)
    answer = obey(locked, operation, check)
    assert (answer.status, answer.error) == ("failed", REFUSAL)
    assert look(locked) == before


@pytest.mark.parametrize("operation", sorted(IDLE))
def test_what_is_so_already_is_no_failure(locked: FakeHost, operation: str) -> None:
    assert obey(locked, operation).status == "unchanged"


@pytest.mark.parametrize("operation", sorted({*OPERATIONS} - {*THOUGH_LOCKED, "create", "adopt"}))
@pytest.mark.parametrize("keeps", [0, 3600])
def test_whatever_comes_through_a_plan_is_refused(locked: FakeHost, operation: str, keeps: int) -> None:
    before = look(locked)
    locked.options = dataclasses.replace(locked.options, reclaim_instance_interval=keeps)
    [result] = locked.reconcile(act(operation, "web"))
    assert result["error"] == REFUSAL
    assert look(locked) == before


def test_a_plan_may_still_write_down_its_intent(locked: FakeHost) -> None:
    spec = look(locked).instance.spec.but(metadata={"role": "db"})
    [result] = locked.reconcile(act("update", "web", spec=spec))
    assert result["status"] == "done"
    assert (look(locked).instance.spec, look(locked).instance.locked) == (spec, True)


def test_what_is_made_locked_is_so_from_the_beginning(host: FakeHost) -> None:
    host.reconcile(create("web", locked=True))
    assert look(host).instance.locked_reason == "it is declared locked"
    assert (obey(host, "stop").status, look(host).power_state) == ("failed", "running")


def test_the_lock_does_not_stop_the_recovery_of_a_dead_run(locked: FakeHost) -> None:
    seen = look(locked).instance
    journal = Journal(locked.db)
    journal.begin(seen.uuid, "web", "delete")
    journal.begin_step(seen.uuid, "power off")
    with locked.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = 'another-boot:1:1'")
    assert locked.manager().audit().instances == []


def test_a_lock_of_which_a_run_died_is_there_or_not_and_can_be_asked_for_again(host: FakeHost) -> None:
    host.reconcile(create("web"))
    seen = look(host).instance
    Journal(host.db).begin(seen.uuid, "web", "lock")
    host.driver.save_record(seen.but(task_state="updating"))
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = 'another-boot:1:1'")
    assert obey(host, "lock").status == "done"
    assert (look(host).instance.locked, look(host).instance.task_state) == (True, None)


def test_a_reason_is_one_line(host: FakeHost) -> None:
    host.reconcile(create("web"))
    for reason in ("two\nlines", "x" * 256):
        answer = obey(host, "lock", reason=reason)
        assert answer.error is not None
        assert answer.error["message"] == "The reason of a lock is one line of at most 255 characters."
    assert not look(host).instance.locked


@pytest.mark.parametrize("policy", ["enforce", "observe", "restart"])
def test_of_a_locked_instance_power_sync_only_corrects_the_record(locked: FakeHost, policy: str) -> None:
    locked.options = dataclasses.replace(locked.options, power_policy=policy)
    locked.driver.power_off("uuid-of-web")
    run_task(locked, "sync_power_states")
    seen = look(locked)
    assert (seen.instance.vm_state, seen.power_state, seen.instance.locked) == ("stopped", "shutdown", True)
    locked.driver.power_on("uuid-of-web")
    run_task(locked, "sync_power_states")
    assert (look(locked).instance.vm_state, look(locked).power_state) == ("active", "running")


def test_a_deleted_instance_that_is_locked_is_not_reclaimed(host: FakeHost) -> None:
    host.options = dataclasses.replace(host.options, reclaim_instance_interval=1)
    host.reconcile(create("web"))
    obey(host, "soft_delete")
    obey(host, "lock", reason="an audit")
    host.driver.save_record(look(host).instance.but(deleted_at="2026-01-01T00:00:00.000000Z"))
    [warning] = run_task(host, "reclaim_queued_deletes").warnings
    assert warning.startswith("web is locked: an audit. Unlock it first")
    assert look(host).instance.vm_state == "soft-delete"
    obey(host, "unlock")
    run_task(host, "reclaim_queued_deletes")
    assert host.manager().audit().instances == []


def test_the_single_instance_is_refused_with_the_same_words(locked: FakeHost) -> None:
    single = SingleInstance(locked.manager(), "kvm1")
    seen = look(locked).instance
    wanted = WantedInstance(seen.uuid, seen.spec, "stopped")
    sentence = r"web is locked: an audit\. Unlock it first \(novella.compute.instance_action action=unlock\)\.$"
    with pytest.raises(InstanceIsLocked, match=sentence):
        single.provide(wanted)
    change = single.provide(dataclasses.replace(wanted, locked=False))
    assert [action.operation for action in change.actions] == ["unlock", "stop"]
    single.carry_out(change)
    assert look(locked).power_state == "shutdown"


def run_task(host: FakeHost, name: str) -> Any:
    return host.manager().periodic_tasks(names=[name], force=True)[0].report
