# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a host agree with its slice of a plan, several instances at once."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Optional

from ..objects.errors import ImageUnacceptable, InstanceLocked, NovellaError
from ..objects.plan import Action, images_for
from .hardware_claims import claimants
from .host import Host
from .judgement import keeps_data
from .nic_changes import FREEING
from .operation import OPERATIONS, perform
from .owner import is_alive, is_lease_of
from .readiness import Waiting
from .records import read_record

Progress = Callable[[str, int, int], None]
Job = tuple[Action, Mapping[str, Any]]


def reconcile(
    host: Host,
    actions: Sequence[Action],
    user_data: Mapping[str, bytes],
    progress: Optional[Progress] = None,
    run: str = "",
    claimed: Sequence[str] = (),
    contents: Optional[Mapping[str, bytes]] = None,
    image_faults: Optional[Mapping[str, str]] = None,
) -> list[dict[str, Any]]:
    """Do this host's slice of a plan, several instances at once. One failure never stops another action.

    Deletes come first, as they make room; then volumes and addresses are freed, as others may wait for them; then come
    networks, as NICs are plugged into them; then all claims in one transaction; then the rest; and
    in the end all guests are waited for together that are to be ready.

    Args:
        actions: The slice, in the plan's order.
        user_data: By uuid, for instances to be created or rebuilt; and passphrases, by the uuids of encrypted volumes.
        progress: Told after each ended action: what it was, how many ended, how many there are.
        run: The controller's run; what it has claimed on this host beforehand is used.
        claimed: Uuids of what it has claimed, and must still hold.
        contents: By digest, what config drives are to hold.
        image_faults: By source, why images of other hosts were not brought here. What needs one is not begun.

    Returns:
        One result per action, in order: uuid, name, operation, status (done or failed), seconds, error.
    """
    creates = [action for action in actions if action.operation == "create"]
    deletes = [action for action in actions if action.operation == "delete"]
    others = [action for action in actions if action.operation not in ("create", "delete")]
    disks = host.driver.list_root_disks() if creates else set()
    results: dict[int, dict[str, Any]] = {}
    waiting = Waiting(host.driver)
    firsts = {action.uuid: id(action) for action in reversed(actions)}
    attempt = functools.partial(_attempt, host, firsts, waiting, image_faults or {})
    total = len(actions)
    with ThreadPoolExecutor(host.options.max_concurrent_builds) as pool:

        def work(batch: Sequence[Job]) -> None:
            # An instance's actions follow each other; different instances' do not wait.
            jobs: dict[str, list[Job]] = {}
            for job in batch:
                jobs.setdefault(job[0].uuid, []).append(job)
            for job, result in itertools.chain.from_iterable(pool.map(attempt, jobs.values())):
                results[id(job[0])] = result
                if progress is not None:
                    what = f"{job[0].operation} {job[0].name}: {result['status']}"
                    progress(what, len(results), total)

        work([(action, {}) for action in deletes])
        jobs = [(action, _arguments(action, user_data, contents)) for action in others]
        freeing = _freeing(others)
        work([job for job in jobs if id(job[0]) in freeing])
        work([job for job in jobs if job[0].operation == "define_network"])
        ready: list[Job] = [job for job in jobs if id(job[0]) not in freeing and job[0].operation != "define_network"]
        for action, refusal in _claim(host, creates, run, claimed):
            if refusal is not None:
                results[id(action)] = make_result(action, 0.0, refusal)
                continue
            arguments = {
                "spec": action.spec,
                "vm_state": action.vm_state or "active",
                "user_data": user_data.get(action.uuid),
                "contents": contents,
                "passphrases": _passphrases(action, user_data),
                "root_disk_exists": action.uuid in disks,
                "locked": action.locked,
            }
            ready.append((action, arguments))
        work(ready)
    done = [action for action in actions if results[id(action)]["status"] == "done"]
    for action, fault, remarks in waiting.end(done, progress):
        result = results[id(action)]
        results[id(action)] = make_result(action, result["seconds"], fault, [*result.get("remarks", ()), *remarks])
    return [results[id(action)] for action in actions]


