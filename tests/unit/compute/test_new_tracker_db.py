# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that meet at a tracker.db which is just being made."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import FILE_NAME, TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_schema import VERSION

OPENS = """
import sys
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
db = TrackerDB(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
db.open()
print(db.get_fact("version"), flush=True)
"""


def begin(folder: Path) -> subprocess.Popen[str]:
    """Start a process that opens the database when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", OPENS, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_run_waits_for_another_that_writes_to_the_new_file(tmp_path: Path, lock: str) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        process = begin(tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate("\n", timeout=0.5)
        other.execute("ROLLBACK")
    said, _nothing = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, f"{VERSION}\n")


def test_runs_that_make_the_file_at_once_all_open_it(tmp_path: Path) -> None:
    processes = [begin(tmp_path) for _number in range(8)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert said == [f"{VERSION}\n"] * 8
    with contextlib.closing(TrackerDB(str(tmp_path))) as db:
        db.open()
        assert db.query("PRAGMA journal_mode")[0][0] == "wal"
