# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done about one wanted instance that is on one host."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Optional

from ..objects.instance import InstanceSpec
from ..objects.plan import Action, FieldChange, Finding
from .adopted import DISKS_STAY
from .comparison import NEW_INSTANCE, Comparison, compare, describe
from .firewall_changes import GROUPS, why_it_changes
from .impacts import DATA_KEPT, DATA_LOST, LIVE, NEXT_BOOT, find_row
from .locking import DECLARED, THOUGH_LOCKED, find_locked
from .nic_changes import NicChanges
from .readiness import with_readiness
from .reconfiguring import reconfigure
from .run_states import DONE, POWER_OF, find_way, see
from .states import (
    ACTIVE,
    BUILDING,
    DELETING,
    ERROR,
    PAUSED,
    POWERING_OFF,
    POWERING_ON,
    RESCUED,
    SHELVED,
    SOFT_DELETE,
    SPAWNING,
    STOPPED,
    SUSPENDED,
)
from .verdict import REBUILD, Verdict, await_consent, consented, how_to_allow
from .verdict import make_action as _action
from .verdict import refuse as _finding
from .volume_changes import ATTACH, VolumeChanges
from .wanted import Sighting, WantedInstance

# Nova's name of what has packets go by other rules.
REFRESH = "refresh_instance_security_rules"
# A guest is changed and rebuilt from active or stopped, and is left so.
BEFORE_REBUILD = ("unpause", "resume", "unshelve", "stop", "restore")


def judge(wanted: WantedInstance, sighting: Sighting, consent: Collection[str] = ()) -> Verdict:
    """Compare, three ways: what is wanted, what the record says, what the hypervisor says.

    What is declared unlocked is unlocked first, what is declared locked is locked last. Of what is locked and stays so,
    a fatal finding tells that it was to be changed.

    Args:
        consent: What may be done though it is felt: ``restart``, ``rebuild``, ``drift``.
    """
    verdict, record = _judge(wanted, sighting, consented(wanted, consent)), sighting.instance
    if record.locked and wanted.locked is False:
        change = FieldChange("locked", True, False)
        unlock = _action("unlock", wanted, sighting, "it is declared unlocked", "live").but(diff=[change])
        verdict.actions.insert(0, unlock)
    elif record.locked:
        allowed = [action for action in verdict.actions if action.operation in THOUGH_LOCKED]
        if allowed != verdict.actions:
            verdict.findings.append(find_locked(record, sighting.host))
        verdict.actions = allowed
    elif wanted.locked and not any(action.operation == "create" for action in verdict.actions):
        change = FieldChange("locked", False, True)
        verdict.actions.append(_action("lock", wanted, sighting, DECLARED, "live").but(diff=[change]))
    verdict.actions = with_readiness(wanted, verdict.actions)
    return verdict


def _judge(wanted: WantedInstance, sighting: Sighting, consent: Collection[str]) -> Verdict:
    unfinished = _finish(wanted, sighting)
    if unfinished is not None:
        return Verdict([unfinished])
    if sighting.instance.vm_state == RESCUED:
        # Somebody repairs it. What it is in the end is for them to say.
        reason = "is rescued; it is brought to what is declared when it is unrescued"
        return Verdict(findings=[Finding("rescued", wanted.uuid, wanted.spec.name, reason, sighting.host)])
    verdict = Verdict()
    comparison = compare(sighting.instance.spec, wanted.spec)
    if sighting.instance.vm_state == SOFT_DELETE:
        restored, *way = _restore(wanted, sighting)
        verdict.actions.append(restored)
        correction = None
    else:
        correction, way = _power(wanted, sighting, verdict)
    rebuilds = bool(comparison.rebuilt) and REBUILD in consent
    if rebuilds:
        _update(wanted, sighting, [], sighting.instance.spec, correction, verdict)
        way = _way_by_rebuild(wanted, sighting, way)
    else:
        _update(wanted, sighting, comparison.updates, comparison.kept, correction, verdict)
    before = [step for step in way if step.operation in BEFORE_REBUILD]
    verdict.actions.extend(before)
    spec = reconfigure(wanted, sighting, comparison, _state_after(before, sighting), consent, verdict)
    if rebuilds:
        verdict.actions.append(_rebuild(wanted, sighting, comparison, spec))
    elif comparison.rebuilt:
        verdict.findings.append(
            await_consent(wanted, sighting, _ask_for_consent(comparison.rebuilt, sighting.instance.spec))
        )
    verdict.actions.extend(step for step in way if step not in before)
    _change_volumes(wanted, sighting, comparison.volumes, verdict)
    _change_nics(wanted, sighting, comparison.nics, verdict)
    _change_firewall(wanted, sighting, comparison.firewall, verdict)
    verdict.findings.extend(_finding(wanted, sighting, _refusal(changes)) for changes in comparison.refused.values())
    return verdict


