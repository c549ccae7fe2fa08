# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake driver's copies of root disks: a line of text that names what the disk was made from.

Guests that stand still and copies that go on are rows of a table, so that what a dead run left of them can be seen.
"""

from __future__ import annotations

import abc
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from ..objects.errors import GuestAgentUnavailable
from .driver import ComputeDriver
from .hypervisor import CachedImage, Copying, Domain

FROZEN, COPYING = "frozen", "copying"
_GIB = 1024**3
_SIZE = 1000
_SCHEMA = "CREATE TABLE IF NOT EXISTS fake_jobs (uuid TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (uuid, kind))"


class Database(Protocol):
    """As much of the tracker database as the fake needs; drivers do not know the layer above them."""

    def query(self, sql: str, *values: object) -> list[Any]: ...

    def transaction(self) -> AbstractContextManager[Any]: ...


class FakeCopies(ComputeDriver):
    """A part of FakeDriver, which has the rest."""

    _db: Database

    def get_copy_size(self, uuid: str) -> int:
        self._obey("get_copy_size", self._require(uuid).name)
        return int(self._settings().get("copy_size", _SIZE))

    def freeze_guest(self, uuid: str) -> None:
        name = self._require(uuid).name
        self._obey("freeze_guest", name)
        if name in self._settings().get("without_agent", []):
            raise GuestAgentUnavailable(f"The agent of {name} does not answer.", "See to it that it runs.")
        self._write_job("INSERT OR IGNORE INTO fake_jobs VALUES (?, ?)", uuid, FROZEN)

    def thaw_guest(self, uuid: str) -> None:
        domain = self.get_domain(uuid)
        name = uuid if domain is None else domain.name
        self._obey("thaw_guest", name)
        if name in self._settings().get("without_agent", []):
            raise GuestAgentUnavailable(f"The agent of {name} does not answer.", "See to it that it runs.")
        self._write_job("DELETE FROM fake_jobs WHERE uuid = ? AND kind = ?", uuid, FROZEN)

    def begin_copy(self, uuid: str) -> None:
        self._obey("begin_copy", self._require(uuid).name)
        self._write_job("INSERT OR IGNORE INTO fake_jobs VALUES (?, ?)", uuid, COPYING)

    def finish_copy(self, uuid: str, target: str, progress: Copying) -> CachedImage:
        name = self._require(uuid).name
        disk = self._db.query("SELECT content FROM fake_disks WHERE uuid = ? AND kind = 'root'", uuid)
        # Half of it, for those that die or fail here.
        Path(target).write_text("a copy of", encoding="utf-8")
        progress(_SIZE // 2, _SIZE)
        self._obey("finish_copy", name)
        Path(target).write_text(f"a copy of {disk[0]['content'] if disk else name}\n", encoding="utf-8")
        self._write_job("DELETE FROM fake_jobs WHERE uuid = ? AND kind = ?", uuid, COPYING)
        return CachedImage(target, "qcow2", _GIB)

    def drop_copy(self, uuid: str) -> None:
        self._obey("drop_copy", uuid)
        self._write_job("DELETE FROM fake_jobs WHERE uuid = ? AND kind = ?", uuid, COPYING)

    def jobs_of(self, uuid: str) -> list[str]:
        """Return what goes on with a guest: frozen, copying."""
        if not self._db.query("SELECT 1 FROM sqlite_master WHERE name = 'fake_jobs'"):
            return []
        return [row["kind"] for row in self._db.query("SELECT kind FROM fake_jobs WHERE uuid = ? ORDER BY kind", uuid)]

    def _write_job(self, sql: str, *values: object) -> None:
        with self._db.transaction() as connection:
            connection.execute(_SCHEMA)
            connection.execute(sql, values)

    @abc.abstractmethod
    def _require(self, uuid: str) -> Domain: ...

    @abc.abstractmethod
    def _settings(self) -> dict[str, Any]: ...

    @abc.abstractmethod
    def _obey(self, method: str, name: str) -> None: ...
