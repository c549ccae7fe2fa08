# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history: what a host tells of operations that ended well, that failed, and that their process did not survive."""

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.fault_words import describe_fault
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.owner import current_owner
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError
from support.fake_host import FakeHost, act, create


def tell(host: FakeHost, name: str = "web-1", most: int = 10, **selection: Any) -> dict[str, Any]:
    """What the host tells of one instance, wherever it tells it."""
    told = host.manager().describe_instances(Selection(names=[name], **selection), most)
    return next(iter([*told["instances"], *told["lost"], *told["absent"]]), {})


def outline(action: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(event["event"], event["result"]) for event in action["events"]]


def test_an_operation_is_told_with_its_steps_and_their_times(host: FakeHost) -> None:
    host.options = replace(host.options, request_id="req-1")
    host.reconcile(create("web-1"))
    (action,) = tell(host)["actions"]
    assert (action["action"], action["request_id"], action["message"]) == ("create", "req-1", None)
    steps = ["image", "root_disk", "config_drive", "define", "start"]
    events = ["compute_create", *(f"compute_create.{step}" for step in steps)]
    assert outline(action) == [(event, "Success") for event in events]
    times = [event["start_time"] for event in action["events"]]
    assert times == sorted(times)
    assert all(event["start_time"] <= event["finish_time"] <= action["finish_time"] for event in action["events"])


