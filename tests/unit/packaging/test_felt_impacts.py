# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the table of impacts is tried on guests that run: tests/e2e/test_impact_of_*.py."""

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.compute.impacts import TABLE
from support.felt import instances, networks, shapes, volumes
from support.felt.trial import Change


def changes() -> list[Change]:
    rounds = [of.ROUNDS for of in (instances, networks, shapes, volumes)]
    alone = [*instances.OTHERS, instances.ADOPTED, instances.PAUSED, *networks.LACKING, *shapes.LACKING]
    return [*(change for named in rounds for round_ in named.values() for change in round_), *alone]


def test_every_row_has_a_change_that_running_guests_are_tried_with() -> None:
    missing = [row.key for row in TABLE if row.key not in {change.key for change in changes()}]
    assert not missing, f"add a change for each in tests/support/felt: {missing}"


def test_the_changes_of_a_round_are_all_of_one_impact() -> None:
    for of in (instances, networks, shapes, volumes):
        for name, round_ in of.ROUNDS.items():
            assert len({change.impact for change in round_}) == 1, name


def test_each_change_that_is_felt_says_what_to_look_at_and_what_the_plan_tells() -> None:
    for of in (instances, networks, shapes, volumes):
        for round_ in of.ROUNDS.values():
            for change in round_:
                assert change.impact == "none" or change.told, change.key
                assert change.impact in ("none", "refused") or change.shows is not None, change.key
