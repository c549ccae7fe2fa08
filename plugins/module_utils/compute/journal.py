# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of operations in flight: a lease on the instance, and what was done so far.

The row of an instance is its lock. It names its owner, so a dead owner's operation can be told from a
running one, and finished or undone by whoever comes next.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from ..objects.errors import InstanceLocked
from .clock import now
from .owner import current_owner, is_alive
from .tracker_db import TrackerDB


@dataclass(frozen=True)
class Entry:
    """One operation in flight. `steps` maps each begun step to whether it is done."""

    uuid: str
    name: str
    operation: str
    owner: str
    started_at: str
    notes: dict[str, Any]
    steps: dict[str, bool]


class Journal:
    """Operations in flight on this host."""

    def __init__(self, db: TrackerDB) -> None:
        self._db = db

    def begin(self, uuid: str, name: str, operation: str, **notes: Any) -> str:
        """Take the lease on an instance.

        Args:
            notes: What to remember from the start; see `note`.

        Returns:
            When the operation began, ISO-8601 UTC.

        Raises:
            InstanceLocked: Another operation holds the instance.
        """
        started_at = now()
        try:
            with self._db.transaction() as connection:
                connection.execute(
                    "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)",
                    (uuid, name, operation, current_owner(), started_at, json.dumps(notes)),
                )
        except sqlite3.IntegrityError:
            held = self._db.query("SELECT operation, owner, started_at FROM journal WHERE uuid = ?", uuid)
            by = f"{held[0]['operation']}, since {held[0]['started_at']}" if held else "another operation"
            raise InstanceLocked(f"{name} is held by {by}.", "Run again when it has ended.") from None
        return started_at

    def begin_step(self, uuid: str, step: str) -> None:
        with self._db.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO steps (uuid, step, done) VALUES (?, ?, 0)", (uuid, step))

    def end_step(self, uuid: str, step: str) -> None:
        with self._db.transaction() as connection:
            connection.execute("UPDATE steps SET done = 1 WHERE uuid = ? AND step = ?", (uuid, step))

    def note(self, uuid: str, **notes: Any) -> None:
        """Remember facts that an undo needs (JSON types)."""
        with self._db.transaction() as connection:
            row = connection.execute("SELECT notes FROM journal WHERE uuid = ?", (uuid,)).fetchone()
            merged = {**json.loads(row["notes"]), **notes}
            connection.execute("UPDATE journal SET notes = ? WHERE uuid = ?", (json.dumps(merged), uuid))

    def end(self, uuid: str) -> None:
        """Give the lease back."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM journal WHERE uuid = ?", (uuid,))

    def entries(self) -> list[Entry]:
        """Return all operations in flight, oldest first."""
        return [self._entry(row) for row in self._db.query("SELECT * FROM journal ORDER BY started_at, uuid")]

    def take_over(self) -> list[Entry]:
        """Make this process the owner of every operation whose owner is dead, and return them."""
        with self._db.transaction() as connection:
            dead = [entry for entry in self.entries() if not is_alive(entry.owner)]
            for entry in dead:
                connection.execute("UPDATE journal SET owner = ? WHERE uuid = ?", (current_owner(), entry.uuid))
        return dead

    def _entry(self, row: sqlite3.Row) -> Entry:
        steps = self._db.query("SELECT step, done FROM steps WHERE uuid = ? ORDER BY rowid", row["uuid"])
        return Entry(
            uuid=row["uuid"],
            name=row["name"],
            operation=row["operation"],
            owner=row["owner"],
            started_at=row["started_at"],
            notes=json.loads(row["notes"]),
            steps={step["step"]: bool(step["done"]) for step in steps},
        )