def _finish(wanted: WantedInstance, sighting: Sighting) -> Optional[Action]:
    """Return what brings an operation to its end that did not get there, or None."""
    record = sighting.instance
    what = "deletion" if record.task_state == DELETING else "creation"
    if record.task_state in (SPAWNING, DELETING) or record.vm_state in (BUILDING, ERROR):
        return create_action(wanted, sighting.host, f"its {what} did not finish")
    if record.task_state in (POWERING_ON, POWERING_OFF):
        aim = record.vm_state if wanted.vm_state == "any" else wanted.vm_state
        reason = f"an operation did not finish (task_state {record.task_state})"
        return _action("stop" if aim in (STOPPED, SHELVED) else "start", wanted, sighting, reason)
    if record.task_state is not None and record.vm_state != SOFT_DELETE:
        spec = compare(record.spec, wanted.spec).kept
        reason = f"an operation did not finish (task_state {record.task_state})"
        return _action("update", wanted, sighting, reason, "live").but(spec=spec)
    return None


def _power(wanted: WantedInstance, sighting: Sighting, verdict: Verdict) -> tuple[Optional[FieldChange], list[Action]]:
    """Return the correction of a record that is wrong, and the way to the state that is wanted."""
    record, power = sighting.instance.vm_state, sighting.seen.power_state
    if wanted.vm_state == "any":
        return None, []
    observed = see(record, power)
    if observed is None:
        reason = f"is {power}: the hypervisor does not know what it does. Look at it with virsh."
        verdict.findings.append(_finding(wanted, sighting, reason))
        return None, []
    correction = None if record == observed else FieldChange("vm_state", record, observed)
    actions = _follow(find_way(observed, wanted.vm_state), power, wanted, sighting)
    # These two do not mind a record that is wrong about the guest's power.
    is_minded = not actions or actions[0].operation not in ("start", "stop") or record not in (ACTIVE, STOPPED)
    return correction if is_minded else None, actions


def _follow(way: Sequence[tuple[str, str]], power: str, wanted: WantedInstance, sighting: Sighting) -> list[Action]:
    reason = _why(wanted.vm_state, sighting.instance.vm_state, power)
    actions = []
    for operation, there in way:
        change = FieldChange("power_state", power, POWER_OF[there])
        actions.append(_action(operation, wanted, sighting, reason).but(diff=[change]))
        power = POWER_OF[there]
    return actions


def _why(wanted: str, record: str, power: str) -> str:
    """Return why an instance is not as it is wanted, for people."""
    states = f"(vm_state {record}, power_state {power})"
    if power == "crashed":
        return f"has crashed {states}"
    if record != wanted:
        return f"vm_state: {wanted} is declared, the instance is {see(record, power)}"
    return f"was {DONE[see(record, power) or ACTIVE]} outside Novella {states}"


def _restore(wanted: WantedInstance, sighting: Sighting) -> list[Action]:
    record = sighting.instance
    before = STOPPED if record.old_vm_state in (STOPPED, SHELVED) else ACTIVE
    aim = before if wanted.vm_state == "any" else wanted.vm_state
    vm_state = STOPPED if aim in (STOPPED, SHELVED) else ACTIVE
    reason = f"is declared again; it was deleted at {record.deleted_at}, and all of it is there"
    change = FieldChange("vm_state", SOFT_DELETE, vm_state)
    restored = _action("restore", wanted, sighting, reason, "data kept").but(diff=[change], vm_state=vm_state)
    return [restored, *_follow(find_way(vm_state, aim), POWER_OF[vm_state], wanted, sighting)]


