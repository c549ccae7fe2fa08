# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host holds of an instance: read from the database itself, table by table, whatever tables there are."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.owner import is_alive
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import FILE_NAME

# They tell what was, and keep telling it.
HISTORY = ("actions", "events", "faults", "instance_actions", "instance_faults")
# They tell what is being done: empty as soon as nothing is.
IN_FLIGHT = re.compile(r"journal|steps|claim\w*|volume_claims")
# What differs between two runs that did the same.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
_COUNTER = re.compile(r'"generation": ?\d+')
_OWNER = re.compile(r"[0-9a-f-]{36}\.\d+:\d+:\d+")


class Traces:
    """Reads a host's tracker.db.

    Args:
        state: The host's state directory.
    """

    def __init__(self, state: Path) -> None:
        self._state = state

    def of(self, uuid: str) -> dict[str, int]:
        """Return how many rows of each table name the instance, history aside."""
        return {
            table: count
            for table, rows in self._tables()
            if table not in HISTORY and (count := sum(_names(row, uuid) for row in rows))
        }

    def in_flight(self) -> dict[str, int]:
        """Return how many rows there are that nobody may leave behind: of work in flight, or held by anybody."""
        return {
            table: count
            for table, rows in self._tables()
            if (count := sum(bool(IN_FLIGHT.fullmatch(table)) or _is_held(row) for row in rows))
        }

    def operations(self) -> list[str]:
        """Return the names of the operations in flight."""
        return [row["operation"] for table, rows in self._tables() if table == "journal" for row in rows]

    def unfinished(self) -> list[str]:
        """Return the files that somebody has begun to write, and nobody has finished."""
        return sorted(str(path.relative_to(self._state)) for path in self._state.rglob("*.part"))

    def tells_of_death(self, uuid: str) -> bool:
        """Return whether the history says that the instance's operation did not survive its process."""
        told = (row for table, rows in self._tables() if table in HISTORY for row in rows if _names(row, uuid))
        return any("process ended before" in str(tuple(row)) for row in told)

    def fingerprint(self) -> str:
        """Return a digest of all that a next run may see; equal where two deaths left the same."""
        told = {table: sorted(_plain(row) for row in rows) for table, rows in self._tables() if table not in HISTORY}
        files = sorted(path.name for path in self._state.iterdir() if not path.name.startswith(FILE_NAME))
        return hashlib.sha256(json.dumps([told, files]).encode()).hexdigest()

    def _tables(self) -> Iterator[tuple[str, list[sqlite3.Row]]]:
        path = self._state / FILE_NAME
        if not path.exists():
            return
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for name in sorted(table["name"] for table in tables):
                yield name, connection.execute(f'SELECT * FROM "{name}"').fetchall()


def essence(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a host document says, without times and counters: equal where two hosts are in the same state."""
    node = document["compute_node"]
    used = {key: value for key, value in node.items() if key.endswith("_used")}
    instances = {
        seen["instance"]["uuid"]: {
            "power_state": seen["power_state"],
            **{key: seen["instance"].get(key) for key in ("vm_state", "task_state", "spec", "host")},
        }
        for seen in document.get("instances", [])
    }
    parts = {key: document.get(key, []) for key in ("lost", "foreign", "in_progress")}
    volumes = [{**volume, "created_at": None} for volume in document.get("volumes", [])]
    networks = document.get("networks", [])
    return {"used": used, "instances": instances, "volumes": volumes, "networks": networks, **parts}


def _is_held(row: sqlite3.Row) -> bool:
    return "owner" in row.keys() and is_alive(row["owner"])  # noqa: SIM118 - a Row iterates over its values


def _names(row: sqlite3.Row, uuid: str) -> bool:
    return any(isinstance(value, str) and uuid in value for value in tuple(row))


def _plain(row: sqlite3.Row) -> str:
    if "key" in row.keys() and row["key"] == "generation":  # noqa: SIM118 - a Row iterates over its values
        return ""
    text = json.dumps(list(row))
    for pattern in (_TIME, _COUNTER, _OWNER):
        text = pattern.sub("", text)
    return text
