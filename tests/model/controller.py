# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller: does what the playbook apply does, step by step, so that two of them can be interleaved."""

from __future__ import annotations

import functools
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Plan
from ansible_collections.novella.compute.plugins.module_utils.objects.whereabouts import Place
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import HostAnswer
from ansible_collections.novella.compute.plugins.plugin_utils.planner.claims import (
    ClaimRequest,
    request_claims,
    settle_claims,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.memory import (
    generations,
    memory_to_tell,
    remember,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation, observe
from ansible_collections.novella.compute.plugins.plugin_utils.planner.planner import make_plan
from model.world import Killed, ModelHost, World

WHEN = "2026-11-21T10:00:00.000000Z"
LEASE = 600.0


@functools.cache
def fleet_of(declared: str) -> Fleet:
    """Return the fleet with this name, scheduler and instances, as JSON text. Reading it takes long."""
    return load_fleet(
        {
            "version": "1.0",
            "flavors": {
                "small": {"vcpus": 1, "memory_mb": 512, "root_gb": 2},
                "large": {"vcpus": 2, "memory_mb": 1024, "root_gb": 5},
            },
            "images": {"tiny": {"source": "/srv/images/tiny.qcow2"}},
            "networks": {},
            **json.loads(declared),
        }
    )


@dataclass
class Controller:
    """One controller, with at most one run under way.

    Args:
        world: The hosts that it reaches.
    """

    world: World
    run: str = ""
    seen: Optional[Observation] = None
    plan: Optional[Plan] = None
    requests: dict[str, ClaimRequest] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_claimed: bool = False
    uncertain: set[str] = field(default_factory=set)

    @property
    def is_busy(self) -> bool:
        return self.plan is not None

    def look(self) -> Observation:
        """Audit every host that answers, and ask those about the ones that do not."""
        silent = dict.fromkeys(sorted(self.world.silent), "timed out")
        documents = {
            host.name: host.run(lambda manager: manager.audit()).as_document() for host in self.world.reachable
        }
        seen = observe(documents, silent)
        if not silent or not documents:
            return seen
        told = [
            item for host in self.world.reachable for item in host.run(lambda manager: manager.recall(list(silent)))
        ]
        return Observation(seen.reports, seen.unreachable, remember(silent, told))

    def make_plan(self, declared: str, prune: bool) -> Plan:
        """Begin a run. One that was under way ends here as if the controller had lost its power."""
        self.forget()
        self.seen = self.look()
        self.plan = make_plan(fleet_of(declared), self.seen, created_at=WHEN, prune=prune)
        self.run = uuid.uuid4().hex
        self.requests = request_claims(self.plan, self.seen)
        return self.plan

    def claim(self) -> list[str]:
        """Claim what the plan creates, drop from it what others have, and return the names of that."""
        if self.plan is None or self.is_claimed:
            return []
        answers = [self._ask(host, request) for host, request in self.requests.items()]
        settled = settle_claims(self.plan, self.requests, answers)
        self.asked = sorted(self.requests)
        for host, unused in settled.releases.items():
            if host not in self.world.silent:
                self.world.hosts[host].run(functools.partial(_withdraw, self.run, unused))
        before = {action.uuid for action in self.plan.actions}
        self.plan, self.is_claimed = settled.plan, True
        return sorted(before - {action.uuid for action in self.plan.actions})

    def converge(self, host: ModelHost, at: int = 0) -> list[dict[str, Any]]:
        """Do a host's slice, which is done then, well or not.

        Raises:
            Killed: The module run died; what it did is not known here.
        """
        if self.plan is None or host.name in self.world.silent:
            return []
        self.claim()
        mine = self.plan.actions_on(host.name)
        self.plan = self.plan.but(actions=[action for action in self.plan.actions if action.host != host.name])
        if not mine:
            return []
        try:
            return host.run(functools.partial(_reconcile, mine, self.run), at)
        except Killed:
            self.uncertain |= {action.uuid for action in mine}
            raise

    def finish(self) -> None:
        """Tell the hosts where instances are now, give back what was claimed, and end the run."""
        if self.seen is not None:
            memory = memory_to_tell(self.look(), generations(self.seen), self.run, self.asked, self.uncertain)
            for host in memory.get("hosts", {}):
                self.world.hosts[host].run(functools.partial(_learn, memory, host))
        self.forget()

    def forget(self) -> None:
        """Lose everything; the hosts keep what they have granted."""
        self.run, self.seen, self.plan = "", None, None
        self.requests, self.asked, self.is_claimed, self.uncertain = {}, [], False, set()

    def _ask(self, name: str, request: ClaimRequest) -> HostAnswer:
        if name in self.world.silent:
            return HostAnswer(name, None, "timed out", claim={"unreachable": True, "msg": "timed out"})
        actions = [Action.from_dict(item) for item in request.actions]
        answer = self.world.hosts[name].run(
            lambda manager: manager.claim(self.run, request.wishes, actions, request.epoch, LEASE)
        )
        return HostAnswer(name, {}, claim=answer.as_dict())


def _reconcile(actions: list[Action], run: str, manager: Any) -> list[dict[str, Any]]:
    return manager.reconcile(actions, {}, run)


def _withdraw(run: str, unused: ClaimRequest, manager: Any) -> None:
    manager.withdraw(run, unused.wishes, [action["uuid"] for action in unused.actions])


def _learn(memory: dict[str, Any], host: str, manager: Any) -> None:
    places = {name: Place.from_dict(item) for name, item in memory[memory["hosts"][host]].items()}
    manager.learn(places, memory["mark"], memory["run"], memory["uncertain"])
