# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Novella's scheduler answers as Nova's own code does, on random hosts and requests.

NOVELLA_CONFORMANCE_SEEDS says how many scenarios there are, NOVELLA_CONFORMANCE_FIRST with which seed they begin.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from conformance import our_side
from conformance.comparing import compare, is_error
from conformance.differences import explain
from conformance.generate import generate
from conformance.nova_process import NovaProcess
from conformance.scenario_hosts import NOVA_FILTERS, NOVA_WEIGHERS

FIRST = int(os.environ.get("NOVELLA_CONFORMANCE_FIRST", "0"))
SEEDS = int(os.environ.get("NOVELLA_CONFORMANCE_SEEDS", "150"))
BLOCK = 50
# Fewer do not reach everything.
ENOUGH = 100


@pytest.fixture(scope="module")
def reached() -> Counter[str]:
    """What the scenarios came to: how often each filter told hosts apart, and each weigher; and what was explained."""
    return Counter()


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, BLOCK))
def test_the_same_hosts_pass_with_the_same_weights_and_pay_the_same(
    first: int, nova: NovaProcess, reached: Counter[str]
) -> None:
    for seed in range(first, min(first + BLOCK, FIRST + SEEDS)):
        scenario = generate(seed)
        theirs = nova.answer(scenario)
        count(theirs, len(scenario["hosts"]), reached)
        explained, unexplained = explain(compare(scenario, theirs, our_side.answer(scenario)))
        reached.update(explained)
        assert not unexplained, unexplained[0]


def test_the_scenarios_reach_every_filter_and_weigher(reached: Counter[str]) -> None:
    # Who looks at a single seed again asks for less than a run; `make test` and `make conformance` ask for enough.
    if SEEDS < ENOUGH:
        pytest.skip(f"{SEEDS} scenarios are too few to reach everything")
    # It tells hosts apart only where instances move between cells, which Novella has not.
    indifferent = {"AllHostsFilter", "CrossCellWeigher"}
    assert {*NOVA_FILTERS, *NOVA_WEIGHERS} - reached.keys() == indifferent
    assert reached["placed"] > SEEDS
    # What is explained must stay the exception.
    assert sum(reached[name] for name in reached if "-" in name) < 0.25 * SEEDS


def count(theirs: dict[str, Any], hosts: int, reached: Counter[str]) -> None:
    """Count what Nova's answers show to have had an effect."""
    for told in theirs["requests"]:
        if "invalid" in told:
            continue
        for name, passing in told["filters"].items():
            reached[name] += not is_error(passing) and 0 < len(passing) < hosts
        for name, weights in told["weighers"].items():
            reached[name] += not is_error(weights) and len(set(weights.values())) > 1
        reached["placed"] += bool(told["ranked"]) and not is_error(told["ranked"])
    for name in [name for name, times in reached.items() if not times]:
        del reached[name]