def test_a_failed_operation_tells_which_step_failed_and_why(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.settings(failures={"shut_down": {"web-1": "no such luck"}})
    host.reconcile(act("stop", "web-1"))
    told = tell(host)
    assert told["status"] == "ACTIVE"
    newest = told["actions"][0]
    assert outline(newest) == [("compute_stop", "Error"), ("compute_stop.shut_down", "Error")]
    assert newest["events"][1]["details"] == newest["message"] == "shut_down of web-1: no such luck"
    assert newest["events"][1]["finish_time"] <= newest["finish_time"]
    assert (told["fault"]["code"], told["fault"]["host"]) == ("HypervisorError", "kvm1")


def test_a_fault_is_shown_until_an_operation_succeeds(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.settings(failures={"shut_down": {"web-1": "no such luck"}})
    host.reconcile(act("stop", "web-1"))
    host.settings()
    host.reconcile(act("stop", "web-1"))
    assert tell(host)["fault"] is None
    record = host.manager().audit().instances[0].instance
    host.driver.save_record(record.but(vm_state="error"))
    assert tell(host)["fault"]["message"] == "shut_down of web-1: no such luck"


def test_a_create_that_failed_is_told_of_though_the_instance_is_not_there(host: FakeHost) -> None:
    host.settings(failures={"power_on": {"web-1": "no such luck"}})
    host.reconcile(create("web-1"))
    told = tell(host)
    assert (told["status"], told["fault"]["message"]) == ("ERROR", "power_on of web-1: no such luck")
    assert outline(told["actions"][0])[-1] == ("compute_create.start", "Error")
    assert tell(host, fleet="another") == {}


def test_a_deleted_instance_is_told_of_when_its_uuid_is_asked_for(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.reconcile(act("delete", "web-1"))
    assert tell(host) == {}
    told = tell(host, uuids=["uuid-of-web-1"])
    assert told["status"] == "DELETED"
    assert [action["action"] for action in told["actions"]] == ["delete", "create"]


def kill_at(host: FakeHost, step: str, monkeypatch: pytest.MonkeyPatch, act_now: Any) -> None:
    """Let the process die in a step, as by SIGKILL, and look like another boot's."""

    class Killed(BaseException):
        pass

    def begin_step(self: Journal, uuid: str, name: str) -> None:
        original(self, uuid, name)
        if name == step:
            raise Killed

    original = Journal.begin_step
    monkeypatch.setattr(Journal, "begin_step", begin_step)
    with pytest.raises(Killed):
        act_now()
    monkeypatch.undo()
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = 'another-boot:1:1'")


def test_an_operation_whose_process_was_killed_says_so(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_at(host, "define", monkeypatch, lambda: host.reconcile(create("web-1")))
    told = tell(host)
    assert told["fault"]["message"] == "its process ended before it did"
    assert told["fleet"] == "default"
    (action,) = told["actions"]
    assert action["message"] == "its process ended before it did"
    assert outline(action)[-2:] == [("compute_create.config_drive", "Success"), ("compute_create.define", "Error")]
    assert action["events"][-1]["finish_time"] is None


def test_a_dead_operation_is_told_before_anybody_has_recovered_it(host: FakeHost, monkeypatch) -> None:
    kill_at(host, "define", monkeypatch, lambda: host.reconcile(create("web-1")))
    reader = ComputeManager(host.options, host.driver, host.db)
    (told,) = reader.describe_instances(Selection(), 10)["absent"]
    assert (told["status"], told["fault"]["message"]) == ("ERROR", "its process ended before it did")
    assert told["actions"][0]["finish_time"] is None
    assert host.db.query("SELECT 1 FROM journal")


def test_an_operation_that_goes_on_is_told_as_such(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_at(host, "define", monkeypatch, lambda: host.reconcile(create("web-1")))
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = ?", (current_owner(),))
    told = tell(host)
    assert (told["status"], told["fault"]) == ("BUILD", None)
    assert told["actions"][0]["finish_time"] is told["actions"][0]["message"] is None
    assert outline(told["actions"][0])[-1] == ("compute_create.define", None)


def test_a_failed_operation_whose_undo_fails_too_is_told_with_its_own_fault(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.settings(failures={"power_off": {"web-1": "stuck"}})
    host.reconcile(act("delete", "web-1"))
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = 'another-boot:1:1'")
    host.settings()
    assert tell(host, uuids=["uuid-of-web-1"])["actions"][0]["message"] == "power_off of web-1: stuck"


def test_the_history_is_bounded_for_the_host_and_for_each_instance(host: FakeHost) -> None:
    host.options = replace(host.options, kept_actions=6, kept_actions_per_instance=3)
    host.reconcile(create("web-1"), create("web-2"))
    for _round in range(4):
        host.reconcile(act("stop", "web-1"), act("start", "web-1"))
    assert [action["action"] for action in tell(host)["actions"]] == ["start", "stop", "start"]
    host.settings(failures={"shut_down": {"web-2": "no such luck"}})
    host.reconcile(act("stop", "web-2"))
    for _round in range(4):
        host.reconcile(act("stop", "web-1"), act("start", "web-1"))
    assert tell(host, "web-2")["actions"] == []
    # What belonged to it went with it.
    assert host.db.query("SELECT 1 FROM faults") == []
    kept = {row["id"] for row in host.db.query("SELECT id FROM actions")}
    assert {row["action_id"] for row in host.db.query("SELECT action_id FROM events")} == kept
    assert len(kept) == 3


def test_a_history_of_no_length_keeps_nothing_and_nothing_fails(host: FakeHost) -> None:
    host.options = replace(host.options, kept_actions=0)
    host.settings(failures={"power_on": {"web-2": "no such luck"}})
    results = host.reconcile(create("web-1"), create("web-2"))
    assert [result["status"] for result in results] == ["done", "failed"]
    assert (tell(host)["actions"], tell(host, "web-2")) == ([], {})


def test_what_an_older_release_has_recorded_is_told_without_what_it_did_not_know(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    with host.db.transaction() as connection:
        row = ("uuid-of-web-1", "stop", "2026-11-20T10:00:00Z", "2026-11-20T10:00:05Z", "Error", "HypervisorError: no")
        connection.execute("INSERT INTO actions VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
    newest = tell(host)["actions"][0]
    assert (newest["action"], newest["message"], newest["request_id"]) == ("stop", "HypervisorError: no", None)
    assert newest["events"] == []


def test_only_as_many_actions_are_told_as_were_asked_for(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.reconcile(act("stop", "web-1"), act("start", "web-1"))
    assert [action["action"] for action in tell(host, most=2)["actions"]] == ["start", "stop"]
    assert tell(host, most=0)["actions"] == []


def test_user_data_that_an_error_quotes_is_kept_out_of_the_history(host: FakeHost, monkeypatch) -> None:
    secret = b"#cloud-config\npassword: top-secret-words\n"

    def quote(*args: Any) -> None:
        raise HypervisorError(f"cannot write {secret.decode()}", f"Look at {secret.decode().splitlines()[1]}.")

    monkeypatch.setattr(host.driver, "write_config_drive", quote)
    host.manager().reconcile([create("web-1")], {"uuid-of-web-1": secret})
    tables = [row["name"] for row in host.db.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
    dump = str([tuple(row) for table in tables for row in host.db.query(f"SELECT * FROM {table}")])
    assert "cannot write" in dump
    assert "top-secret-words" not in dump


def test_of_an_unexpected_exception_only_its_class_is_told() -> None:
    fault = describe_fault(ValueError("the password is top-secret-words"), {})
    assert (fault.code, "top-secret" in fault.message) == ("ValueError", False)


def test_a_long_message_is_cut_to_what_the_history_holds() -> None:
    fault = describe_fault(HypervisorError("x" * 1000, "y" * 1000), {})
    assert (len(fault.message), len(fault.details)) == (255, 255)
