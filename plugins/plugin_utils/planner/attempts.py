# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What failed in a round of reconciling, and what of it may be tried on another host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.base import Record
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    DeadlineExceeded,
    HypervisorError,
    HypervisorUnavailable,
    InstanceExists,
    InstanceIsLocked,
    InstanceLocked,
    InvalidInput,
    NotSupported,
    NoValidHost,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Plan

from .answers import HostAnswer, complaint

# The fault lies with the host. Another host would refuse the same image or option again, and a host that fell
# silent may have built the instance for all we know.
RETRYABLE = frozenset(
    error.code for error in (ComputeResourcesUnavailable, DeadlineExceeded, HypervisorError, InstanceExists)
)
# How often a run looks again at what others are in the way of. No host fails meanwhile, so these are no attempts.
MOST_CONTESTS = 10

FINDING_CODES = {
    "locked": InstanceIsLocked.code,
    "split": InstanceExists.code,
    "unknown": HypervisorUnavailable.code,
    "unsupported": NotSupported.code,
}


@dataclass(frozen=True)
class Failure(Record):
    """One thing of a plan that did not come to pass.

    `host` is None where none was found. `is_certain` is False where the host fell silent: it may have been done.
    """

    uuid: str
    name: str
    operation: str
    code: str
    message: str
    host: Optional[str] = None
    is_certain: bool = True

    @property
    def is_retryable(self) -> bool:
        """Return whether another host may do it."""
        return self.is_certain and self.operation == "create" and self.code in RETRYABLE


@dataclass(frozen=True)
class Round:
    """What the attempts so far have come to.

    Args:
        attempt: The number of the attempt to come.
        tried: By uuid, the hosts where a create failed.
        failures: What has failed for good.
        retry: What another host may do.
        contested: Uuids that another run was in the way of, to be looked at again.
        contests: How many attempts so far another run was in the way of.
    """

    attempt: int
    tried: dict[str, list[str]]
    failures: list[Failure]
    retry: list[Failure]
    contested: list[str] = field(default_factory=list)
    contests: int = 0

    @property
    def tried_again(self) -> dict[str, list[str]]:
        """Return what to plan again, with the hosts to leave out."""
        return {uuid: self.tried.get(uuid, []) for uuid in [*(failure.uuid for failure in self.retry), *self.contested]}


def close_attempt(previous: Mapping[str, Any], answers: Iterable[HostAnswer]) -> Round:
    """Take stock after an attempt.

    Args:
        previous: The result of the action plan that the attempt was made from.
        answers: What the hosts said.

    Raises:
        InvalidInput: `previous` is no such result.
    """
    for key in ("plan", "attempt", "tried", "failures", "max_attempts", "refused", "contested", "contests"):
        if key not in previous:
            raise InvalidInput(f"previous lacks '{key}'.", "Give the registered result of the plan before.")
    attempt = int(previous["attempt"])
    tried = {uuid: list(hosts) for uuid, hosts in previous["tried"].items()}
    final = [Failure.from_dict(item, "previous.failures") for item in previous["failures"]]
    max_attempts = int(previous["max_attempts"])
    refused = [Failure.from_dict(item, "previous.refused") for item in previous["refused"]]
    retry = []
    for failure in refused + collect_failures(Plan.from_document(previous["plan"]), answers, attempt):
        before = tried.get(failure.uuid, [])
        if failure.is_retryable and failure.host is not None and len(before) + 1 < max_attempts:
            tried[failure.uuid] = [*before, failure.host]
            retry.append(failure)
        else:
            final.append(failure)
    contested: Mapping[str, Mapping[str, str]] = previous["contested"]
    contests = int(previous["contests"]) + bool(contested)
    # Where there is one attempt only, nothing is planned a second time.
    if max_attempts == 1 or contests >= MOST_CONTESTS:
        final.extend(_give_up(uuid, item) for uuid, item in contested.items())
        contested = {}
    return Round(attempt + 1, tried, final, retry, list(contested), contests)


def settle(stock: Round, plan: Plan) -> list[Failure]:
    """Return all that has failed for good, once it is known what the new plan gives another host to."""
    again = {action.uuid for action in plan.actions}
    unplaced = {selection.instance_uuid: selection.message for selection in plan.unplaced}
    given_up = [
        failure.but(message=f"{failure.message} {unplaced.get(failure.uuid) or ''}".strip())
        for failure in stock.retry
        if failure.uuid not in again
    ]
    unplaceable = [
        Failure(item.instance_uuid, item.name, "create", NoValidHost.code, item.message or "It was not placed.")
        for item in plan.unplaced
        if item.instance_uuid in stock.contested
    ]
    unknown = [
        Failure(item.uuid, item.name, "create", FINDING_CODES[item.kind], f"{item.name} {item.reason}.")
        for item in plan.findings
        if item.fatal
    ]
    return stock.failures + given_up + unplaceable + unknown


def collect_failures(plan: Plan, answers: Iterable[HostAnswer], attempt: int) -> list[Failure]:
    """Return what of the plan failed on its hosts.

    Args:
        plan: What the hosts were given in this attempt.
        answers: What they said.
        attempt: The number of the attempt; results of another one are not looked at.
    """
    outcomes = {answer.host: answer.reconcile for answer in answers}
    return [
        failure
        for action in plan.actions
        if (failure := _judge_outcome(action, outcomes.get(action.host, {}), attempt)) is not None
    ]


def failures_of_plan(plan: Plan) -> list[Failure]:
    """Return what a plan cannot bring about: instances without a valid host, and fatal findings."""
    unplaced = [
        Failure(item.instance_uuid, item.name, "create", NoValidHost.code, item.message or "It was not placed.")
        for item in plan.unplaced
    ]
    refused = [
        Failure(item.uuid, item.name, "none", FINDING_CODES[item.kind], f"{item.name} {item.reason}.")
        for item in plan.findings
        if item.fatal
    ]
    return unplaced + refused


def _give_up(uuid: str, contested: Mapping[str, str]) -> Failure:
    message = f"{contested['name']} was not created: {contested['reason']}. Run again when the other run has ended."
    return Failure(uuid, contested["name"], "create", InstanceLocked.code, message)


def _judge_outcome(action: Action, outcome: Mapping[str, Any], attempt: int) -> Optional[Failure]:
    lost = outcome.get("unreachable") or outcome.get("failed")
    is_current = outcome.get("attempt", attempt if lost else None) == attempt
    if is_current:
        for result in outcome.get("results") or []:
            if (result.get("uuid"), result.get("operation")) == (action.uuid, action.operation):
                return _failure(action, result["error"]) if result.get("status") == "failed" else None
    who = (action.uuid, action.name, action.operation)
    if is_current:
        code = str(outcome.get("code") or HypervisorUnavailable.code)
        message = f"It is not known whether it was done: {complaint(outcome).rstrip('.')}."
        return Failure(*who, code, message, action.host, is_certain=False)
    return Failure(*who, HypervisorUnavailable.code, "The host took no part in the reconcile.", action.host)


def _failure(action: Action, error: Mapping[str, Any]) -> Failure:
    message = f"{error.get('message', '')} {error.get('remedy', '')}".strip()
    code = str(error.get("code", HypervisorError.code))
    return Failure(action.uuid, action.name, action.operation, code, message, action.host)
