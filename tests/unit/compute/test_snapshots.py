# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of instances' disks: whole or not at all, and a guest that is asked to stand still goes on again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Answer
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.operation import OPERATIONS
from ansible_collections.novella.compute.plugins.module_utils.compute.run_states import POWER_OF
from ansible_collections.novella.compute.plugins.module_utils.compute.snapshot_commands import CopyProgress
from ansible_collections.novella.compute.plugins.module_utils.compute.snapshot_order import SnapshotOrder, read_order
from ansible_collections.novella.compute.plugins.module_utils.compute.snapshots import SnapshotStore
from ansible_collections.novella.compute.plugins.module_utils.compute.states import DELETED, VM_STATES
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError, OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.objects.snapshot import Snapshot
from support.busy_host import DEAD
from support.fake_host import IMAGE, FakeHost, create

UUID = "uuid-of-web"
ORDER = SnapshotOrder("before-upgrade")
STATES = ("active", "paused", "stopped", "suspended")
STEPS = ("freeze_guest", "begin_copy", "thaw_guest", "finish_copy")


def take(host: FakeHost, order: SnapshotOrder = ORDER, check: bool = False, name: str = "web") -> Answer:
    [answer] = host.manager().take_snapshots(order, Selection([name]), check)
    return answer


def files(host: FakeHost) -> list[str]:
    folder = host.path / "snapshots"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def found(host: FakeHost, **selection: Any) -> list[Snapshot]:
    return host.manager().find_snapshots(Selection(**selection))


def have(host: FakeHost, image: Image = IMAGE, vm_state: str = "active") -> None:
    action = create("web", vm_state=vm_state if vm_state in POWER_OF else "active")
    host.reconcile(action.but(spec=action.spec.but(image=image)))


def mend(host: FakeHost) -> None:
    """End the bad luck, and the run that had it; the next one recovers."""
    host.settings()
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = ?", (DEAD,))
    host.manager()


@pytest.mark.parametrize("vm_state", STATES)
def test_a_snapshot_is_an_image_with_its_record_and_the_instance_is_as_it_was(host: FakeHost, vm_state: str) -> None:
    have(host, IMAGE.but(min_ram_mb=256, properties={"os_type": "linux", "img_signature": "x"}), vm_state)
    before = host.manager().audit().instances
    answer = take(host, ORDER.but(metadata={"reason": "upgrade"}))
    assert (answer.status, answer.before, answer.after) == ("done", vm_state, vm_state)
    [after] = host.manager().audit().instances
    assert [after.but(instance=after.instance.but(generation=before[0].instance.generation))] == before
    assert files(host) == [f"{UUID}/before-upgrade.json", f"{UUID}/before-upgrade.qcow2"]
    path = host.path / "snapshots" / UUID / "before-upgrade.qcow2"
    assert path.read_text() == f"a copy of {IMAGE.source}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    [told] = found(host)
    assert (told.instance_name, told.vm_state, told.image_type, told.base_image) == (
        "web",
        vm_state,
        "snapshot",
        IMAGE.source,
    )
    assert told.quiesced == (vm_state == "stopped")
    checksum = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    properties = {"os_type": "linux", "reason": "upgrade"}
    assert told.as_image() == Image("before-upgrade", str(path), checksum, 256, 1, properties)
    assert answer.remarks == [f"The image is {path} (1 MB)."]


@pytest.mark.parametrize("operation", ["snapshot", "backup"])
@pytest.mark.parametrize("vm_state", sorted({*VM_STATES} - {DELETED}))
def test_from_which_states_is_as_in_nova(host: FakeHost, operation: str, vm_state: str) -> None:
    have(host, vm_state=vm_state)
    if vm_state not in POWER_OF:
        [seen] = host.manager().audit().instances
        host.driver.save_record(seen.instance.but(vm_state=vm_state))
    order = ORDER if operation == "snapshot" else ORDER.but(backup_type="daily", rotation=2)
    planned, answer = take(host, order, check=True), take(host, order)
    if vm_state in STATES:
        assert (planned.status, answer.status, answer.after) == ("planned", "done", vm_state)
        assert (planned.record_before, planned.record_after) == (answer.record_before, answer.record_after)
    else:
        assert (planned.status, answer.status) == ("failed", "failed")
        assert answer.error is not None and answer.error["code"] == "InstanceInvalidState"
        assert files(host) == []


