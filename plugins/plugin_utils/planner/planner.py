# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what shall be with what is, and says what to do. Pure: the same input gives the same plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.judgement import (
    create_action,
    judge,
    removal_action,
)
from ansible_collections.novella.compute.plugins.module_utils.compute.locking import find_locked
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import Sighting, WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Finding, HostMark, Plan
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import Selection

from ..fleet.expansion import expand
from ..fleet.fleet import Fleet
from ..scheduler.options import SchedulerOptions
from .addresses import allocate
from .firewalls import with_firewalls
from .forecast import forecast
from .hardware import with_devices
from .in_place import RoomInPlace
from .networks import plan_networks
from .observation import Observation
from .placement import Request, group_rule, place
from .silence import where_it_may_be
from .strays import find_strays
from .survey import Survey, is_ours, join, survey
from .volumes import DELETE_VOLUME, VolumeSurvey, left_alone, removal

# Of so many instances the plan tells each refused host; of a larger batch, how many each filter refused.
EXPLAINED = 100
# Without its domain nothing says since when it is not wanted.
KEPT_DISK = "is not in the fleet and its domain is gone; its host keeps what is deleted, so its root disk stays"
# What goes makes room for what comes.
ORDER = (
    *("unlock", "delete", "soft_delete", "refresh_instance_security_rules"),
    *("restore", "update", "unpause", "resume", "unshelve"),
    *("detach_interface", "remove_fixed_ip_from_instance", "define_network", "delete_network"),
    *("replug_interface", "add_fixed_ip_to_instance", "attach_interface"),
    *("detach_volume", "delete_volume", "extend_volume", "limit_volume", "attach_volume"),
    *("stop", "reconfigure", "rebuild", "start", "create", "pause", "suspend", "shelve", "lock"),
)


@dataclass
class _Draft:
    room: RoomInPlace
    actions: list[Action] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unplaced: list[Selection] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    coming: list[tuple[str, WantedInstance]] = field(default_factory=list)
    placed: list[tuple[WantedInstance, str]] = field(default_factory=list)
    chosen: list[Selection] = field(default_factory=list)


def make_plan(
    fleet: Fleet,
    observation: Observation,
    *,
    created_at: str,
    prune: bool = False,
    consent: Collection[str] = (),
    tried: Optional[Mapping[str, Sequence[str]]] = None,
    contested: Collection[str] = (),
) -> Plan:
    """Plan what makes the hosts hold what the fleet declares. An instance that has a home stays there.

    Args:
        fleet: What shall be.
        observation: What is.
        created_at: The time to write into the plan, ISO-8601 UTC.
        prune: Delete the fleet's instances that it does not declare any more.
        consent: What may be done though it is felt: ``restart``, ``rebuild``, ``drift``, ``delete_volume``.
        tried: Plan only these creates again. By uuid, the hosts where they failed in this run, which are left out.
        contested: Uuids of those whose names this run could not reserve.

    Raises:
        OptionInvalid: The fleet's scheduler options cannot be honoured.
    """
    draft = _Draft(RoomInPlace(observation.reports))
    known, volumes = survey(observation), VolumeSurvey(observation)
    addresses = allocate(fleet, expand(fleet), observation)
    declared = with_firewalls(fleet, addresses.wanted, observation)
    wanted = declared if tried is None else [item for item in declared if item.uuid in tried]
    for item in wanted:
        if item.uuid in addresses.refused:
            draft.findings.append(
                Finding("unsupported", item.uuid, item.spec.name, addresses.refused[item.uuid], fatal=True)
            )
        elif tried is None:
            _consider(item, fleet, known, volumes, consent, draft)
        else:
            where = where_it_may_be(item.uuid, observation) if item.uuid in contested else None
            _consider_again(item, known, volumes, tried[item.uuid], where, draft)
    if tried is None:
        _consider_undeclared(fleet, known, observation, {item.uuid for item in declared}, prune, draft)
        _consider_lost(fleet, known, observation, {item.uuid for item in declared}, prune, draft)
        for host, volume in volumes.find_undeclared(fleet, declared, draft.actions):
            if prune and DELETE_VOLUME in consent:
                draft.actions.append(removal(host, volume))
            else:
                draft.findings.append(left_alone(host, volume))
        draft.findings.extend(find_strays(fleet, draft.placed, observation.reports))
    _place(fleet, observation, known, declared, draft)
    plan_networks(fleet, observation, draft.actions, draft.findings, prune and tried is None)
    touched = {action.uuid for action in draft.actions} | {finding.uuid for finding in draft.findings}
    touched |= {selection.instance_uuid for selection in draft.unplaced}
    rank = {item.uuid: index for index, item in enumerate(declared)}
    draft.actions.sort(
        key=lambda action: (ORDER.index(action.operation), rank.get(action.uuid, len(rank)), action.name, action.uuid)
    )
    return Plan(
        fleet=fleet.name,
        created_at=created_at,
        hosts={host: HostMark(report.generation, report.digest()) for host, report in observation.reports.items()},
        unreachable=dict(observation.unreachable),
        closed=observation.closed,
        actions=[with_devices(action, fleet.scheduler.get("pci_alias", [])) for action in draft.actions],
        unplaced=draft.unplaced,
        findings=draft.findings,
        placed=draft.chosen,
        unchanged=0 if tried is not None else sum(item.uuid not in touched for item in wanted),
    )


