# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The moments at which a module run may die: around each transaction, each side effect and each step of a file's life.

They are counted while the module's own code runs, so nobody has to list them and no production code knows of them.
"""

from __future__ import annotations

import contextlib
import functools
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, Callable
from unittest import mock

from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.virt.driver import ComputeDriver
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.driver import LibvirtDriver

READINGS = ("get_", "list_", "read_")
# How a driver makes, names and removes files, and what runs beside it.
FILE_CALLS = ((pathlib.Path, "rename"), (pathlib.Path, "unlink"), (subprocess, "run"))


class Moments:
    """Counts the moments that a run passes, and ends it at the chosen one.

    Args:
        at: The number of the moment to die at, from 1; 0 for none.
        die: Called with the name of that moment, and with those after it. What it raises goes through the code under
            test.
    """

    def __init__(self, at: int, die: Callable[[str], None]) -> None:
        self.count = 0
        self._at = at
        self._die = die
        self._lock = threading.Lock()

    def reach(self, name: str) -> None:
        with self._lock:
            self.count += 1
            # Threads that are a little behind die too.
            is_last = 0 < self._at <= self.count
        if is_last:
            self._die(name)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Count all moments of what runs inside."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.object(TrackerDB, "transaction", self._transaction(TrackerDB.transaction)))
            for owner, name in [*_writers(FakeDriver), *_writers(LibvirtDriver), *FILE_CALLS]:
                stack.enter_context(mock.patch.object(owner, name, self._call(name, getattr(owner, name))))
            yield

    def _call(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            self.reach(f"before {name}")
            result = function(*args, **options)
            self.reach(f"after {name}")
            return result

        return call

    def _transaction(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @contextlib.contextmanager
        def transaction(db: TrackerDB) -> Iterator[Any]:
            name = _caller()
            connection = db._connection
            is_inner = connection is not None and connection.in_transaction and db._lock._is_owned()
            if is_inner:
                with function(db) as connection:
                    yield connection
                return
            self.reach(f"before the transaction of {name}")
            with function(db) as connection:
                yield connection
                self.reach(f"before the commit of {name}")
            self.reach(f"after the commit of {name}")

        return transaction


def _writers(driver: type[ComputeDriver]) -> list[tuple[Any, str]]:
    return [(driver, name) for name in sorted(ComputeDriver.__abstractmethods__) if not name.startswith(READINGS)]


def _caller() -> str:
    """Return the name of the function that opened the transaction."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in (__file__, contextlib.__file__):
        frame = frame.f_back
    return f"{pathlib.Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"
