# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that a controller's run has to itself: of instances to be made, and of groups whose members must agree.

Two controllers may want to make one instance on different hosts. Each asks several hosts for the name before it builds
anything, and goes on only where none objects. Whoever comes second to any of them is told so.

A host counts what it grants. A run says which count it saw in the audit that its plan was made from, so that a name
which was granted, used and given back since is not taken for a free one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from typing import Optional

from .owner import is_alive, is_lease_of, lease
from .tracker_db import TrackerDB

EPOCH = "reservation_epoch"
# Names that were given back are remembered for runs that have planned before; so many runs never overlap.
_REMEMBERED = 20000


def instance_key(uuid: str) -> str:
    """Return the name to be reserved of an instance."""
    return f"instance/{uuid}"


class Reservations:
    """The names that are taken on this host, in its tracker database."""

    def __init__(self, db: TrackerDB) -> None:
        self._db = db

    @property
    def epoch(self) -> int:
        """Return the count of what was granted."""
        return int(self._db.get_fact(EPOCH, 0))

    def objection(self, key: str, run: str, seen_epoch: int) -> Optional[str]:
        """Return why the run cannot have the name, or None.

        Args:
            seen_epoch: The count in the audit that the run planned from.
        """
        rows = self._db.query("SELECT owner, epoch FROM reservations WHERE name = ?", key)
        if not rows or is_lease_of(rows[0]["owner"], run):
            return None
        if is_alive(rows[0]["owner"]):
            return "another run holds it"
        if rows[0]["epoch"] > seen_epoch:
            return "another run has changed it since this one has planned"
        return None

    def grant(self, connection: sqlite3.Connection, keys: Iterable[str], run: str, seconds: float) -> None:
        """Give the names to a run for a time, within the caller's transaction."""
        owner, epoch = lease(run, seconds), self.epoch
        if not epoch:
            # A database that was lost must not count what it once counted a second time.
            epoch = time.time_ns() // 1000
        for key in keys:
            epoch += 1
            before = self._epoch_of(key)
            connection.execute("INSERT OR REPLACE INTO reservations VALUES (?, ?, ?, ?)", (key, owner, epoch, before))
        self._db.set_fact(EPOCH, epoch)
        connection.execute("DELETE FROM reservations WHERE epoch <= ?", (epoch - _REMEMBERED,))

    def is_held(self, key: str) -> bool:
        """Return whether a run has the name now."""
        rows = self._db.query("SELECT owner FROM reservations WHERE name = ?", key)
        return bool(rows) and is_alive(rows[0]["owner"])

    def release(self, run: str) -> None:
        """Give back all names that the run holds. That they were granted stays counted: something may be built now."""
        with self._db.transaction() as connection:
            ended = [(name,) for name in self._held_by(run)]
            connection.executemany("UPDATE reservations SET owner = '' WHERE name = ?", ended)

    def withdraw(self, run: str, keys: Iterable[str]) -> None:
        """Give back names of which the run has made no use: as if they had not been granted."""
        with self._db.transaction() as connection:
            unused = [(name,) for name in self._held_by(run).intersection(keys)]
            connection.executemany("UPDATE reservations SET owner = '', epoch = before WHERE name = ?", unused)

    def _held_by(self, run: str) -> set[str]:
        rows = self._db.query("SELECT name, owner FROM reservations")
        return {row["name"] for row in rows if is_lease_of(row["owner"], run)}

    def _epoch_of(self, key: str) -> int:
        """Return the count at which the name was granted last; 0 for never. The asking run may have used it since."""
        rows = self._db.query("SELECT epoch FROM reservations WHERE name = ?", key)
        return int(rows[0]["epoch"]) if rows else 0
