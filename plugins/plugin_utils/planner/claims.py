# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claim phase, seen from the controller: which hosts to ask for what, and what their answers come to.

An instance's name is kept by a few hosts that every controller computes alike, so that any two runs which want the same
name meet at one of them at least. What one of them objects to is not built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.address_claims import wire_of
from ansible_collections.novella.compute.plugins.module_utils.compute.claiming import ClaimAnswer, Wish
from ansible_collections.novella.compute.plugins.module_utils.compute.reservations import instance_key
from ansible_collections.novella.compute.plugins.module_utils.objects.base import Record
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import ComputeResourcesUnavailable
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Plan

from .answers import HostAnswer, complaint
from .attempts import Failure
from .observation import Observation

# Names are kept by so many hosts: with all but one of them lost, two runs still meet.
REGISTRARS = 5


@dataclass(frozen=True)
class ClaimRequest(Record):
    """What one host is asked for: names, and room for its own creates."""

    wishes: list[Wish] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    epoch: int = 0


@dataclass(frozen=True)
class Settlement:
    """What the claims came to.

    Args:
        plan: What may be built now.
        contested: By uuid, why another run is in the way.
        refused: Creates for which their host has no room after all.
        releases: By host, what is given back so that the other run can go on: names and room of wishes, and the room of
            creates whose names are kept.
        fell_silent: Hosts that answered the audit, and did not answer now.
    """

    plan: Plan
    contested: dict[str, str]
    refused: list[Failure]
    releases: dict[str, ClaimRequest]
    fell_silent: list[str] = field(default_factory=list)

    @property
    def gives_way(self) -> bool:
        """Return whether no contested name is this run's to wait for."""
        given = {wish.uuid for request in self.releases.values() for wish in request.wishes}
        return given.issuperset(self.contested)


def registrars(key: str, hosts: Iterable[str]) -> list[str]:
    """Return the hosts that keep a name, first the one that decides.

    They are the first in an order that depends on the name (rendezvous hashing), so controllers that do not see all
    the same hosts still have most in common.
    """
    return sorted(hosts, key=lambda host: hashlib.sha256(f"{key}\0{host}".encode()).digest())[:REGISTRARS]


def request_claims(plan: Plan, observation: Observation) -> dict[str, ClaimRequest]:
    """Return what to ask of which host before the plan's creates are built.

    Of a single host nothing is asked: its own claims are made when it builds. Nor is anything of an instance that is
    somewhere already, as it can be made nowhere else.
    """
    if len(observation.reports) + len(observation.unreachable) < 2:
        return {}
    found = observation.find_instances()
    creates = [action for action in plan.actions if action.operation == "create" and action.uuid not in found]
    wishes: dict[str, list[Wish]] = {}
    actions: dict[str, list[Action]] = {}
    for action in creates:
        wish = Wish(action.uuid, action.name, action.host, _shared_groups(action))
        asked = dict.fromkeys(host for key in wish.keys for host in registrars(key, observation.reports))
        for host in asked:
            wishes.setdefault(host, []).append(wish)
        actions.setdefault(action.host, []).append(action)
    return {
        host: ClaimRequest(
            wishes.get(host, []),
            [action.as_dict(sparse=True) for action in actions.get(host, [])],
            observation.reports[host].epoch,
        )
        for host in sorted({*wishes, *actions})
    }


def settle_claims(plan: Plan, requests: Mapping[str, ClaimRequest], answers: Iterable[HostAnswer]) -> Settlement:
    """Compare what the hosts said.

    A run that was granted a name by the host that decides waits for the other to give way; else it gives way itself.
    A registrar that has fallen silent since the audit may have granted the name to another run just before.
    """
    told = {answer.host: answer.claim for answer in answers if answer.host in requests}
    given = {
        host: ClaimAnswer(dict(claim.get("objections") or {}), dict(claim.get("refusals") or {}))
        for host, claim in told.items()
        if not claim.get("unreachable") and not claim.get("failed")
    }
    contested: dict[str, str] = {}
    for host in sorted(given):
        for uuid, why in given[host].objections.items():
            contested.setdefault(uuid, why)
    fell_silent = sorted(set(requests) - set(given))
    for host in fell_silent:
        for wish in requests[host].wishes:
            contested.setdefault(wish.uuid, f"{host}, which keeps its name, fell silent")
    creates = {action.uuid: action for action in plan.actions if action.operation == "create"}
    refused = {
        uuid: failure
        for uuid, action in creates.items()
        if uuid not in contested and (failure := _refusal(action, requests, told, given)) is not None
    }
    lost = {uuid for uuid in contested if _is_lost(uuid, requests, given)}
    left = [action for action in plan.actions if action.uuid not in contested and action.uuid not in refused]
    kept_groups = {key for action in left for key in _shared_groups(action)}
    releases = {
        host: unused
        for host, request in requests.items()
        if (unused := _unused(request, lost, set(contested) - lost, kept_groups)) != ClaimRequest()
    }
    return Settlement(plan.but(actions=left), contested, list(refused.values()), releases, fell_silent)


def _shared_groups(action: Action) -> list[str]:
    """Return the names besides its own that nobody else may use meanwhile: of its group, and of its addresses."""
    groups = [action.group.key] if action.group is not None and action.group.binds_hosts else []
    nics = [] if action.spec is None else action.spec.networks
    return [*groups, *(f"address/{wire_of(nic)}/{item.address}" for nic in nics for item in nic.addresses)]


def _is_lost(uuid: str, requests: Mapping[str, ClaimRequest], given: Mapping[str, ClaimAnswer]) -> bool:
    """Return whether the host that decides about a contested name, of those that have answered, objects.

    Where members must agree across hosts, one host decides about all of them: else each of two runs could win one, and
    both would wait for the other's group.
    """
    asked = {host: wish for host in given for wish in requests[host].wishes if wish.uuid == uuid}
    key = next((key for wish in asked.values() for key in wish.groups), instance_key(uuid))
    return any(uuid in given[host].objections for host in registrars(key, asked)[:1])


def _unused(request: ClaimRequest, lost: Set[str], waiting: Set[str], kept_groups: Set[str]) -> ClaimRequest:
    """Return what a host gets back of a request.

    Args:
        lost: Uuids of what another run goes on with.
        waiting: Uuids of what this run asks for again. Room that it held meanwhile would be missing in its own plan.
        kept_groups: Groups of which members are built now.
    """
    wishes = [
        wish.but(groups=[key for key in wish.groups if key not in kept_groups])
        for wish in request.wishes
        if wish.uuid in lost
    ]
    return ClaimRequest(wishes, [action for action in request.actions if action["uuid"] in waiting])


def _refusal(
    action: Action,
    requests: Mapping[str, ClaimRequest],
    told: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, ClaimAnswer],
) -> Failure | None:
    host = action.host
    if host not in requests or not any(asked["uuid"] == action.uuid for asked in requests[host].actions):
        return None
    who = (action.uuid, action.name, action.operation)
    claim = told.get(host, {})
    if claim.get("unreachable") or claim.get("failed"):
        # Nothing was built there yet, so another host may.
        message = f"{host} could not be asked for room: {complaint(claim)}."
        return Failure(*who, ComputeResourcesUnavailable.code, message, host)
    error = given[host].refusals.get(action.uuid) if host in given else None
    if error is None:
        return None
    message = f"{error.get('message', '')} {error.get('remedy', '')}".strip()
    return Failure(*who, str(error.get("code")), message, host)