def test_an_instance_that_has_it_is_left_alone(host: FakeHost) -> None:
    have(host)
    take(host)
    [first] = found(host)
    again = take(host)
    assert (again.status, again.record_after) == ("unchanged", {"snapshots": ["before-upgrade"]})
    assert found(host) == [first]


def test_check_mode_makes_nothing(host: FakeHost) -> None:
    have(host)
    answer = take(host, check=True)
    assert (answer.record_before, answer.record_after) == ({"snapshots": []}, {"snapshots": ["before-upgrade"]})
    assert not (host.path / "snapshots").exists()


def test_two_instances_may_have_snapshots_of_one_name(host: FakeHost) -> None:
    host.reconcile(create("web-1"), create("web-2"))
    answers = host.manager().take_snapshots(ORDER, Selection(["web-*"]), False)
    assert [answer.status for answer in answers] == ["done", "done"]
    assert sorted(item.instance_name for item in found(host)) == ["web-1", "web-2"]
    assert [item.instance_name for item in found(host, names=["*-2"])] == ["web-2"]


def test_a_locked_instance_can_be_copied(host: FakeHost) -> None:
    host.reconcile(create("web", locked=True))
    assert take(host).status == "done"


# -- the guest's file systems --------------------------------------------------------------------------------


@pytest.mark.parametrize("vm_state", ["active", "stopped"])
def test_a_quiesced_guest_goes_on(host: FakeHost, vm_state: str) -> None:
    have(host, vm_state=vm_state)
    assert take(host, ORDER.but(quiesce=True)).status == "done"
    assert [item.quiesced for item in found(host)] == [True]
    assert host.driver.jobs_of(UUID) == []
    events = host.manager().describe_instances(Selection(["web"]), 1)["instances"][0]["actions"][0]["events"]
    thaws = [event for event in events if "thaw" in event["event"]]
    assert len(thaws) == (vm_state == "active")


@pytest.mark.parametrize("vm_state", ["paused", "suspended"])
def test_a_guest_that_stands_still_cannot_be_quiesced(host: FakeHost, vm_state: str) -> None:
    have(host, vm_state=vm_state)
    answer = take(host, ORDER.but(quiesce=True))
    assert answer.error is not None
    assert answer.error["message"] == f"web cannot write out its file systems: it is {vm_state}."
    assert files(host) == []


@pytest.mark.parametrize(
    ("properties", "quiesce", "status"),
    [
        ({}, True, "failed"),
        ({"os_require_quiesce": "yes"}, None, "failed"),
        ({"os_require_quiesce": "true"}, False, "failed"),
        ({"hw_qemu_guest_agent": "yes"}, None, "done"),
        ({"hw_qemu_guest_agent": "yes"}, False, "done"),
        ({}, None, "done"),
    ],
)
def test_without_an_agent_it_fails_where_it_must_be_quiesced(
    host: FakeHost, properties: dict[str, str], quiesce: bool | None, status: str
) -> None:
    have(host, IMAGE.but(properties=properties))
    host.settings(without_agent=["web"])
    answer = take(host, ORDER.but(quiesce=quiesce))
    assert answer.status == status
    tried = "hw_qemu_guest_agent" in properties and quiesce is None
    assert ("Its file systems were not written out first: " in " ".join(answer.remarks)) == tried
    if status == "failed":
        assert answer.error is not None and answer.error["code"] == "GuestAgentUnavailable"
        assert files(host) == []
    else:
        assert not found(host)[0].quiesced


