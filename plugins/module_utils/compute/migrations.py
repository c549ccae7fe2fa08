# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migrations that a host takes part in: their statuses (Nova's, by type), what they hold, where they are written."""

from __future__ import annotations

import json
import sqlite3
from typing import Optional

from ..objects.errors import InstanceInvalidState, MigrationNotFound
from ..objects.instance import Instance
from ..objects.migration import Migration, MoveHalf
from ..virt.hypervisor import Domain
from .clock import now
from .owner import is_alive
from .tracker_db import TrackerDB

RESIZE, MIGRATION, LIVE, EVACUATION, REBUILD = "resize", "migration", "live-migration", "evacuation", "rebuild"

ACCEPTED, QUEUED, PREPARING, RUNNING, POST_COPY = "accepted", "queued", "preparing", "running", "running (post-copy)"
PRE_MIGRATING, MIGRATING, POST_MIGRATING, FINISHED = "pre-migrating", "migrating", "post-migrating", "finished"
CONFIRMING, CONFIRMED, REVERTING, REVERTED = "confirming", "confirmed", "reverting", "reverted"
DONE, COMPLETED, FAILED, CANCELLED, ERROR = "done", "completed", "failed", "cancelled", "error"

# These hold nothing. One in error may.
ENDED = (CONFIRMED, REVERTED, FAILED, COMPLETED, CANCELLED, DONE)

_COLD = {
    PRE_MIGRATING: (MIGRATING, ERROR),
    MIGRATING: (POST_MIGRATING, ERROR),
    POST_MIGRATING: (FINISHED, ERROR),
    FINISHED: (CONFIRMING, REVERTING, ERROR),
    CONFIRMING: (CONFIRMED, ERROR),
    REVERTING: (REVERTED, ERROR),
}
_STOPS = (FAILED, CANCELLED, ERROR)
_HOT = {
    ACCEPTED: (QUEUED, *_STOPS),
    QUEUED: (PREPARING, *_STOPS),
    PREPARING: (RUNNING, *_STOPS),
    RUNNING: (POST_COPY, COMPLETED, *_STOPS),
    POST_COPY: (COMPLETED, *_STOPS),
}
_REMADE = {PRE_MIGRATING: (DONE, FAILED, ERROR), DONE: (COMPLETED,)}
_FLOWS = {RESIZE: _COLD, MIGRATION: _COLD, LIVE: _HOT, EVACUATION: _REMADE, REBUILD: _REMADE}

# When the guest may be gone from the source, and when it need not have come to the destination yet.
AWAY = (MIGRATING, POST_MIGRATING, FINISHED, CONFIRMING, REVERTING, RUNNING, POST_COPY)
_COMING = (PRE_MIGRATING, MIGRATING, POST_MIGRATING, ACCEPTED, QUEUED, PREPARING, RUNNING, POST_COPY)
_RESIZED = "resized"
_RESIZE_TASKS, _LIVE_TASK = ("resize_", "rebuil"), "migrating"
_KEPT = 100


def first_status(migration_type: str) -> str:
    """Return the status that a claim gives to a migration: the first of its type."""
    return next(iter(_FLOWS[migration_type]))


def advanced(migration: Migration, status: str) -> Migration:
    """Return the migration in its next status; the one that it has changes nothing.

    Raises:
        InstanceInvalidState: Its type does not go from the one to the other.
    """
    if migration.status == status:
        return migration
    following = _FLOWS[migration.migration_type].get(migration.status, ())
    if status not in following:
        end = f"It goes on to {' or '.join(following)}." if following else "It has ended."
        raise InstanceInvalidState(
            f"The {migration.migration_type} of {migration.name} is {migration.status} and cannot become {status}.", end
        )
    return migration.but(status=status, updated_at=now())


def held_half(
    migration: Migration, host: str, domain: Optional[Domain], instance: Optional[Instance]
) -> Optional[MoveHalf]:
    """Return what a migration holds of a host beside what the instance's domain there takes, if anything.

    Within one host it is the half that the instance does not have at the moment: the new one while it has its old
    flavor, afterwards the old one, for the way back. Between hosts the side without the domain holds its half.

    Args:
        domain: The instance's, on this host.
        instance: The record of that.
    """
    status = migration.status
    if status in ENDED or (status == ERROR and not _is_moving(instance)):
        return None
    is_source, is_destination = migration.source_host == host, migration.dest_host == host
    if is_source and is_destination:
        if migration.migration_type == REBUILD:
            # The domain may be away for a moment, and only this process can bring it back.
            return migration.new if domain is None and is_alive(migration.owner) else None
        if domain is None:
            return None
        return migration.new if instance is None or _has_old_size(migration, instance) else migration.old
    if domain is not None:
        return None
    if is_source:
        return migration.old if status in AWAY else None
    return migration.new if is_destination and status in _COMING else None


def _has_old_size(migration: Migration, instance: Instance) -> bool:
    # Either half may have been dropped.
    flavor = instance.spec.flavor
    if migration.old is not None:
        return flavor == migration.old.flavor
    return migration.new is None or flavor != migration.new.flavor


def _is_moving(instance: Optional[Instance]) -> bool:
    """Return whether an instance's own states say that it is on the move (Nova's _instance_in_resize_state)."""
    if instance is None:
        return False
    task = instance.task_state or ""
    return instance.vm_state == _RESIZED or task.startswith(_RESIZE_TASKS) or task == _LIVE_TASK


class Migrations:
    """The migrations in tracker.db. Of those that hold nothing any more the last 100 are kept."""

    def __init__(self, db: TrackerDB) -> None:
        self._db = db

    def list_open(self) -> list[Migration]:
        """Return those that may hold something, oldest first; of one instance there is one."""
        rows = self._db.query("SELECT document FROM migrations WHERE is_open = 1 ORDER BY rowid")
        return [_read(row) for row in rows]

    def find_open(self, instance_uuid: str) -> Optional[Migration]:
        """Return the one of an instance that may hold something, or None."""
        found = self._db.query("SELECT document FROM migrations WHERE is_open = 1 AND instance_uuid = ?", instance_uuid)
        return _read(found[0]) if found else None

    def get(self, uuid: str) -> Migration:
        """Return one.

        Raises:
            MigrationNotFound: There is none of this uuid.
        """
        found = self._db.query("SELECT document FROM migrations WHERE uuid = ?", uuid)
        if not found:
            raise MigrationNotFound(f"This host knows no migration {uuid}.")
        return _read(found[0])

    def save(self, connection: sqlite3.Connection, migration: Migration) -> Migration:
        """Write one, new or not, and return it."""
        is_open = migration.status not in ENDED and not (migration.old is None and migration.new is None)
        document = json.dumps(migration.as_document())
        connection.execute(
            "INSERT INTO migrations (uuid, instance_uuid, is_open, document) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (uuid) DO UPDATE SET is_open = excluded.is_open, document = excluded.document",
            (migration.uuid, migration.instance_uuid, is_open, document),
        )
        connection.execute(
            "DELETE FROM migrations WHERE is_open = 0 AND rowid <= (SELECT MAX(rowid) FROM migrations) - ?", (_KEPT,)
        )
        return migration


def _read(row: sqlite3.Row) -> Migration:
    return Migration.from_document(json.loads(row["document"]), "migrations")
