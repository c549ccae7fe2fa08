# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills an operation at every moment of it, and each recovery from it likewise, on hosts of the fake driver.

What a death leaves is compared with what others left: each state is recovered from once, and the recovery from it is
killed at every moment in turn. So it does not matter how often a host dies in a row.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ansible_collections.novella.compute.plugins.module_utils.compute.records import read_record
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from crash.scenarios import LOST, Scenario
from crash.traces import Traces
from crash.trial import Trial
from crash.victim import VictimHost

# One of so many moments is tried, or all (1), and the seed that chooses them.
EVERY = int(os.environ.get("NOVELLA_CRASH_EVERY", "1"))
# It is handed on to the processes that pytest starts to share the work.
SEED = int(os.environ.setdefault("NOVELLA_CRASH_SEED", str(random.SystemRandom().randrange(1 << 32))))


@dataclass
class Tally:
    """What was tried: how often a process was killed, and how many different states the deaths left behind."""

    deaths: int = 0
    states: int = 0


class Explorer:
    """Tries one scenario.

    Args:
        scenario: It.
        host: A new host, and the place where its copies go.
    """

    def __init__(self, scenario: Scenario, host: VictimHost) -> None:
        self.tally = Tally()
        self._trial = Trial(scenario, lambda: self._copy(self._prepared))
        self._new = VictimHost(host.victims, {**host.options, **scenario.options}, host.state)
        self._numbers = itertools.count(1)
        self._random = random.Random(f"{SEED} {scenario}")

    def explore(self) -> None:
        """Try every moment of the operation, and every moment of each recovery.

        Raises:
            AssertionError: A state was not made good; the message names the deaths that led to it.
        """
        seen: set[str] = set()
        queue = [(self._prepared, "")]
        while queue:
            host, story = queue.pop()
            for victim, death in self._deaths(host):
                told = f"{story}killed {death}"
                mark = Traces(victim.state).fingerprint()
                if mark not in seen:
                    seen.add(mark)
                    self.tally.states += 1
                    queue.append((victim.copy(self._place()), f"{told}, then "))
                    self._trial.check(victim, told)
            if host is not self._prepared:
                shutil.rmtree(host.state)

    def _deaths(self, host: VictimHost) -> Iterator[tuple[VictimHost, str]]:
        """Kill a run at each moment in turn, each on a host of its own. The first moment is never left out."""
        actions = [self._trial.scenario.action] if host is self._prepared else []
        at = 1
        while True:
            with self._copy(host) as victim:
                death = victim.kill(at, actions)
                if not death.is_killed:
                    return
                self.tally.deaths += 1
                yield victim, f"{death.moment} (moment {at})"
            at += self._random.randint(1, 2 * EVERY - 1)

    @cached_property
    def _prepared(self) -> VictimHost:
        """The host before the operation."""
        scenario = self._trial.scenario
        host = self._new.copy(self._place())
        for action in scenario.way:
            results = host.reconcile([action])
            assert [item["status"] for item in results] == ["done"], f"{scenario}: no way there: {results}"
        if scenario.start == LOST:
            with behind_its_back(host) as driver:
                driver.undefine(scenario.action.uuid)
        if scenario.written is not None:
            with behind_its_back(host) as driver:
                record = read_record(driver.get_domain(scenario.action.uuid))
                driver.save_record(record.but(vm_state=scenario.written))
        return host

    @contextmanager
    def _copy(self, host: VictimHost) -> Iterator[VictimHost]:
        place = self._place()
        yield host.copy(place)
        shutil.rmtree(place)

    def _place(self) -> Path:
        return self._new.state.with_name(f"{self._new.state.name}-{next(self._numbers)}")


@contextmanager
def behind_its_back(host: VictimHost) -> Iterator[FakeDriver]:
    """What a person at the host would use instead of virsh."""
    with closing(TrackerDB(str(host.state))) as db:
        yield FakeDriver(host.options["host"], str(host.state), db)
