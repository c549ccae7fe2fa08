# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flavors and images changed under guests that run, which show what they have felt."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from support.felt.shapes import BEFORE, BOOTLESS, LACKING, OTHER, ROUNDS, SCRIPT_FILE, rounds
from support.felt.trial import Change, Trial
from support.lab_fleet import LabFleet


@pytest.fixture(scope="module")
def trial(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """One fleet for all tests here, which follow each other: a guest takes long to boot."""
    other = lab.images / OTHER.rpartition("/")[2]
    shutil.copyfile(lab.images / "tiny.qcow2", other)
    made = Trial(LabFleet(lab, tmp_path_factory.mktemp("fleet")), BEFORE, BOOTLESS)
    (made.fleet.folder / "script").write_text(SCRIPT_FILE)
    made.begin()
    yield made
    made.fleet.end()
    other.unlink()


@pytest.mark.parametrize("name", ROUNDS)
def test_each_field_has_the_impact_that_the_table_says(trial: Trial, name: str) -> None:
    checksum = (trial.fleet.lab.images / "tiny.qcow2.sha256").read_text().split()[0]
    trial.feel(*rounds(f"sha256:{checksum}")[name])


@pytest.mark.parametrize("change", LACKING, ids=lambda change: change.key)
def test_what_a_host_of_the_lab_lacks_waits_for_consent_and_is_then_refused(trial: Trial, change: Change) -> None:
    trial.waits_for_consent(change)
    trial.refused(change)
