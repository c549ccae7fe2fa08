# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tracker.db: what a host must remember besides its domains. SQLite, so that claims are transactions.

Losing it loses history only: usage is counted from the domains, records lie in their metadata.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from ..objects.errors import NovellaError, VersionNotSupported
from .tracker_schema import ADDED, FIRST_SCHEMA, VERSION

FILE_NAME = "tracker.db"

# Another process may hold the write lock while it lists a host's domains; that takes well under a second.
_LOCK_TIMEOUT_SECONDS = 30.0
_KEPT_ACTIONS = 1000


class TrackerDB:
    """The open database. One connection serves all threads of a module run, one at a time.

    Args:
        state_path: The host's state directory; made, 0700, where it is missing.
    """

    def __init__(self, state_path: str) -> None:
        self.path = Path(state_path) / FILE_NAME
        self._lock = threading.RLock()
        self._connection: Optional[sqlite3.Connection] = None

    def open(self, read_only: bool = False) -> None:
        """Open the file and make or check its schema.

        Args:
            read_only: For check mode: nothing is written; a missing file is as an empty one.

        Raises:
            VersionNotSupported: A newer release wrote the file.
            NovellaError: The file cannot be opened, or is no database.
        """
        try:
            self._connection = self._connect(read_only)
            self._check_schema()
            self._upgrade(read_only)
        except (sqlite3.Error, OSError) as error:
            raise self.explain(error) from error

    def explain(self, error: Exception) -> NovellaError:
        """Return what an error of SQLite's means to a user."""
        return NovellaError(
            f"{self.path} cannot be used: {error}.",
            "Only history is lost when the file is moved away; the next run makes a new one.",
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock against every thread and process; commit at the end, roll back on an exception."""
        with self._lock:
            connection = self._open_connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def query(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Return all rows of a SELECT."""
        with self._lock:
            return self._open_connection().execute(sql, values).fetchall()

    def get_fact(self, key: str, default: Any = None) -> Any:
        """Return a single remembered value (JSON types)."""
        rows = self.query("SELECT value FROM facts WHERE key = ?", key)
        return json.loads(rows[0]["value"]) if rows else default

    def set_fact(self, key: str, value: Any) -> None:
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, json.dumps(value)))

    def bump_generation(self) -> None:
        """Count one more change to the host's instances."""
        self.set_fact("generation", self.get_fact("generation", 0) + 1)

    def record_action(self, uuid: str, operation: str, started_at: str, finished_at: str, fault: str) -> None:
        """Add to the history; an empty fault means success. Old entries beyond a bound are dropped."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO actions VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                (uuid, operation, started_at, finished_at, "Error" if fault else "Success", fault[:255]),
            )
            connection.execute("DELETE FROM actions WHERE id <= (SELECT MAX(id) FROM actions) - ?", (_KEPT_ACTIONS,))

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            self.open()
        connection = self._connection
        if connection is None:
            raise NovellaError(f"{self.path} is not open.")
        return connection

    def _connect(self, read_only: bool) -> sqlite3.Connection:
        if read_only:
            target = f"file:{self.path}?mode=ro" if self.path.exists() else "file::memory:"
        else:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The file is made before SQLite opens it, so that nobody else can ever read it.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            target = f"file:{self.path}"
        connection = sqlite3.connect(
            target, uri=True, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _check_schema(self) -> None:
        if not self.query("SELECT 1 FROM sqlite_master WHERE name = 'facts'"):
            with self.transaction() as connection:
                if not self.query("SELECT 1 FROM sqlite_master WHERE name = 'facts'"):
                    for statement in FIRST_SCHEMA.split(";"):
                        connection.execute(statement)
                    connection.execute("INSERT INTO facts VALUES ('version', ?)", (json.dumps("1.0"),))
        version = self.get_fact("version", "0.0")
        if version.partition(".")[0] != VERSION.partition(".")[0]:
            raise VersionNotSupported(
                f"{self.path} has version {version}; this release knows {VERSION}.",
                "Use the release of novella.compute that wrote it, or a newer one.",
            )

    def _upgrade(self, read_only: bool) -> None:
        """Add what older files of this major lack; for a reader beside the file, which it must not change."""
        there = {row["name"] for row in self.query("SELECT name FROM sqlite_master")}
        missing = [statement for table, statement in ADDED.items() if table not in there]
        if not missing:
            return
        if read_only:
            for statement in missing:
                self._open_connection().execute(statement.format(temporary="TEMPORARY"))
            return
        with self.transaction() as connection:
            for statement in missing:
                # Another process may have been faster.
                connection.execute(statement.format(temporary="").replace("TABLE", "TABLE IF NOT EXISTS", 1))
            self.set_fact("version", VERSION)
