# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, what guests are told and guarded by, and where they may be, changed under guests that run and tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.felt.instances import ADOPTED, BEFORE, FILES, NOBODY, OTHERS, PAUSED, ROUNDS, STOPPED, is_heard, serve
from support.felt.trial import Change, Trial
from support.lab_fleet import LabFleet, await_condition


@pytest.fixture(scope="module")
def trial(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """One fleet for all tests here, which follow each other: a guest takes long to boot."""
    made = Trial(LabFleet(lab, tmp_path_factory.mktemp("fleet")), BEFORE)
    for name, content in FILES.items():
        (made.fleet.folder / name).write_text(content)
    made.begin()
    for name in made.names:
        serve(made.guest(name))
        await_condition(lambda name=name: is_heard(STOPPED)(made.guest(name)), f"{name} answers", 120)
    yield made
    made.fleet.end()


@pytest.mark.parametrize("name", ROUNDS)
def test_each_field_has_the_impact_that_the_table_says(trial: Trial, name: str) -> None:
    trial.feel(*ROUNDS[name])


def test_a_guest_that_is_declared_paused_is_paused_and_not_restarted(trial: Trial) -> None:
    guest, before = trial.guest(PAUSED.guest), trial.sights()
    trial.declare(PAUSED)
    [action] = trial.plan()["actions"]
    assert (action["operation"], PAUSED.told in action["reason"]) == ("pause", True)
    trial.fleet.apply()
    assert guest.state == "paused"
    trial.declare()
    trial.fleet.apply()
    assert (guest.state, trial.sights()) == ("running", before)


@pytest.mark.parametrize("change", OTHERS, ids=lambda change: change.key)
def test_what_makes_other_instances_lets_those_be_that_there_are(trial: Trial, change: Change) -> None:
    before = trial.sights(), trial.pictures()
    trial.declare(change)
    actions = trial.plan()["actions"]
    assert {(action["operation"], action["reason"]) for action in actions} == {("create", change.told)}
    trial.fleet.apply()
    assert (trial.sights(), trial.pictures()) == before
    trial.declare(*([] if change.key == "instances.count" else [change, NOBODY]))
    trial.fleet.apply(prune=True)
    assert (trial.sights(), trial.pictures()) == before


def test_another_uuid_is_another_instance_and_lets_that_be_that_there_is(trial: Trial) -> None:
    trial.refused(ADOPTED)
