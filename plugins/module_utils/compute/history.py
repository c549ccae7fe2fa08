# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history of a host: what was done to its instances, step by step, and what went wrong.

It is bounded, for the host and for each instance, and it is all that is lost with the tracker database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from ..objects.instance_action import ERROR, SUCCESS, InstanceAction, InstanceEvent, InstanceFault
from .clock import now
from .host_options import HostOptions
from .journal import Entry
from .states import ERROR as ERROR_STATE
from .tracker_db import TrackerDB

DIED = InstanceFault("ProcessDied", "its process ended before it did")


@dataclass(frozen=True)
class Subject:
    """The instance that an action was for. `fleet` and `project_id` are None where nothing tells them any more."""

    uuid: str
    name: str
    fleet: Optional[str] = None
    project_id: Optional[str] = None


@dataclass(frozen=True)
class Performed:
    """An operation that has come to an end, well or not.

    Args:
        operation: Its name.
        action: Nova's name for it.
        request_id: The run that asked for it, where that is known.
        started_at: ISO-8601 UTC.
        steps: Those that it began, in order; one that failed has no result yet.
        fault: Why it failed; None means success.
    """

    subject: Subject
    operation: str
    action: str
    request_id: Optional[str]
    started_at: str
    steps: Sequence[InstanceEvent]
    fault: Optional[InstanceFault] = None


class History:
    """The actions, events and faults of one host.

    Args:
        options: Name the host, and say how much is kept.
        db: The open tracker database.
    """

    def __init__(self, options: HostOptions, db: TrackerDB) -> None:
        self._options = options
        self._db = db

    def record(self, performed: Performed) -> None:
        """Add an operation. What then exceeds the bounds goes, in the same transaction."""
        subject, fault = performed.subject, performed.fault
        ended_at = now()
        result, words = (SUCCESS, "") if fault is None else (ERROR, fault.message)
        with self._db.transaction() as connection:
            added = connection.execute(
                "INSERT INTO actions VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                (subject.uuid, performed.action, performed.started_at, ended_at, result, words),
            ).lastrowid
            connection.execute(
                "INSERT INTO action_subjects VALUES (?, ?, ?, ?, ?)",
                (added, performed.request_id, subject.name, subject.fleet, subject.project_id),
            )
            events = [
                InstanceEvent(f"compute_{performed.operation}", performed.started_at, ended_at, result, words or None),
                *(_explained(step, fault) for step in performed.steps),
            ]
            connection.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (added, position, event.event, event.start_time, event.finish_time, event.result, event.details)
                    for position, event in enumerate(events)
                ],
            )
            if fault is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO faults VALUES (?, ?, ?, ?, ?, ?)",
                    (added, subject.uuid, fault.code, fault.message, fault.details, ended_at),
                )
            self._prune(connection, subject.uuid)

    def list_actions(self, uuid: str, most: int) -> list[InstanceAction]:
        """Return the newest ended actions on an instance, newest first, with their events."""
        rows = self._db.query(
            "SELECT actions.*, request_id FROM actions LEFT JOIN action_subjects ON action_id = id"
            " WHERE uuid = ? ORDER BY id DESC LIMIT ?",
            uuid,
            max(0, most),
        )
        return [self._action(row) for row in rows]

    def get_fault(self, uuid: str, vm_state: Optional[str]) -> Optional[InstanceFault]:
        """Return the newest fault of an instance while it matters: it is in error, or its last operation failed."""
        rows = self._db.query(
            "SELECT *, (SELECT MAX(id) FROM actions WHERE actions.uuid = faults.uuid) AS newest"
            " FROM faults WHERE uuid = ?",
            uuid,
        )
        if not rows or (vm_state != ERROR_STATE and rows[0]["action_id"] != rows[0]["newest"]):
            return None
        row = rows[0]
        return InstanceFault(row["code"], row["message"], row["details"], self._options.host, row["created_at"])

    def list_failed(self) -> list[Subject]:
        """Return the instances whose last operation here failed, whether they are here or not; by name."""
        rows = self._db.query(
            "SELECT action_subjects.*, uuid FROM faults JOIN action_subjects USING (action_id)"
            " WHERE action_id = (SELECT MAX(id) FROM actions WHERE actions.uuid = faults.uuid) ORDER BY name, uuid"
        )
        return [Subject(row["uuid"], row["name"], row["fleet"], row["project_id"]) for row in rows]

    def find_subject(self, uuid: str) -> Optional[Subject]:
        """Return the instance as its newest action knew it, or None where it has no history here."""
        rows = self._db.query(
            "SELECT action_subjects.* FROM actions JOIN action_subjects ON action_id = id"
            " WHERE uuid = ? ORDER BY id DESC LIMIT 1",
            uuid,
        )
        return Subject(uuid, rows[0]["name"], rows[0]["fleet"], rows[0]["project_id"]) if rows else None

    def _prune(self, connection: sqlite3.Connection, uuid: str) -> None:
        connection.execute(
            "DELETE FROM actions WHERE id <= (SELECT MAX(id) FROM actions) - ?", (max(0, self._options.kept_actions),)
        )
        connection.execute(
            "DELETE FROM actions"
            " WHERE id IN (SELECT id FROM actions WHERE uuid = ? ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (uuid, max(0, self._options.kept_actions_per_instance)),
        )

    def _action(self, row: sqlite3.Row) -> InstanceAction:
        events = self._db.query("SELECT * FROM events WHERE action_id = ? ORDER BY position", row["id"])
        return InstanceAction(
            action=row["operation"],
            instance_uuid=row["uuid"],
            request_id=row["request_id"],
            start_time=row["started_at"],
            finish_time=row["finished_at"],
            message=row["message"] or None,
            events=[
                InstanceEvent(
                    event["event"], event["started_at"], event["finished_at"], event["result"], event["details"]
                )
                for event in events
            ],
        )


def step_event(operation: str, step: str, start_time: Optional[str] = None) -> InstanceEvent:
    """Return the event that a step of an operation is, begun and not ended."""
    return InstanceEvent(f"compute_{operation}.{step.replace(' ', '_')}", start_time)


def steps_of(entry: Entry) -> list[InstanceEvent]:
    """Return the steps of an operation as its journal tells them: without their times."""
    return [
        step_event(entry.operation, step).but(result=SUCCESS if is_done else None)
        for step, is_done in entry.steps.items()
    ]


def fault_of(entry: Entry) -> InstanceFault:
    """Return why a dead operation failed: at its work, and so did its undo; or it just died."""
    noted = entry.notes.get("fault")
    return DIED if noted is None else InstanceFault.from_dict(noted)


def action_in_flight(entry: Entry, action: str, is_dead: bool) -> InstanceAction:
    """Return an operation that has not come to its end; a dead one says so.

    Args:
        action: Nova's name for it.
    """
    fault = fault_of(entry) if is_dead else None
    whole = InstanceEvent(f"compute_{entry.operation}", entry.started_at)
    events = [_explained(event, fault) for event in (whole, *steps_of(entry))]
    message = None if fault is None else fault.message
    return InstanceAction(action, entry.uuid, entry.notes.get("request_id"), entry.started_at, None, message, events)


def _explained(event: InstanceEvent, fault: Optional[InstanceFault]) -> InstanceEvent:
    """Return the event, with the reason where it is the one that failed."""
    if fault is None or event.result == SUCCESS:
        return event
    return event.but(result=ERROR, details=fault.message)
