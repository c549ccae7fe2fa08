# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Samples hosts of the fake driver, from their databases and read-only."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from race.judge import RESOURCES, Judge, Sample

INTERVAL = 0.02
COLUMNS = ", ".join(("uuid", *RESOURCES))


@contextmanager
def watching(judge: Judge, databases: dict[str, Path]) -> Iterator[None]:
    """Have the judge look at every host again and again, until the block ends.

    Args:
        databases: By host, its tracker.db.
    """
    ended = threading.Event()
    faults: list[BaseException] = []

    def watch() -> None:
        try:
            with ExitStack() as open_files:
                connections: dict[str, sqlite3.Connection] = {}
                while not ended.wait(INTERVAL):
                    for host, path in databases.items():
                        if host not in connections and path.exists():
                            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
                            connections[host] = open_files.enter_context(closing(connection))
                    judge.look(read(host, connection) for host, connection in connections.items())
        except BaseException as fault:  # whatever it is, the test must hear of it
            faults.append(fault)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    if faults:
        raise faults[0]


def read(host: str, connection: sqlite3.Connection) -> Sample:
    """Read one host in one transaction, which sees one instant."""
    connection.execute("BEGIN")
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        domains = _sizes(connection, "fake_domains") if "fake_domains" in tables else {}
        claims = _sizes(connection, "claims") if "claims" in tables else {}
    finally:
        connection.execute("COMMIT")
    return Sample(host, domains, claims)


def _sizes(connection: sqlite3.Connection, table: str) -> dict[str, dict[str, int]]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM {table}")
    return {uuid: dict(zip(RESOURCES, sizes)) for uuid, *sizes in rows}
