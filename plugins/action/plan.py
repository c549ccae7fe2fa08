# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind module plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.module_utils.compute.clock import now
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Plan
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
from ansible_collections.novella.compute.plugins.plugin_utils.planner.claims import (
    ClaimRequest,
    request_claims,
    settle_claims,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.freshness import check_plan
from ansible_collections.novella.compute.plugins.plugin_utils.planner.images import check_image_hosts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.memory import generations, memory_to_tell
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation
from ansible_collections.novella.compute.plugins.plugin_utils.planner.outcome import fail, tell
from ansible_collections.novella.compute.plugins.plugin_utils.planner.planner import make_plan, max_attempts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.steps import (
    CARRIED,
    awaited,
    describe,
    describe_settled,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.storage import (
    check_path,
    read_document,
    write_document,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.strays import host_zones, unknown_hosts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.tables import count_steps, plan_table
from ansible_collections.novella.compute.plugins.plugin_utils.run_identity import is_over, new_run

CONSENTS = ["restart", "rebuild", "drift", "delete_volume"]


class ActionModule(ControllerAction):
    """Make a plan from the fleet and the audits of this run, or take a saved one."""

    SPEC = {  # noqa: RUF012
        "fleet": {"type": "raw"},
        "group": {"type": "str"},
        "hosts_from": {"type": "raw"},
        "prune": {"type": "bool", "default": False},
        "consent": {"type": "list", "elements": "str", "choices": CONSENTS, "default": []},
        "save_to": {"type": "str"},
        "apply_from": {"type": "str"},
        "previous": {"type": "dict"},
        "claimed": {"type": "dict"},
        "recall": {"type": "bool", "default": False},
        "fail_unplaced": {"type": "bool", "default": False},
    }

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        for option in ("save_to", "apply_from"):
            if arguments[option]:
                check_path(arguments[option])
        if arguments["claimed"]:
            return self._settle(arguments, variables)
        if arguments["previous"]:
            return self._plan_again(arguments, variables)
        return self._plan(arguments, variables)

    def _plan(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        saved = arguments["apply_from"]
        group, observation = observe_hosts(arguments["hosts_from"], arguments["group"], variables, self._templar)
        if arguments["recall"] and observation.unreachable and observation.reports and observation.remembered is None:
            # The playbook asks the others, and comes back.
            return {"changed": False, "silent": list(observation.unreachable), "over": {}, "remaining": False}
        over = {
            host: ended for host, report in observation.reports.items() if (ended := list(filter(is_over, report.runs)))
        }
        if arguments["recall"] and over and not self._task.check_mode:
            # The playbook gives back what they held, and comes back.
            return {"changed": False, "silent": [], "over": over, "remaining": False}
        fleet = None
        if not saved or has_fleet(arguments["fleet"], variables, group):
            fleet = read_fleet(arguments["fleet"], variables, self._templar, group)
            check_image_hosts(fleet, [*observation.reports, *observation.unreachable])
        if fleet is None or saved:
            plan = read_plan(saved, fleet, observation)
        else:
            plan = make_plan(
                fleet, observation, created_at=now(), prune=arguments["prune"], consent=arguments["consent"]
            )
        Display().display(plan_table(plan, Display().verbosity))
        self._save(arguments["save_to"], plan.as_document())
        failures = failures_of_plan(plan)
        if failures and arguments["fail_unplaced"]:
            # Ansible prints a failed result in full; the plan was printed above.
            return {**fail(failures), "summary": count_steps(plan)}
        is_real = arguments["hosts_from"] is None and not self._task.check_mode
        counts = generations(observation)
        claims, contested = None, None
        if is_real:
            claims = request_claims(plan, observation)
            # A saved plan says what to do; what it leaves to others is not this run's to look after.
            contested = None if saved else awaited(plan, observation)
        result = {
            **describe(plan, failures, 1, {}, claims, contested=contested),
            "run": new_run(),
            "generations": counts,
            "summary": count_steps(plan),
            # What was reviewed names its hosts, and no others take their place.
            "max_attempts": 1 if fleet is None or saved else max_attempts(fleet),
            "availability_zones": host_zones(fleet) if fleet else {},
        }
        if is_real and not result["remaining"]:
            result["memory"] = memory_to_tell(observation, counts, result["run"], [], [])
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
            return {**result, **carried, "changed": False, "remaining": False, "slices": {}, "images": {}}
        group = read_group(arguments["group"], variables, self._templar)
        answers = read_answers(group, variables)
        stock, observation = close_attempt(previous, answers), observe_answers(answers)
        if stock.tried_again:
            fleet = read_fleet(arguments["fleet"], variables, self._templar, group)
            plan = make_plan(fleet, observation, created_at=now(), tried=stock.tried_again, contested=stock.contested)
            reasons = "".join(f"  {tell(failure)}\n" for failure in stock.retry)
            Display().display(f"Attempt {stock.attempt}\n{reasons}\n{plan_table(plan, Display().verbosity)}")
        else:
            plan = Plan(previous["plan"]["fleet"], now())
        failures, claims = settle(stock, plan), request_claims(plan, observation)
        contested = awaited(plan, observation)
        result = describe(
            plan, failures, stock.attempt, stock.tried, claims, previous["asked"], stock.contests, contested
        )
        if not result["remaining"]:
            uncertain = [failure.uuid for failure in failures if not failure.is_certain]
            told = (previous["generations"], previous["run"], previous["asked"], uncertain)
            result["memory"] = memory_to_tell(observation, *told)
        return {**result, **carried}

    def _settle(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        previous = arguments["claimed"]
        plan = Plan.from_document(previous["plan"])
        requests = {
            host: ClaimRequest.from_dict(item, f"claimed.claims.{host}") for host, item in previous["claims"].items()
        }
        answers = read_answers(read_group(arguments["group"], variables, self._templar), variables)
        settlement = settle_claims(plan, requests, answers)
        names = {action.uuid: action.name for action in plan.actions}
        for instance, why in settlement.contested.items():
            Display().display(f"{names[instance]} is not created now: {why}")
        return {**previous, **describe_settled(settlement, names, previous["contested"])}

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
    if fleet is None and any(_needs_secrets(action) for action in plan.actions):
        raise OptionInvalid(
            f"'{path}' needs user data, files or passphrases, which no plan holds.",
            "Give the fleet with it.",
        )
    check_plan(plan, observation)
    return plan


def _needs_secrets(action: Action) -> bool:
    """Return whether an action takes what only the fleet says."""
    volumes = [] if action.spec is None else action.spec.volumes
    volumes = [action.volume] if action.operation == "attach_volume" and action.volume else volumes
    spec = action.spec
    has_data = spec is not None and bool(spec.user_data_sha256 or spec.guest.digests)
    return has_data or any(volume.encrypted for volume in volumes)