def _passphrases(action: Action, secrets: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the passphrases of the encrypted volumes that an action is about, by uuid."""
    volumes = [] if action.spec is None else list(action.spec.volumes)
    volumes += [] if action.volume is None else [action.volume]
    return {item.uuid: secrets[item.uuid] for item in volumes if item.encrypted and item.uuid in secrets}


def _arguments(
    action: Action, user_data: Mapping[str, bytes], contents: Optional[Mapping[str, bytes]]
) -> dict[str, Any]:
    return {
        "spec": action.spec,
        "vm_state": action.vm_state,
        "user_data": user_data.get(action.uuid),
        "contents": contents,
        "passphrases": _passphrases(action, user_data),
        "reason": action.reason,
        "volume": action.volume,
        "interface": action.interface,
        "network": action.network,
        "restart": action.restart,
        "pci_requests": action.pci_requests,
        "firewall": action.firewall,
    }


def _freeing(actions: Sequence[Action]) -> set[int]:
    """Return the ids of the actions that free volumes and addresses, and of what comes before them there."""
    found: set[int] = set()
    freed: set[str] = set()
    for action in reversed(actions):
        if action.operation in ("detach_volume", *FREEING):
            freed.add(action.uuid)
        if action.uuid in freed:
            found.add(id(action))
    return found


def _claim(
    host: Host, creates: Sequence[Action], run: str, claimed: Sequence[str]
) -> list[tuple[Action, Optional[NovellaError]]]:
    with host.db.transaction():
        held = {row["uuid"] for row in host.db.query("SELECT uuid, owner FROM claims") if _holds(row["owner"], run)}
        ended = set(claimed) - held
        wanted = claimants(action for action in creates if action.uuid not in ended)
        outcome = host.tracker.instance_claims(wanted, run) if wanted else {}
    for uuid in ended:
        outcome[uuid] = InstanceLocked("Its claim has ended: another run may build it by now.", "Run again.")
    return [(action, outcome[action.uuid]) for action in creates]


def _holds(owner: str, run: str) -> bool:
    return is_lease_of(owner, run) and is_alive(owner)


def _attempt(
    host: Host, firsts: Mapping[str, int], waiting: Waiting, image_faults: Mapping[str, str], jobs: Sequence[Job]
) -> list[tuple[Job, dict[str, Any]]]:
    """Do one instance's actions, in order.

    Args:
        firsts: By uuid, the id of the slice's first action on each instance.
        image_faults: By source, why an image is not to be had.
    """
    ended = []
    for action, arguments in jobs:
        # What came before in this very slice is no surprise.
        expected = {"generation": action.generation} if id(action) == firsts[action.uuid] else {}
        began = time.monotonic()
        fault: Optional[Exception] = None
        remarks: Sequence[str] = ()
        try:
            for image in images_for(action):
                if image.source in image_faults:
                    raise ImageUnacceptable(image_faults[image.source])
            declared = OPERATIONS[_operation_of(host, action)]
            waiting.begin(action)
            remarks = perform(host, declared, action.uuid, action.name, {**arguments, **expected}).remarks
        except Exception as error:  # one instance's failure never stops another's
            fault = error
        ended.append(((action, arguments), make_result(action, time.monotonic() - began, fault, remarks)))
    return ended


def _operation_of(host: Host, action: Action) -> str:
    """Return what to perform. The host has the last word on whether a delete keeps the data for a while."""
    interval = host.options.reclaim_instance_interval
    if action.operation == "delete" and interval > 0:
        domain = host.driver.get_domain(action.uuid)
        record = None if domain is None else read_record(domain)
        if record is not None and keeps_data(record.vm_state, interval):
            return "soft_delete"
    return action.operation


def make_result(
    action: Action, seconds: float, fault: Optional[Exception], remarks: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what a module tells of one action."""
    result: dict[str, Any] = {
        "uuid": action.uuid,
        "name": action.name,
        "operation": action.operation,
        "status": "done" if fault is None else "failed",
        "seconds": round(seconds, 3),
    }
    if remarks:
        result["remarks"] = list(remarks)
    if fault is not None:
        result["error"] = describe_failure(action.operation, action.name, fault)
    return result


def describe_failure(operation: str, name: str, fault: Exception) -> dict[str, Any]:
    """Return an error as results tell it."""
    if isinstance(fault, NovellaError):
        return fault.as_dict()
    return NovellaError(f"{operation} {name} failed: {type(fault).__name__}: {fault}.").as_dict()