def _update(
    wanted: WantedInstance,
    sighting: Sighting,
    updates: list[FieldChange],
    spec: InstanceSpec,
    correction: Optional[FieldChange],
    verdict: Verdict,
) -> None:
    reasons = [describe(change) for change in updates]
    diff = list(updates)
    if correction is not None:
        reasons.insert(
            0, f"was {DONE[correction.after]} outside Novella; the record is corrected ({describe(correction)})"
        )
        diff.insert(0, correction)
    if not diff:
        return
    is_told = any(find_row(change.field).impact == NEXT_BOOT for change in updates)
    action = _action("update", wanted, sighting, "; ".join(reasons), NEXT_BOOT if is_told else LIVE)
    vm_state = None if correction is None else correction.after
    verdict.actions.append(action.but(diff=diff, spec=spec, vm_state=vm_state))


def _way_by_rebuild(wanted: WantedInstance, sighting: Sighting, way: list[Action]) -> list[Action]:
    """Return the way that leads to the state that is wanted through those that a rebuild may start from."""
    power = sighting.seen.power_state
    here = see(sighting.instance.vm_state, power) or ACTIVE
    there = here if wanted.vm_state == "any" else wanted.vm_state
    if here in (PAUSED, SUSPENDED, SHELVED) and there != STOPPED:
        way = _follow(find_way(here, ACTIVE), power, wanted, sighting)
        way += _follow(find_way(ACTIVE, there), POWER_OF[ACTIVE], wanted, sighting)
    return way


def _rebuild(wanted: WantedInstance, sighting: Sighting, comparison: Comparison, spec: InstanceSpec) -> Action:
    """Return the rebuild.

    Args:
        spec: What the instance is like when its turn comes.
    """
    changes = [*comparison.rebuilt, *comparison.updates]
    impact = DATA_LOST if _lost_by_rebuild(sighting.instance.spec) else DATA_KEPT
    action = _action("rebuild", wanted, sighting, "; ".join(map(describe, comparison.rebuilt)), impact)
    return action.but(diff=changes, spec=comparison.reach(spec, comparison.rebuilt))


def _state_after(steps: Sequence[Action], sighting: Sighting) -> Optional[str]:
    """Return what the instance is when these steps are done, or None where nobody knows."""
    state = see(sighting.instance.vm_state, sighting.seen.power_state)
    for step in steps:
        state = step.vm_state or (STOPPED if step.operation == "stop" else ACTIVE)
    return state


def _change_volumes(wanted: WantedInstance, sighting: Sighting, changes: VolumeChanges, verdict: Verdict) -> None:
    for refusal in changes.refused:
        verdict.findings.append(_finding(wanted, sighting, f"{refusal}; the instance stays as it is"))
    power, record = sighting.seen.power_state, sighting.instance.vm_state
    state = record if record == SOFT_DELETE else (see(record, power) or power)
    is_on = state in (ACTIVE, PAUSED)
    for step in changes.steps:
        reason = describe(step.change)
        if not is_on and state != STOPPED:
            reason = f"{reason} must wait: it is {state}. Run again when it is active, paused or stopped"
            verdict.findings.append(_finding(wanted, sighting, reason))
        elif is_on and step.operation == ATTACH and step.volume.bus == "sata":
            reason = f"{reason} must wait: a sata disk cannot be given to a running guest. Stop it first"
            verdict.findings.append(_finding(wanted, sighting, reason))
        else:
            action = _action(step.operation, wanted, sighting, reason, "live" if is_on else None)
            verdict.actions.append(action.but(diff=[step.change], volume=step.volume))


def _change_firewall(wanted: WantedInstance, sighting: Sighting, changes: list[FieldChange], verdict: Verdict) -> None:
    if not changes:
        return
    reason, record = why_it_changes(changes), sighting.instance
    begins_or_ends = (record.spec.firewall is None) != (wanted.spec.firewall is None)
    if begins_or_ends and see(record.vm_state, sighting.seen.power_state) == SUSPENDED:
        # The memory that is saved has its own say on whether the interfaces have a filter.
        verdict.findings.append(_finding(wanted, sighting, f"{reason} must wait: it is suspended. Resume it first"))
        return
    action = _action(REFRESH, wanted, sighting, reason, "live")
    verdict.actions.append(action.but(diff=changes, firewall=wanted.spec.firewall))


def _change_nics(wanted: WantedInstance, sighting: Sighting, changes: NicChanges, verdict: Verdict) -> None:
    power, record = sighting.seen.power_state, sighting.instance.vm_state
    state = record if record == SOFT_DELETE else (see(record, power) or power)
    for step in changes.steps:
        reason = describe(step.change)
        if state not in (ACTIVE, PAUSED, STOPPED):
            reason = f"{reason} must wait: it is {state}. Run again when it is active, paused or stopped"
            verdict.findings.append(_finding(wanted, sighting, reason))
        else:
            action = _action(step.operation, wanted, sighting, reason, None if state == STOPPED else "live")
            verdict.actions.append(action.but(diff=[step.change], interface=step.interface))


