# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of instances' disks that a person asks for: having them, having them no more, and listing them.

An image outlives its instance, so those of instances that are gone can be listed and deleted, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Optional

from ..objects.errors import InstanceLocked, NovellaError, OptionInvalid
from ..objects.instance import Instance
from ..objects.snapshot import Snapshot
from .commands import DONE, FAILED, PLANNED, UNCHANGED, Answer, Command, obey
from .host import Host
from .instance_details import Selection
from .reconciliation import Progress, describe_failure
from .records import read_record
from .snapshot_order import SnapshotOrder, check_directory
from .snapshots import SnapshotStore, outdated

DELETE = "delete_snapshot"
MB = 1_000_000


def take_snapshots(
    host: Host, order: SnapshotOrder, selection: Selection, check: bool, progress: Optional[Progress] = None
) -> list[Answer]:
    """Have every instance that is meant have such an image, and tell of each by name.

    One that has an image of that name is left alone. In each answer `record_before` and `record_after` hold the names
    of the instance's images.

    Args:
        check: Only tell what would come of it.
        progress: Told how far the copies are, and after each ended instance; see `commands.obey`.
    """
    store = _store(host)
    before = store.read_all()
    told = None if progress is None else CopyProgress(progress, len(list(_instances(host, selection))))
    command = Command(
        order.operation,
        selection,
        {"order": order, "copying": None if told is None else told.copying},
        lambda record: store.has(record.uuid, order.name),
    )
    answers = obey(host, command, check, None if told is None else told.ended)
    return [_describe(answer, before, order) for answer in answers]


def delete_snapshots(host: Host, name: str, selection: Selection, check: bool) -> list[Answer]:
    """Have no instance that is meant have an image of that name, and tell of each by name.

    Raises:
        OptionInvalid: Nothing says which instances.
    """
    if selection.names_nothing:
        raise OptionInvalid(
            f"Nothing says of which instances to delete {name}.",
            "Give names (such as '*'), uuids, a fleet or a project_id.",
        )
    store = _store(host)
    snapshots = store.read_all()
    answers = {}
    for record in _instances(host, selection):
        spec = record.spec
        answers[record.uuid] = Answer(
            record.uuid,
            spec.name,
            spec.fleet,
            spec.project_id,
            host.options.host,
            DELETE,
            UNCHANGED,
            record.vm_state,
            record.vm_state,
        )
    for item in _meant(snapshots, selection):
        answers.setdefault(item.instance_uuid, _gone(item, host.options.host))
    told, busy = [], {entry.uuid for entry in host.journal.entries()}
    for answer in sorted(answers.values(), key=lambda answer: (answer.name, answer.uuid)):
        names = _names(snapshots, answer.uuid)
        answer = answer.but(record_before={"snapshots": names}, record_after={"snapshots": names})
        told.append(_delete(store, answer, name, check, busy) if name in names else answer)
    return told


def find_snapshots(host: Host, selection: Selection) -> list[Snapshot]:
    """Return the images of the instances that are meant, newest first."""
    return _meant(_store(host).read_all(), selection)


class CopyProgress:
    """Tells of copies that go on in the words of `Progress`, which counts instances.

    Args:
        total: How many instances there are.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._count = (0, total)

    def ended(self, what: str, ended: int, total: int) -> None:
        """Be told of an instance that ended."""
        self._count = (ended, total)
        self._progress(what, ended, total)

    def copying(self, what: str, done: int, total: int) -> None:
        """Be told how many bytes of an instance's disk are copied."""
        percent = min(100, 100 * done // total) if total else 0
        self._progress(f"{what}: {percent} % of {-(-total // MB)} MB copied", *self._count)


def _store(host: Host) -> SnapshotStore:
    check_directory(host.options.snapshots_path)
    return SnapshotStore(host.options.snapshots_path)


def _meant(snapshots: Iterable[Snapshot], selection: Selection) -> list[Snapshot]:
    return [
        item
        for item in snapshots
        if selection.holds(item.instance_uuid, item.instance_name, item.fleet, item.project_id)
    ]


def _instances(host: Host, selection: Selection) -> Iterable[Instance]:
    for domain in host.driver.list_domains():
        record = read_record(domain)
        if record is not None:
            spec = record.spec
            if selection.holds(record.uuid, spec.name, spec.fleet, spec.project_id):
                yield record


def _gone(item: Snapshot, host: str) -> Answer:
    """Return the answer of an instance that is not on this host any more."""
    whose = (item.instance_uuid, item.instance_name, item.fleet, item.project_id)
    return Answer(*whose, host, DELETE, UNCHANGED, "absent", "absent")


def _delete(store: SnapshotStore, answer: Answer, name: str, check: bool, busy: Collection[str]) -> Answer:
    left = [item for item in answer.record_before["snapshots"] if item != name]
    if answer.uuid in busy:
        # It may be making one of that very name.
        held = InstanceLocked(f"{answer.name} is in the hands of another run.", "Run again when it has ended.")
        return answer.but(status=FAILED, error=describe_failure(DELETE, answer.name, held))
    done = answer.but(status=PLANNED if check else DONE, record_after={"snapshots": left})
    if check:
        return done
    try:
        store.remove(answer.uuid, name)
    except OSError as error:
        failure = NovellaError(f"{name} could not be removed: {error.strerror}.", "Look at the directory's owner.")
        return answer.but(status=FAILED, error=describe_failure(DELETE, answer.name, failure))
    return done


def _describe(answer: Answer, before: list[Snapshot], order: SnapshotOrder) -> Answer:
    names = _names(before, answer.uuid)
    after = names
    if answer.status in (DONE, PLANNED) and order.name not in names:
        after = sorted([*names, order.name])
        if order.rotation is not None:
            gone = outdated(before, answer.uuid, order.backup_type, order.name, order.rotation)
            after = [name for name in after if name not in gone]
    return answer.but(record_before={"snapshots": names}, record_after={"snapshots": after})


def _names(snapshots: Iterable[Snapshot], uuid: str) -> list[str]:
    return sorted(item.name for item in snapshots if item.instance_uuid == uuid)
