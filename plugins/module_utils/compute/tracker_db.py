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
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from ..objects.errors import NovellaError, VersionNotSupported
from .tracker_schema import ADDED, FIRST_SCHEMA, VERSION

FILE_NAME = "tracker.db"
# What SQLite says of a file that is no whole database (before Python 3.11 its errors have no code).
DAMAGED = ("malformed", "not a database", "disk I/O error", "Could not decode", "can't decode", "is encrypted")

# Another process may hold the write lock while it lists a host's domains; that takes well under a second.
_LOCK_TIMEOUT_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.02


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
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise self.explain(error) from error

    def explain(self, error: Exception) -> NovellaError:
        """Return what an error of SQLite's means to a user."""
        said = str(error)
        if any(words in said for words in DAMAGED):
            # It may hold claims of a run that is under way, so it is not for us to move.
            return NovellaError(
                f"{self.path} is damaged: {said}.",
                f"When no other run works on this host, move it away: 'mv {self.path}* /var/tmp/'. "
                "Only history is lost; the next run makes a new one.",
            )
        if "locked" in said:
            return NovellaError(f"{self.path} is in use by another run.", "Run again when that has ended.")
        if "full" in said:
            return NovellaError(f"{self.path} cannot grow: {said}.", "Free some space on its file system.")
        return NovellaError(f"{self.path} cannot be used: {said}.", "Look at the folder's owner, mode and file system.")

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
            try:
                return self._open_connection().execute(sql, values).fetchall()
            except UnicodeDecodeError as error:  # SQLite's complaint quotes what it found
                raise sqlite3.DatabaseError(f"malformed text: {error}") from None

    def get_fact(self, key: str, default: Any = None) -> Any:
        """Return a single remembered value (JSON types)."""
        rows = self.query("SELECT value FROM facts WHERE key = ?", key)
        try:
            return json.loads(rows[0]["value"]) if rows else default
        except ValueError:
            raise sqlite3.DatabaseError(f"malformed value of '{key}'") from None

    def set_fact(self, key: str, value: Any) -> None:
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, json.dumps(value)))

    def bump_generation(self) -> None:
        """Count one more change to the host's instances."""
        self.set_fact("generation", self.get_fact("generation", 0) + 1)

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            self.open()
        connection = self._connection
        if connection is None:
            raise NovellaError(f"{self.path} is not open.")
        return connection

    def _connect(self, read_only: bool) -> sqlite3.Connection:
        if read_only:
            connection = self._connect_reading()
        else:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The file is made before SQLite opens it, so that nobody else can ever read it. One that is there is left
            # alone: to close a descriptor of it would end the locks of every connection that this process has.
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = _connect_to(f"file:{self.path}")
        connection.row_factory = sqlite3.Row
        if not read_only:
            _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _connect_reading(self) -> sqlite3.Connection:
        """Connect without leaving a trace: even a reader of a WAL file makes side files, and leaves them behind.

        Where nobody else has the file open, it is read whole and at once, as what will not change. Else the side files
        are there already.
        """
        copy = _connect_to("file::memory:")
        if not self.path.exists():
            return copy
        before = self._last_change()
        if before is not None:
            with contextlib.closing(_connect_to(f"file:{self.path}?immutable=1")) as source:
                source.backup(copy)
            if self._last_change() == before:
                return copy
        copy.close()
        return _connect_to(f"file:{self.path}?mode=ro")

    def _last_change(self) -> Optional[tuple[int, int]]:
        """Return time and size of the file; None while another process writes, or what one wrote lies beside it."""
        log = self.path.with_name(f"{FILE_NAME}-wal")
        if log.exists() and log.stat().st_size:
            return None
        about = self.path.stat()
        return about.st_mtime_ns, about.st_size

    def _check_schema(self) -> None:
        if not self.query("SELECT 1 FROM sqlite_master WHERE name = 'facts'"):
            with self.transaction() as connection:
                if not self.query("SELECT 1 FROM sqlite_master WHERE name = 'facts'"):
                    for statement in FIRST_SCHEMA.split(";"):
                        connection.execute(statement)
                    connection.execute("INSERT INTO facts VALUES ('version', ?)", (json.dumps("1.0"),))
                    # Others remember the count: after a loss of the file it must not fall behind what it was.
                    connection.execute("INSERT INTO facts VALUES ('generation', ?)", (str(int(time.time())),))
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


def _connect_to(address: str) -> sqlite3.Connection:
    return sqlite3.connect(
        address, uri=True, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have readers and one writer work beside each other.

    SQLite waits for others before it does anything but this: where another process writes to the new file, such as one
    that is just doing the same, it gives up at once.
    """
    until = time.monotonic() + _LOCK_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(_LOOK_AGAIN_SECONDS)