def create_action(wanted: WantedInstance, host: str, reason: str) -> Action:
    """Return the action that creates the instance on this host."""
    vm_state = ACTIVE if wanted.vm_state == "any" else wanted.vm_state
    made = {**summarise(wanted.spec), "host": host, "vm_state": vm_state}
    if wanted.locked:
        made["locked"] = True
    return Action(
        operation="create",
        uuid=wanted.uuid,
        name=wanted.spec.name,
        host=host,
        reason=reason,
        diff=[FieldChange(name, None, value) for name, value in made.items()],
        spec=wanted.spec,
        vm_state=vm_state,
        locked=bool(wanted.locked),
        wait_for=wanted.wait_for if vm_state == ACTIVE else None,
    )


def removal_action(sighting: Sighting, reason: str, reclaim_instance_interval: int) -> Optional[Action]:
    """Return the action that deletes the instance from its host, or None where it is soft-deleted and stays so.

    Args:
        reclaim_instance_interval: For how many seconds its host keeps what is deleted.
    """
    record = sighting.instance
    if keeps_data(record.vm_state, reclaim_instance_interval):
        return Action(
            operation="soft_delete",
            uuid=record.uuid,
            name=record.spec.name,
            host=sighting.host,
            reason=reason,
            impact=f"data kept for {reclaim_instance_interval} s",
            diff=[FieldChange("vm_state", record.vm_state, SOFT_DELETE)],
            generation=record.generation,
        )
    if record.vm_state == SOFT_DELETE and reclaim_instance_interval > 0:
        return None
    gone = {**summarise(record.spec), "host": sighting.host, "vm_state": record.vm_state}
    return Action(
        operation="delete",
        uuid=record.uuid,
        name=record.spec.name,
        host=sighting.host,
        reason=reason,
        impact="data lost" if record.adopted is None else DISKS_STAY,
        diff=[FieldChange(name, value, None) for name, value in gone.items()],
        generation=record.generation,
    )


def keeps_data(vm_state: str, reclaim_instance_interval: int) -> bool:
    """Return whether a host keeps the data of an instance that is deleted from this state. One half-built has none."""
    return reclaim_instance_interval > 0 and vm_state in (ACTIVE, ERROR, PAUSED, RESCUED, SHELVED, STOPPED, SUSPENDED)


def summarise(spec: InstanceSpec) -> dict[str, Any]:
    """Return what a diff shows of an instance that is made or deleted."""
    volumes = {"volumes": [f"{item.name} ({item.size_gb} GiB)" for item in spec.volumes]} if spec.volumes else {}
    groups = {} if spec.firewall is None else {GROUPS: list(spec.firewall.groups)}
    return {
        "flavor": spec.flavor.name,
        "image": spec.image.name if spec.image else None,
        "networks": [
            f"{nic.network} ({', '.join(item.address for item in nic.addresses)})" if nic.addresses else nic.network
            for nic in spec.networks
        ],
        **volumes,
        **groups,
    }


def _lost_by_rebuild(spec: InstanceSpec) -> str:
    """Return the disks whose data a rebuild loses, for people; nothing where all that the instance has are volumes."""
    disks = [] if spec.boots_from_volume else ["root disk"]
    if spec.ephemeral or spec.flavor.ephemeral_gb:
        disks.append("ephemeral disks")
    return " and ".join(disks)


def _ask_for_consent(changes: list[FieldChange], spec: InstanceSpec) -> str:
    what = " and ".join(describe(change) for change in changes)
    verb = "needs" if len(changes) == 1 else "need"
    lost = _lost_by_rebuild(spec)
    price = (
        f"by which the data on its {lost} are lost" if lost else "which restarts it and keeps the data on its volumes"
    )
    return f"{what} {verb} a rebuild, {price}; the instance stays as it is. {how_to_allow(REBUILD)}"


def _refusal(changes: list[FieldChange]) -> str:
    what = " and ".join(describe(change) for change in changes)
    verb = "needs" if len(changes) == 1 else "need"
    return f"{what} {verb} {NEW_INSTANCE}; the instance stays as it is"