def test_a_guest_whose_agent_falls_silent_while_it_stands_still_is_not_forgotten(host: FakeHost) -> None:
    have(host)
    host.settings(failures={"thaw_guest": {"web": "silence"}})
    assert take(host, ORDER.but(quiesce=True)).status == "failed"
    assert host.driver.jobs_of(UUID) == ["copying", "frozen"]
    mend(host)
    assert host.driver.jobs_of(UUID) == []
    assert files(host) == []


# -- failures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", STEPS)
def test_of_one_that_fails_nothing_is_left(host: FakeHost, method: str) -> None:
    have(host)
    host.settings(failures={method: {"web": "no such luck"}})
    answer = take(host, ORDER.but(quiesce=True))
    assert answer.error is not None and "no such luck" in answer.error["message"]
    mend(host)
    assert files(host) == []
    assert host.driver.jobs_of(UUID) == []
    [seen] = host.manager().audit().instances
    assert (seen.instance.task_state, seen.power_state) == (None, "running")
    assert take(host).status == "done"


def test_without_room_it_is_not_begun(host: FakeHost) -> None:
    have(host)
    host.settings(copy_size=1 << 60)
    answer = take(host)
    assert answer.error is not None and answer.error["code"] == "ComputeResourcesUnavailable"
    assert "The image takes 1099511627776 MiB, " in answer.error["message"]
    assert files(host) == []


def test_an_image_that_was_whole_when_its_run_died_is_kept_and_the_oldest_goes(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(host)
    backup = SnapshotOrder("one", "daily", 1)
    take(host, backup)

    def die(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(SnapshotStore, "rotate", die)
        take(host, backup.but(name="two"))
    assert [item.name for item in found(host)] == ["two", "one"]
    mend(host)
    assert [item.name for item in found(host)] == ["two"]


@pytest.mark.parametrize("suffix", [".json", ".qcow2", ".qcow2.part", ".json.part"])
def test_what_a_death_left_of_an_image_is_no_image_and_in_nobodys_way(host: FakeHost, suffix: str) -> None:
    have(host)
    folder = host.path / "snapshots" / UUID
    folder.mkdir(parents=True)
    (folder / f"before-upgrade{suffix}").write_text("{}")
    assert found(host) == []
    assert take(host).status == "done"
    assert files(host) == [f"{UUID}/before-upgrade.json", f"{UUID}/before-upgrade.qcow2"]


# -- deleting ------------------------------------------------------------------------------------------------


def test_a_snapshot_outlives_its_instance_and_can_be_deleted(host: FakeHost) -> None:
    have(host)
    take(host)
    host.driver.undefine(UUID)
    manager = host.manager()
    [planned] = manager.delete_snapshots("before-upgrade", Selection(["web"]), True)
    assert (planned.status, planned.before, planned.record_after) == ("planned", "absent", {"snapshots": []})
    assert len(files(host)) == 2
    assert [answer.status for answer in manager.delete_snapshots("before-upgrade", Selection(["web"]), False)] == [
        "done"
    ]
    assert list((host.path / "snapshots").iterdir()) == []


def test_deleting_what_is_not_there_is_nothing(host: FakeHost) -> None:
    have(host)
    take(host)
    [answer] = host.manager().delete_snapshots("another", Selection(["web"]), False)
    assert answer.status == "unchanged"
    assert len(found(host)) == 1
    with pytest.raises(OptionInvalid, match="Nothing says of which instances to delete"):
        host.manager().delete_snapshots("before-upgrade", Selection(), False)


def test_nothing_is_deleted_of_an_instance_that_another_run_works_on(host: FakeHost) -> None:
    have(host)
    take(host)
    manager = host.manager()
    Journal(host.db).begin(UUID, "web", "stop")
    [answer] = manager.delete_snapshots("before-upgrade", Selection(["web"]), False)
    assert answer.error is not None and answer.error["code"] == "InstanceLocked"
    assert len(files(host)) == 2


# -- what is asked for ---------------------------------------------------------------------------------------


def options(**given: Any) -> dict[str, Any]:
    return {"snapshot": None, "backup_type": None, "rotation": None, "quiesce": None, "metadata": None, **given}


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 201, "a\nb", "-x", "ü", "a b", "a\n"])
def test_a_name_that_is_no_files_is_refused(name: str) -> None:
    with pytest.raises(OptionInvalid):
        read_order(options(snapshot=name))
    with pytest.raises(OptionInvalid):
        read_order(options(backup_type=name, rotation=1))