def max_attempts(fleet: Fleet) -> int:
    """Return how often an instance may be tried, on a new host each time (Nova's scheduler_max_attempts)."""
    return SchedulerOptions.from_mapping(fleet.scheduler).max_attempts


def _consider(
    item: WantedInstance,
    fleet: Fleet,
    known: Survey,
    volumes: VolumeSurvey,
    consent: Collection[str],
    draft: _Draft,
) -> None:
    name, uuid, observation = item.spec.name, item.uuid, volumes.observation
    obstacle = known.obstacle(item, fleet)
    if obstacle is not None:
        draft.findings.append(obstacle)
        return
    if uuid in known.found:
        sighting = known.found[uuid][0]
        verdict = draft.room.check(judge(item, sighting, consent), sighting)
        volumes.keep_home(verdict, sighting.host)
        draft.actions.extend(verdict.actions)
        draft.findings.extend(verdict.findings)
        draft.placed.append((item, sighting.host))
        return
    if item.is_adopted:
        draft.findings.append(_missing(item, known, observation))
        return
    disks = known.hosts_with_disk(uuid)
    if disks and disks[0] in observation.closed:
        reason = f"has its root disk on {disks[0]}, its domain is gone, and that host {observation.closed[disks[0]]}"
        draft.findings.append(Finding("unsupported", uuid, name, reason, disks[0], fatal=True))
        return
    # A host that lost it proves nothing here: it may have been built anew since, on the one that does not answer.
    where = None if disks else where_it_may_be(uuid, observation)
    if where is not None:
        draft.findings.append(Finding("unknown", uuid, name, f"{where}; it is not created elsewhere", fatal=True))
        return
    home = volumes.find_home(item, disks[0] if disks else item.host)
    if home.reason is not None:
        draft.findings.append(Finding("unsupported", uuid, name, home.reason, fatal=True))
        return
    if disks:
        reason = f"its domain is gone from {disks[0]}; its root disk is kept and used again"
        draft.actions.append(create_action(item, disks[0], reason).but(impact="data kept"))
        draft.coming.append((disks[0], item))
        return
    hosts = [host for host, _lost in known.lost.get(uuid, [])]
    reason = f"its domain and disk are gone from {join(hosts)}" if hosts else "is declared but on no host"
    draft.requests.append(Request(item, reason, home=home.host))


def _missing(item: WantedInstance, known: Survey, observation: Observation) -> Finding:
    """Return what is said of an adopted instance that is on no host that answers: nobody can make it again."""
    uuid, name = item.uuid, item.spec.name
    where = where_it_may_be(uuid, observation)
    if where is not None:
        return Finding("unknown", uuid, name, where, fatal=True)
    hosts = [host for host, _lost in known.lost.get(uuid, [])]
    there = f"is gone from {join(hosts)}" if hosts else "is on no host"
    reason = f"{there}. It was adopted, so Novella cannot make it: define its domain again, and adopt that"
    return Finding("unsupported", uuid, name, reason, fatal=True)


def _consider_again(
    item: WantedInstance,
    known: Survey,
    volumes: VolumeSurvey,
    tried: Sequence[str],
    where: Optional[str],
    draft: _Draft,
) -> None:
    """Plan a create again that failed or was contested, unless it is somewhere by now or has left something behind.

    Hosts that have fallen silent since need no caution where its name was reserved: when the create was planned, they
    answered without it. Else it may be on one of them, as `where` says.
    """
    if item.uuid in known.busy:
        draft.findings.append(known.leave_to_other_run(item.uuid, item.spec.name))
    elif known.hosts_of(item.uuid) or known.hosts_with_disk(item.uuid):
        return
    elif where is not None:
        reason = f"{where}; it is not created elsewhere"
        draft.findings.append(Finding("unknown", item.uuid, item.spec.name, reason, fatal=True))
    else:
        reason = f"could not be created on {join(list(tried))}" if tried else "was left to another run that gave it up"
        home = volumes.find_home(item, item.host)
        if home.reason is not None:
            draft.findings.append(Finding("unsupported", item.uuid, item.spec.name, home.reason, fatal=True))
            return
        draft.requests.append(Request(item, reason, tried, home.host))


