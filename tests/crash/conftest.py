# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts to kill module runs on, and at the end the number of deaths."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.explorer import EVERY, SEED, Tally
from crash.victim import PROGRAM, VictimHost, Victims

MEMORY = Path("/dev/shm")
OPTIONS = {"host": "kvm1", "driver": "fake", "reserved_host_memory_mb": 0}


@pytest.fixture(scope="session")
def victims() -> Iterator[Victims]:
    with Victims([sys.executable, str(PROGRAM)], os.environ) as started:
        yield started


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, where there is one: thousands of hosts are made in it."""
    with tempfile.TemporaryDirectory(prefix="novella-crash-", dir=MEMORY if MEMORY.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture
def new_host(victims: Victims, folder: Path) -> VictimHost:
    state = folder / "host"
    host = VictimHost(victims, {**OPTIONS, "state_path": str(state)}, state)
    host.audit()
    return host


@pytest.fixture
def tell(record_property):
    """Takes what a test has tried, for the summary."""

    def tell(tally: Tally) -> None:
        record_property("novella_crash", [tally.deaths, tally.states])

    return tell


def pytest_terminal_summary(terminalreporter) -> None:
    tried = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "novella_crash" and report.when == "call"
    ]
    if tried:
        deaths, states = (sum(column) for column in zip(*tried))
        terminalreporter.write_line(
            f"{deaths} kill points in {len(tried)} scenarios, {states} different states recovered, "
            f"one of {EVERY} moments, NOVELLA_CRASH_SEED={SEED}"
        )