@pytest.mark.parametrize("rotation", [0, -1])
def test_a_rotation_that_keeps_nothing_is_refused(rotation: int) -> None:
    with pytest.raises(OptionInvalid, match="it must be at least 1"):
        read_order(options(backup_type="daily", rotation=rotation))


def test_a_backup_without_a_name_is_called_after_its_type_and_the_time() -> None:
    order = read_order(options(backup_type="daily", rotation=7))
    assert (
        order.name.startswith("daily-20")
        and order.name.endswith("Z")
        and len(order.name) == len("daily-20261121T101530Z")
    )


@pytest.mark.parametrize("directory", ["here", "/srv/../etc"])
def test_a_directory_that_is_no_absolute_path_is_refused(host: FakeHost, directory: str) -> None:
    have(host)
    manager = ComputeManager(
        host.options.__class__(**{**vars(host.options), "snapshots_dir": directory}), host.driver, host.db
    )
    with pytest.raises(NovellaError, match="no absolute path"):
        manager.take_snapshots(ORDER, Selection(["web"]), False)


def test_snapshots_lie_where_the_operator_wants_them(host: FakeHost, tmp_path: Path) -> None:
    have(host)
    place = str(tmp_path / "elsewhere")
    manager = ComputeManager(
        host.options.__class__(**{**vars(host.options), "snapshots_dir": place}), host.driver, host.db
    )
    manager.take_snapshots(ORDER, Selection(["web"]), False)
    assert [item.file for item in manager.find_snapshots(Selection())] == [f"{place}/{UUID}/before-upgrade.qcow2"]


def test_a_record_that_cannot_be_read_hides_only_its_own_image(host: FakeHost) -> None:
    have(host)
    take(host)
    folder = host.path / "snapshots" / UUID
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    for name, content in (("torn", "{"), ("list", "[]"), ("newer", json.dumps({"kind": "snapshot", "version": "9.0"}))):
        (folder / f"{name}.json").write_text(content)
        (folder / f"{name}.qcow2").write_text("x")
    assert [item.name for item in found(host)] == ["before-upgrade"]


def test_a_record_that_somebody_has_edited_leads_nowhere_else(host: FakeHost) -> None:
    have(host)
    take(host)
    record = host.path / "snapshots" / UUID / "before-upgrade.json"
    lies = {"name": "../../x", "file": "/etc/passwd", "instance_uuid": "..", "instance_name": "web"}
    record.write_text(json.dumps({**json.loads(record.read_text()), **lies}))
    [told] = found(host)
    assert (told.name, told.instance_uuid, told.file) == ("before-upgrade", UUID, str(record.with_suffix(".qcow2")))


def test_what_is_copied_is_told_while_it_is(host: FakeHost) -> None:
    told: list[Any] = []
    manager = ComputeManager(host.options, host.driver, host.db, lambda *what: told.append(what))
    have(host)
    manager.take_snapshots(ORDER, Selection(["web"]), False)
    assert told == [("snapshot web: 50 % of 1 MB copied", 0, 1), ("snapshot web: done", 1, 1)]


def test_progress_of_nothing_is_no_division_by_zero() -> None:
    told: list[Any] = []
    CopyProgress(lambda *what: told.append(what), 3).copying("snapshot web", 0, 0)
    assert told == [("snapshot web: 0 % of 0 MB copied", 0, 3)]


def test_both_are_operations_that_recover() -> None:
    assert all(
        OPERATIONS[name].leaves_unfinished and OPERATIONS[name].ends_in is None for name in ("snapshot", "backup")
    )