def _consider_undeclared(
    fleet: Fleet, known: Survey, observation: Observation, declared: Collection[str], prune: bool, draft: _Draft
) -> None:
    undeclared = [uuid for uuid in known.found if uuid not in declared]
    for uuid in sorted(undeclared, key=lambda uuid: (known.found[uuid][0].instance.spec.name, uuid)):
        sightings = known.found[uuid]
        record = sightings[0].instance
        if not is_ours(record, fleet):
            continue
        name, host = record.spec.name, sightings[0].host
        hosts = known.hosts_of(uuid)
        if len(hosts) > 1:
            reason = f"is on {join(hosts)} at once, and not in the fleet; none of them is touched"
            draft.findings.append(Finding("split", uuid, name, reason, fatal=True))
        elif uuid in known.busy:
            draft.findings.append(known.leave_to_other_run(uuid, name))
        elif (removal := _removal(sightings[0], observation)) is None:
            continue  # it is deleted, as far as it goes
        elif prune and record.locked:
            draft.findings.append(find_locked(record, host))
        elif prune:
            draft.actions.append(removal)
        else:
            reason = "is not in the fleet; prune: true would delete it"
            draft.findings.append(Finding("undeclared", uuid, name, reason, host))


def _removal(sighting: Sighting, observation: Observation) -> Optional[Action]:
    interval = observation.reports[sighting.host].reclaim_instance_interval
    return removal_action(sighting, "is not in the fleet, and prune is on", interval)


def _consider_lost(
    fleet: Fleet, known: Survey, observation: Observation, declared: Collection[str], prune: bool, draft: _Draft
) -> None:
    """Clear up, with prune, after undeclared instances of which no more than a disk or a memory is left."""
    for uuid in sorted(known.lost):
        for host, lost in known.lost[uuid]:
            ours = (lost.fleet, lost.project_id) == (fleet.name, fleet.project_id)
            if prune and ours and uuid not in declared and uuid not in known.busy and not known.hosts_of(uuid):
                if lost.has_disk and observation.reports[host].reclaim_instance_interval > 0:
                    draft.findings.append(Finding("undeclared", uuid, lost.name, KEPT_DISK, host))
                    continue
                reason = "is not in the fleet, its domain is gone, and prune is on"
                draft.actions.append(Action("delete", uuid, lost.name, host, reason, impact="data lost"))


def _place(
    fleet: Fleet, observation: Observation, known: Survey, declared: Sequence[WantedInstance], draft: _Draft
) -> None:
    if not draft.requests:
        return
    leaving = {action.uuid for action in draft.actions if action.operation == "delete"}
    building = [(known.busy[item.uuid][0], item) for item in declared if item.uuid in known.busy]
    reports = forecast(observation.reports, leaving, _by_host(draft.coming), _by_host(building))
    groups = {item.uuid: item.spec.server_group for item in declared if item.spec.server_group is not None}
    selections = place(fleet, reports, observation.unreachable, draft.requests, groups)
    for request, selection in zip(draft.requests, selections):
        if selection.host is None:
            draft.unplaced.append(selection)
            continue
        draft.chosen.append(selection if len(selections) <= EXPLAINED else _shorten(selection))
        action = create_action(request.wanted, selection.host, request.reason)
        chosen = {"alternates": selection.alternates, "limits": selection.limits, "weights": selection.weights}
        draft.actions.append(action.but(**chosen, group=group_rule(request.wanted.spec, fleet)))


def _shorten(selection: Selection) -> Selection:
    told = len(selection.refusals)
    return selection.but(refusals=[], refusals_left_out=selection.refusals_left_out + told)


def _by_host(placed: Iterable[tuple[str, WantedInstance]]) -> dict[str, list[Instance]]:
    instances: dict[str, list[Instance]] = {}
    for host, item in placed:
        instances.setdefault(host, []).append(Instance(item.uuid, item.spec, host=host))
    return instances
