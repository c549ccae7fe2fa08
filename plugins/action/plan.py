# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind module plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.module_utils.compute.clock import now
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import (
    has_fleet,
    observe_hosts,
    read_answers,
    read_fleet,
    read_group,
)
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import observe_answers
from ansible_collections.novella.compute.plugins.plugin_utils.planner.attempts import (
    Failure,
    close_attempt,
    failures_of_plan,
    settle,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.freshness import check_plan
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation
from ansible_collections.novella.compute.plugins.plugin_utils.planner.outcome import fail
from ansible_collections.novella.compute.plugins.plugin_utils.planner.planner import make_plan, max_attempts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.storage import (
    check_path,
    read_document,
    write_document,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.strays import host_zones, unknown_hosts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.tables import count_steps, plan_table

# What goes unchanged from the first attempt to the last.
CARRIED = ("summary", "max_attempts", "availability_zones")


class ActionModule(ControllerAction):
    """Make a plan from the fleet and the audits of this run, or take a saved one."""

    SPEC = {  # noqa: RUF012
        "fleet": {"type": "raw"},
        "group": {"type": "str"},
        "hosts_from": {"type": "raw"},
        "prune": {"type": "bool", "default": False},
        "save_to": {"type": "str"},
        "apply_from": {"type": "str"},
        "previous": {"type": "dict"},
        "fail_unplaced": {"type": "bool", "default": False},
    }

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        for option in ("save_to", "apply_from"):
            if arguments[option]:
                check_path(arguments[option])
        if arguments["previous"]:
            return self._plan_again(arguments, variables)
        return self._plan(arguments, variables)

    def _plan(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        saved = arguments["apply_from"]
        group, observation = observe_hosts(arguments["hosts_from"], arguments["group"], variables, self._templar)
        fleet = None
        if not saved or has_fleet(arguments["fleet"], variables, group):
            fleet = read_fleet(arguments["fleet"], variables, self._templar, group)
        if fleet is None or saved:
            plan = read_plan(saved, fleet, observation)
        else:
            plan = make_plan(fleet, observation, created_at=now(), prune=arguments["prune"])
        Display().display(plan_table(plan, Display().verbosity))
        self._save(arguments["save_to"], plan.as_document())
        failures = failures_of_plan(plan)
        if failures and arguments["fail_unplaced"]:
            # Ansible prints a failed result in full; the plan was printed above.
            return {**fail(failures), "summary": count_steps(plan)}
        result = {
            **describe(plan, failures, attempt=1, tried={}),
            "summary": count_steps(plan),
            # What was reviewed names its hosts, and no others take their place.
            "max_attempts": 1 if fleet is None or saved else max_attempts(fleet),
            "availability_zones": host_zones(fleet) if fleet else {},
        }
        if fleet and (unknown := unknown_hosts(fleet, observation)):
            result["warnings"] = unknown
        if Display().verbosity < 3:
            # With -v people see the explanation above, which the same as data would bury.
            result["_ansible_verbose_override"] = True
        if self._task.diff:
            result["diff"] = [action.as_diff() for action in plan.actions]
        return result

    def _plan_again(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        if arguments["hosts_from"] is not None:
            raise OptionInvalid(
                "hosts_from and previous exclude each other.", "Only what was done on hosts of this run can be redone."
            )
        previous = arguments["previous"]
        carried = {key: previous[key] for key in CARRIED if key in previous}
        if self._task.check_mode:
            # Nothing was done, so nothing has failed, and the plan still stands.
            kept = Plan.from_document(previous["plan"])
            failures = [Failure.from_dict(item) for item in previous["failures"]]
            result = describe(kept, failures, previous["attempt"], previous["tried"])
            return {**result, **carried, "changed": False, "remaining": False, "slices": {}}
        group = read_group(arguments["group"], variables, self._templar)
        answers = read_answers(group, variables)
        stock = close_attempt(previous, answers)
        if stock.retry:
            fleet = read_fleet(arguments["fleet"], variables, self._templar, group)
            plan = make_plan(fleet, observe_answers(answers), created_at=now(), tried=stock.tried_again)
            Display().display(f"Attempt {stock.attempt}\n\n{plan_table(plan, Display().verbosity)}")
        else:
            plan = Plan(previous["plan"]["fleet"], now())
        return {**describe(plan, settle(stock, plan), stock.attempt, stock.tried), **carried}

    def _save(self, path: Optional[str], document: Mapping[str, Any]) -> None:
        if not path:
            return
        if self._task.check_mode:
            Display().display(f"Check mode: would write {path}.")
        else:
            write_document(path, document)


def read_plan(path: str, fleet: Optional[Fleet], observation: Observation) -> Plan:
    """Read a saved plan and hold it against the hosts.

    Raises:
        PlanOutdated: They have changed.
        InvalidInput: It is no plan of this fleet, or needs the fleet.
    """
    plan = Plan.from_document(read_document(path), path)
    if fleet is not None and fleet.name != plan.fleet:
        raise OptionInvalid(f"'{path}' is a plan of fleet {plan.fleet}, not of {fleet.name}.")
    if fleet is None and any(action.spec and action.spec.user_data_sha256 for action in plan.actions):
        raise OptionInvalid(
            f"'{path}' creates instances with user data, which no plan holds.", "Give the fleet with it."
        )
    check_plan(plan, observation)
    return plan


def describe(
    plan: Plan, failures: Sequence[Failure], attempt: int, tried: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return the part of the result that each attempt has anew."""
    slices: dict[str, list[dict[str, Any]]] = {}
    for action in plan.actions:
        slices.setdefault(action.host, []).append(action.as_dict(sparse=True))
    return {
        "changed": bool(plan.actions),
        "plan": plan.as_document(),
        "slices": slices,
        "attempt": attempt,
        "remaining": bool(plan.actions),
        "tried": tried,
        "failures": [failure.as_dict() for failure in failures],
    }
