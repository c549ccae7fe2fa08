# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module run is killed at every moment of every operation; the next run makes good what it left."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from crash.explorer import SEED, Explorer, Tally
from crash.scenarios import act, declare, derive_scenarios
from crash.traces import Traces, essence
from crash.trial import converge, plan_for
from crash.victim import VictimHost

SLICES = 40


@pytest.mark.parametrize("scenario", derive_scenarios(), ids=str)
def test_an_operation_killed_at_any_moment_is_made_good_by_the_next_run(scenario, new_host, tell):
    assert not scenario.problem, scenario.problem
    explorer = Explorer(scenario, new_host)
    try:
        explorer.explore()
    finally:
        tell(explorer.tally)


def test_the_same_death_leaves_the_same_state(new_host, folder):
    """Else every state would be new, and the search would never end."""
    left = [_first_death_within(new_host, folder / name) for name in ("one", "other")]
    assert left[0] == left[1]


def _first_death_within(new_host: VictimHost, place: Path) -> str:
    """Kill a create at its first moment that leaves it in flight, and return the digest of what that left."""
    at, traces = 0, Traces(new_host.state)
    while traces.operations() != ["create"]:
        at += 1
        host = new_host.copy(place / str(at))
        traces = Traces(host.state)
        assert host.kill(at, [act("create", "active")]).is_killed, "no moment of the create left it in flight"
    return traces.fingerprint()


def test_a_slice_of_many_instances_killed_anywhere_is_made_good_by_the_next_run(new_host, folder, tell):
    """Several threads are at work, so the moment's number does not say what was going on; many are tried."""
    host = VictimHost(new_host.victims, {**new_host.options, "max_concurrent_builds": 3}, new_host.state)
    converge(host, declare("active", {}, count=4))
    aim = declare("stopped", {"role": "back"}, count=7)
    plan = plan_for(aim, host.audit())
    reference = host.copy(folder / "reference")
    moments = reference.kill(0, plan.actions).moments
    expected = essence(converge(reference, aim))
    tally, chosen = Tally(), random.Random(SEED)
    for at in sorted(chosen.sample(range(1, moments + 1), SLICES)):
        victim = host.copy(folder / "victim")
        death = victim.kill(at, plan.actions)
        tally.deaths += death.is_killed
        told = f"killed {death.moment} (moment {at} of {moments})"
        assert essence(converge(victim, aim, told)) == expected, told
        assert Traces(victim.state).in_flight() == {}, told
        shutil.rmtree(victim.state)
    tell(tally)
