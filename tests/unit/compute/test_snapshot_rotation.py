# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of backups the newest are kept, and nothing else goes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Answer
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.snapshot_order import SnapshotOrder
from ansible_collections.novella.compute.plugins.module_utils.compute.snapshots import SnapshotStore, outdated
from ansible_collections.novella.compute.plugins.module_utils.objects.snapshot import Snapshot
from hypothesis import given
from hypothesis import strategies as some
from support.fake_host import FakeHost, create


def take(host: FakeHost, order: SnapshotOrder, check: bool = False) -> Answer:
    [answer] = host.manager().take_snapshots(order, Selection(["web"]), check)
    return answer


def names(host: FakeHost) -> list[str]:
    return sorted(item.name for item in host.manager().find_snapshots(Selection()))


def test_rotation_keeps_the_newest_of_that_type_and_nothing_else_goes(host: FakeHost) -> None:
    host.reconcile(create("web"))
    take(host, SnapshotOrder("before-upgrade"))
    take(host, SnapshotOrder("w", "weekly", 1))
    for number in range(4):
        order = SnapshotOrder(f"d{number}", "daily", 2)
        planned, answer = take(host, order, check=True), take(host, order)
        assert planned.record_after == answer.record_after
    assert names(host) == ["before-upgrade", "d2", "d3", "w"]


def test_a_backup_that_would_not_go_is_told_and_the_new_one_kept(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.reconcile(create("web"))
    take(host, SnapshotOrder("one", "daily", 1))

    def refuse(*_arguments: Any) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(SnapshotStore, "remove", refuse)
        answer = take(host, SnapshotOrder("two", "daily", 1))
    assert answer.status == "done"
    assert "These older backups could not be removed: one." in answer.remarks
    assert names(host) == ["one", "two"]


def backup(uuid: str, kind: tuple[str, str | None], second: int, name: str) -> Snapshot:
    return Snapshot(
        name=name,
        file="",
        checksum="",
        size_bytes=0,
        instance_uuid=uuid,
        instance_name="",
        fleet="",
        project_id="",
        host="",
        vm_state="active",
        created_at=f"2026-11-21T10:00:{second:02}.000000Z",
        min_disk_gb=0,
        image_type=kind[0],
        backup_type=kind[1],
    )


KINDS = (("backup", "daily"), ("backup", "weekly"), ("snapshot", None))


@given(
    made=some.lists(some.tuples(some.sampled_from("ab"), some.sampled_from(KINDS), some.integers(0, 59)), max_size=20),
    rotation=some.integers(1, 8),
    newest_second=some.integers(0, 59),
)
def test_of_any_images_the_newest_backups_stay(
    made: list[tuple[str, tuple[str, str | None], int]], rotation: int, newest_second: int
) -> None:
    images = [backup(uuid, kind, second, f"n{at:02}") for at, (uuid, kind, second) in enumerate(made)]
    # The clock may have been set back.
    images.append(backup("a", KINDS[0], newest_second, "new"))
    gone = outdated(images, "a", "daily", "new", rotation)
    ours = [item for item in images if item.instance_uuid == "a" and item.backup_type == "daily"]
    stay = [item for item in ours if item.name not in gone]
    assert set(gone) <= {item.name for item in ours} - {"new"}
    assert len(stay) == min(rotation, len(ours))
    ages = {item.name: item.created_at for item in ours}
    assert all(ages[old] <= item.created_at for old in gone for item in stay if item.name != "new")
    assert gone == sorted(gone, key=lambda name: (ages[name], name))
