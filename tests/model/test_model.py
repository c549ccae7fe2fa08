# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random sequences of applies by two controllers, deaths, accidents and people's interference, on one host or two.

After each step the invariants of the design are held against what the hosts' tables say.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.owner import is_alive
from ansible_collections.novella.compute.plugins.module_utils.compute.service import ServiceWish
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from ansible_collections.novella.compute.plugins.plugin_utils.planner.outlook import foresee
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from model.controller import Controller
from model.world import LONG, Killed, ModelHost, World

SEQUENCES = int(os.environ.get("NOVELLA_MODEL_SEQUENCES", "250"))
STEPS = 15
ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")
GONE = ("instances", "fake_disks", "claims", "claimed_hardware", "claimed_resources", "journal", "steps")

numbers = st.integers(0, 3)
controllers = st.sampled_from(["A", "B"])
power = st.sampled_from(["running", "shutdown"])
# Most runs live.
deaths = st.one_of(st.just(0), st.just(0), st.integers(1, 60), st.integers(1, 240))
entries = st.fixed_dictionaries(
    {
        "image": st.just("tiny"),
        "vm_state": st.sampled_from(["active", "active", "stopped", "any"]),
        "metadata": st.sampled_from([{}, {"role": "back"}]),
    }
)
webs = st.builds(lambda entry, count: {**entry, "flavor": "small", "count": count}, entries, st.integers(1, 5))
databases = st.builds(lambda entry: {**entry, "flavor": "large"}, entries)
NAMES = ("one", "two")
# One fills a host before it takes the next, so that two controllers want one instance on two hosts.
PACKING = {f"{name}_weight_multiplier": -1.0 for name in ("ram", "cpu", "disk")}
SCHEDULERS: tuple[dict[str, float], ...] = ({}, {**PACKING, "io_ops_weight_multiplier": 0.0})


def declare(name: str, scheduler: dict[str, float], instances: dict[str, Any]) -> str:
    return json.dumps({"name": name, "scheduler": scheduler, "instances": instances}, sort_keys=True)


contents = st.fixed_dictionaries({}, optional={"web": webs, "db": databases})
fleets = st.builds(declare, st.sampled_from([NAMES[0], *NAMES]), st.sampled_from(SCHEDULERS), contents)


