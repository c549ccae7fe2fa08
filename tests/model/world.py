# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of the fake driver in one process, and what people and accidents do to them.

A module run is a call here. It dies by an exception that nothing under test catches, and what it held then belongs to
nobody alive: each run has a start time of its own. Time stands still until a test lets it pass.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, TypeVar
from unittest import mock

from ansible_collections.novella.compute.plugins.module_utils.compute import owner
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import FILE_NAME, TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from crash.moments import Moments

T = TypeVar("T")

# Room for three small instances.
RESOURCES = {"vcpus": 2, "memory_mb": 2048, "local_gb": 20}
RATIO = 2.0
RESERVED_MB = 512
# Longer than any lease.
LONG = 10_000.0


class Killed(BaseException):
    """The process ends here, as by SIGKILL. Nothing but the test catches it."""


@dataclass
class World:
    """All hosts, and the clock.

    Args:
        folder: For the hosts' state.
        names: Of the hosts.
    """

    folder: Path
    names: tuple[str, ...]
    uptime: float = 1000.0
    runs: int = 0
    silent: set[str] = field(default_factory=set)
    hosts: dict[str, ModelHost] = field(default_factory=dict)

    def begin(self) -> None:
        """Make the hosts."""
        for name in self.names:
            path = self.folder / name
            path.mkdir()
            (path / "fake.json").write_text(json.dumps({"resources": RESOURCES}))
            self.hosts[name] = ModelHost(self, name, path)
            self.hosts[name].run(lambda manager: manager.audit())

    def ruled(self) -> contextlib.AbstractContextManager[Any]:
        """Have this world's clock and run numbers count for the code under test."""
        stack = contextlib.ExitStack()
        # Each run is a process of its own; the host, whose first process has number 1, goes on.
        start_times = mock.patch.object(owner, "start_time", lambda pid: "1" if pid == 1 else str(self.runs))
        stack.enter_context(start_times)
        stack.enter_context(mock.patch.object(owner, "_uptime", lambda: self.uptime))
        return stack

    @property
    def reachable(self) -> list[ModelHost]:
        return [host for name, host in self.hosts.items() if name not in self.silent]

    def homes(self) -> dict[str, list[str]]:
        """Return where each instance is defined, by uuid; it should be one host."""
        found: dict[str, list[str]] = {}
        for host in self.hosts.values():
            for row in host.rows("fake_domains"):
                if row["record"] is not None:
                    found.setdefault(row["uuid"], []).append(host.name)
        return found


@dataclass
class ModelHost:
    """One host."""

    world: World
    name: str
    path: Path
    foreign: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def options(self) -> HostOptions:
        return HostOptions(
            host=self.name,
            driver="fake",
            state_path=str(self.path),
            reserved_host_memory_mb=RESERVED_MB,
            cpu_allocation_ratio=RATIO,
            max_concurrent_builds=1,
        )

    def run(self, work: Callable[[ComputeManager], T], at: int = 0) -> T:
        """Do a module's work.

        Args:
            at: The moment to die at; 0 for none.

        Raises:
            Killed: It died.
        """
        self.world.runs += 1
        moments = Moments(at, _die)
        with closing(TrackerDB(str(self.path))) as db, moments.watched() if at else contextlib.nullcontext():
            db.open()
            manager = ComputeManager(self.options, FakeDriver(self.name, str(self.path), db), db)
            manager.init_host()
            manager.pre_start_hook()
            result = work(manager)
            manager.post_start_hook()
            return result

    def rows(self, table: str) -> list[sqlite3.Row]:
        """Return a table of tracker.db, whether or not it was ever made."""
        if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return []
        return self._connection.execute(f"SELECT * FROM {table}").fetchall()

    @functools.cached_property
    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path / FILE_NAME)
        connection.row_factory = sqlite3.Row
        return connection

    def close(self) -> None:
        self._connection.close()

    @property
    def instances(self) -> list[str]:
        """The uuids of our domains."""
        return sorted(row["uuid"] for row in self.rows("fake_domains") if row["record"] is not None)

    @property
    def root_disks(self) -> dict[str, str]:
        """By uuid, what is on the root disk."""
        return {row["uuid"]: row["content"] for row in self.rows("fake_disks") if row["kind"] == "root"}

    @property
    def used(self) -> Usage:
        """What domains and claims take, counted from the tables."""
        taken = {row["uuid"]: row for row in [*self.rows("claims"), *self.rows("fake_domains")]}
        total = Usage(0, 0, 0)
        for row in taken.values():
            total = total.plus(Usage(row["vcpus"], row["memory_mb"], row["disk_gb"]))
        return total

    def has_room(self, more: Usage) -> bool:
        """Return whether domains and claims, and this besides, stay within total × ratio − reserved."""
        sum_of = self.used.plus(more)
        return (
            sum_of.vcpus <= RESOURCES["vcpus"] * RATIO
            and sum_of.memory_mb <= RESOURCES["memory_mb"] - RESERVED_MB
            and sum_of.disk_gb <= RESOURCES["local_gb"]
        )

    # -- behind Novella's back -------------------------------------------------------------------------------

    def act(self, sql: str, *values: object) -> None:
        with self._connection as connection:
            connection.execute(sql, values)

    def switch(self, uuid: str, power_state: str) -> None:
        self.act("UPDATE fake_domains SET power_state = ? WHERE uuid = ?", power_state, uuid)

    def undefine(self, uuid: str) -> None:
        self.act("DELETE FROM fake_domains WHERE uuid = ?", uuid)

    def delete_root_disk(self, uuid: str) -> None:
        self.act("DELETE FROM fake_disks WHERE uuid = ? AND kind = 'root'", uuid)

    def write_on_disk(self, uuid: str, text: str) -> None:
        self.act("UPDATE fake_disks SET content = ? WHERE uuid = ? AND kind = 'root'", text, uuid)

    def put_foreign(self, domain: Domain) -> None:
        with closing(TrackerDB(str(self.path))) as db:
            FakeDriver(self.name, str(self.path), db).put_foreign(domain)
        self.foreign = self.foreign_now()

    def foreign_now(self) -> dict[str, tuple[Any, ...]]:
        return {row["uuid"]: tuple(row) for row in self.rows("fake_domains") if row["record"] is None}


def _die(moment: str) -> None:
    raise Killed(moment)
