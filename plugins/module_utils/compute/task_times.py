# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When each periodic task of the host ran last, in tracker.db (the `TaskMemory` of managers)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Optional

from ..moment import Moment
from ..periodic_task import LastRun
from .tracker_db import TrackerDB


class TaskTimes:
    """The table `periodic_tasks`.

    Args:
        db: The open tracker database.
    """

    def __init__(self, db: TrackerDB) -> None:
        self._db = db

    def held(self) -> AbstractContextManager[object]:
        return self._db.transaction()

    def last_run(self, name: str) -> Optional[LastRun]:
        rows = self._db.query("SELECT * FROM periodic_tasks WHERE name = ?", name)
        if not rows:
            return None
        row = rows[0]
        return LastRun(Moment(row["wall"], row["boot_id"], row["uptime"]), row["error"])

    def begin(self, name: str, run: LastRun) -> None:
        at = run.moment
        with self._db.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO periodic_tasks VALUES (?, ?, ?, ?, ?)",
                (name, at.wall, at.boot_id, at.uptime, run.error),
            )

    def end(self, name: str, error: str) -> None:
        with self._db.transaction() as connection:
            connection.execute("UPDATE periodic_tasks SET error = ? WHERE name = ?", (error, name))