class Fleet(RuleBasedStateMachine):
    """What may happen to a fleet of hosts. `HOSTS` is how many there are."""

    HOSTS = 1

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="novella-model-", dir=MEMORY if MEMORY.is_dir() else None))
        self.world = World(self.folder, tuple(f"kvm{number}" for number in range(1, self.HOSTS + 1)))
        self.rules = self.world.ruled()
        self.rules.__enter__()
        self.controllers = {name: Controller(self.world) for name in ("A", "B")}
        # What guests have written, by uuid, and what somebody has asked to delete since.
        self.written: dict[str, str] = {}
        self.given_up: set[str] = set()

    @initialize()
    def begin(self) -> None:
        self.world.begin()

    # -- controllers -----------------------------------------------------------------------------------------

    @rule(who=controllers, declared=fleets, prune=st.booleans())
    def plan(self, who: str, declared: str, prune: bool) -> None:
        self._plan(self.controllers[who], declared, prune)

    @precondition(lambda self: self._is_busy)
    @rule(who=controllers)
    def claim(self, who: str) -> None:
        self.controllers[who].claim()

    @precondition(lambda self: self._is_busy)
    @rule(who=controllers, which=numbers, at=deaths)
    def converge(self, who: str, which: int, at: int) -> None:
        self._converge(self.controllers[who], self._host(which), at)

    @precondition(lambda self: self._is_busy)
    @rule(who=controllers)
    def finish(self, who: str) -> None:
        self.controllers[who].finish()

    @precondition(lambda self: self._is_busy)
    @rule(who=controllers)
    def lose_controller(self, who: str) -> None:
        self.controllers[who].forget()

    @rule(who=controllers, declared=fleets, prune=st.booleans(), which=numbers, at=deaths)
    def apply(self, who: str, declared: str, prune: bool, which: int, at: int) -> None:
        """A whole run, during which one host's module may die. Where none does and nobody else is at work, it does
        what check mode has said, and a second one would do nothing."""
        controller, victim = self.controllers[who], self._host(which)
        plan = self._plan(controller, declared, prune)
        is_alone = not any(other.is_busy for name, other in self.controllers.items() if name != who)
        expected, seen = _states(foresee(controller.seen, plan)), controller.seen
        predicted = self._predict(plan)
        controller.claim()
        results = [
            result
            for host in self.world.hosts.values()
            for result in self._converge(controller, host, at if host is victim else 0)
        ]
        died = bool(controller.uncertain)
        controller.finish()
        if died or not is_alone or any(result["status"] != "done" for result in results):
            return
        if len(results) != len(plan.actions):
            return
        done = sorted((item["operation"], item["uuid"]) for item in results)
        assert predicted == done, "check mode said otherwise"
        now = controller.look()
        assert _states(now) == expected, f"the hosts are not as foreseen after {plan.actions}; before: {_states(seen)}"
        second = self._plan(controller, declared, prune)
        controller.forget()
        assert second.actions == [], f"a second run would {[item.as_dict() for item in second.actions]}"

    @rule(
        instances=st.tuples(contents, contents),
        is_one_fleet=st.booleans(),
        prune=st.booleans(),
        steps=st.lists(st.tuples(controllers, numbers, deaths), max_size=4),
    )
    def race(
        self,
        instances: tuple[dict[str, Any], dict[str, Any]],
        is_one_fleet: bool,
        prune: bool,
        steps: list[tuple[str, int, int]],
    ) -> None:
        """Both plan from the same hosts, for one fleet or for two; then each claims and converges, in any order."""
        others = instances[0] if is_one_fleet else instances[1]
        self._plan(self.controllers["A"], declare(NAMES[0], SCHEDULERS[0], instances[0]), prune)
        self._plan(self.controllers["B"], declare(NAMES[not is_one_fleet], SCHEDULERS[1], others), prune)
        rest = [(who, which, 0) for which in range(self.HOSTS) for who in self.controllers]
        for who, which, at in [*steps, *rest]:
            self._converge(self.controllers[who], self._host(which), at)
        for controller in self.controllers.values():
            controller.finish()

    # -- accidents and people --------------------------------------------------------------------------------

    @rule(which=numbers, at=deaths)
    def recover(self, which: int, at: int) -> None:
        host = self._host(which)
        try:
            host.run(lambda manager: manager.audit(), at)
        except Killed:
            return
        assert host.rows("journal") == host.rows("steps") == [], "an operation stays in flight though nobody is"
        states = [json.loads(row["record"])["task_state"] for row in _recorded(host) if "task_state" in row["record"]]
        assert not any(states), f"task_state stays {states}"

    @precondition(lambda self: self.world.homes())
    @rule(which=numbers, nth=numbers, power_state=power)
    def switch(self, which: int, nth: int, power_state: str) -> None:
        for host, instance in self._pick(which, nth):
            host.switch(instance, power_state)

    @precondition(lambda self: self.world.homes())
    @rule(which=numbers, nth=numbers)
    def undefine(self, which: int, nth: int) -> None:
        for host, instance in self._pick(which, nth):
            self._write(host, instance)
            host.undefine(instance)

    @precondition(lambda self: self.world.homes())
    @rule(which=numbers, nth=numbers)
    def delete_root_disk(self, which: int, nth: int) -> None:
        for host, instance in self._pick(which, nth):
            self.given_up.add(instance)
            host.delete_root_disk(instance)

    @precondition(lambda self: self.world.homes())
    @rule(which=numbers, nth=numbers)
    def write_on_disk(self, which: int, nth: int) -> None:
        for host, instance in self._pick(which, nth):
            self._write(host, instance)

    @rule(which=numbers, memory_mb=st.sampled_from([256, 1024]))
    def put_foreign(self, which: int, memory_mb: int) -> None:
        host, size = self._host(which), Usage(1, memory_mb, 2)
        name = f"stranger-{len(host.foreign)}"
        if host.has_room(size):
            host.put_foreign(Domain(str(uuid.uuid5(uuid.NAMESPACE_DNS, host.name + name)), name, "running", size))

    @rule(which=numbers, enabled=st.booleans())
    def switch_service(self, which: int, enabled: bool) -> None:
        self._host(which).run(lambda manager: manager.change_service(ServiceWish(enabled=enabled)))

    @precondition(lambda self: self.HOSTS > 1 and not self._is_busy)
    @rule(which=numbers, is_silent=st.booleans())
    def cut_or_mend_cable(self, which: int, is_silent: bool) -> None:
        name = self._host(which).name
        self.world.silent = {name} if is_silent else set()

    @rule()
    def let_time_pass(self) -> None:
        self.world.uptime += LONG

    # -- what holds ------------------------------------------------------------------------------------------

    @invariant()
    def invariants_hold(self) -> None:
        split = {instance: homes for instance, homes in self.world.homes().items() if len(homes) > 1}
        assert not split, f"instances are in two places: {split}"
        for host in self.world.hosts.values():
            assert host.has_room(Usage(0, 0, 0)), f"{host.name} is over its limits: {host.used}"
            assert host.foreign_now() == host.foreign, f"somebody touched what is foreign on {host.name}"
        disks = {key: text for host in self.world.hosts.values() for key, text in host.root_disks.items()}
        for instance, text in self.written.items():
            assert instance in self.given_up or disks.get(instance) == text, f"the data of {instance} is lost"

    def teardown(self) -> None:
        try:
            if self.world.hosts:
                self._settle()
        finally:
            self.rules.__exit__(None, None, None)
            for host in self.world.hosts.values():
                host.close()
            shutil.rmtree(self.folder)

    def _settle(self) -> None:
        """All is well again: everybody answers, nobody dies. Then all is deleted, and nothing may be left."""
        self.world.silent = set()
        for controller in self.controllers.values():
            controller.forget()
        self.world.uptime += LONG
        for host in self.world.hosts.values():
            host.run(lambda manager: manager.change_service(ServiceWish(enabled=True)))
        self.apply("A", declare(NAMES[0], {}, {"web": {"image": "tiny", "flavor": "small"}}), True, 0, 0)
        for who, name in zip("BABA", sorted(2 * NAMES)):
            self.apply(who, declare(name, {}, {}), True, 0, 0)
        for host in self.world.hosts.values():
            left = {
                "domains": host.instances,
                **{table: [tuple(row) for row in host.rows(table)] for table in GONE},
                "reservations": [tuple(row) for row in host.rows("reservations") if is_alive(row["owner"])],
            }
            assert not any(left.values()), f"on {host.name} is left: {left}"

    # -- inside ----------------------------------------------------------------------------------------------

    @property
    def _is_busy(self) -> bool:
        return any(controller.is_busy for controller in self.controllers.values())

    def _plan(self, controller: Controller, declared: str, prune: bool) -> Any:
        plan = controller.make_plan(declared, prune)
        for action in plan.actions:
            assert action.host not in self.world.silent
            homes = self.world.homes().get(action.uuid, [action.host])
            assert homes == [action.host], f"{action.operation} on {action.host} of what is on {homes}"
            assert prune or action.operation != "delete"
        self._give_up(controller)
        return plan

    def _write(self, host: ModelHost, instance: str) -> None:
        """Be the guest that writes something which it wants to find again."""
        if instance in host.root_disks:
            self.written[instance] = f"written {len(self.written)}"
            host.write_on_disk(instance, self.written[instance])
            self.given_up.discard(instance)
            # A plan that is under way may delete it with good reason.
            for controller in self.controllers.values():
                self._give_up(controller)

    def _give_up(self, controller: Controller) -> None:
        actions = controller.plan.actions if controller.plan is not None else []
        self.given_up |= {action.uuid for action in actions if action.operation == "delete"}

    def _predict(self, plan: Any) -> list[tuple[str, str]]:
        said = [
            item
            for host in self.world.reachable
            for item in host.run(lambda manager, name=host.name: manager.predict(plan.actions_on(name)))
        ]
        return sorted((item["operation"], item["uuid"]) for item in said)

    def _converge(self, controller: Controller, host: ModelHost, at: int) -> list[dict[str, Any]]:
        try:
            return controller.converge(host, at)
        except Killed:
            return []

    def _host(self, which: int) -> ModelHost:
        return list(self.world.hosts.values())[which % self.HOSTS]

    def _pick(self, which: int, nth: int) -> list[tuple[ModelHost, str]]:
        """Return one of a host's instances, or none where it has none."""
        host = self._host(which)
        there = host.instances
        return [(host, there[nth % len(there)])] if there else []


class TwoHosts(Fleet):
    """The same with two."""

    HOSTS = 2


def _recorded(host: ModelHost) -> list[Any]:
    return [row for row in host.rows("fake_domains") if row["record"] is not None]


def _states(seen: Any) -> dict[str, tuple[str, str]]:
    return {
        item.instance.uuid: (host, item.power_state)
        for host, report in seen.reports.items()
        for item in report.instances
    }


model = settings(
    max_examples=SEQUENCES,
    stateful_step_count=STEPS,
    deadline=None,
    print_blob=True,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis/examples"),
    suppress_health_check=list(HealthCheck),
)
TestOneHost = Fleet.TestCase
TestOneHost.settings = model
TestTwoHosts = TwoHosts.TestCase
TestTwoHosts.settings = model
