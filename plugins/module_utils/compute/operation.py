# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation mechanism: an operation is a declaration and a function.

What Nova does with decorators (reverts_task_state, wrap_instance_event, wrap_instance_fault) and by hand is done
here once for all operations: guard, lease, task_state, journal, action record, undo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, TypeVar

from ..objects.errors import InstanceExists, InstanceInvalidState, InstanceNotFound, NovellaError
from ..objects.ingredients import Flavor
from ..objects.instance import Instance, InstanceSpec
from ..virt.driver import ComputeDriver
from .clock import now
from .host import Host
from .journal import Entry
from .resource_tracker import read_record
from .states import DELETED

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """One run of an operation on one instance, as its function sees it."""

    host: Host
    instance: Instance
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def driver(self) -> ComputeDriver:
        return self.host.driver

    def step(self, name: str, function: Callable[..., T], *args: Any) -> T:
        """Do one side effect between two journal entries. It may be repeated after a crash."""
        self.host.journal.begin_step(self.instance.uuid, name)
        result = function(*args)
        self.host.journal.end_step(self.instance.uuid, name)
        return result

    def note(self, **notes: Any) -> None:
        """Remember in the journal what an undo needs to know."""
        self.host.journal.note(self.instance.uuid, **notes)


@dataclass(frozen=True)
class Operation:
    """The declaration.

    Args:
        name: What users, plans and the history call it.
        function: Does it; its result is the instance as it then is, or None for "as it was".
        vm_states: States it may start from; None means it makes the instance, and defines it with its final record.
        task_state: Shown while it runs.
        ends_in: The vm_state afterwards; None leaves it as it was.
        recover: What to do with one that its process did not survive, given its journal entry: undo it, or
            finish it. None means that nothing was left half-done.
        absent_too: It may also run where the domain is gone already.
    """

    name: str
    function: Callable[[Run], Optional[Instance]]
    vm_states: Optional[tuple[str, ...]]
    task_state: str
    ends_in: Optional[str]
    recover: Optional[Callable[[Host, Entry], None]]
    absent_too: bool = False


OPERATIONS: dict[str, Operation] = {}


def operation(
    name: str,
    *,
    vm_states: Optional[tuple[str, ...]],
    task_state: str,
    ends_in: Optional[str],
    recover: Optional[Callable[[Host, Entry], None]] = None,
    absent_too: bool = False,
) -> Callable[[Callable[[Run], Optional[Instance]]], Callable[[Run], Optional[Instance]]]:
    """Declare the decorated function as the operation `name`; see Operation for the rest."""

    def declare(function: Callable[[Run], Optional[Instance]]) -> Callable[[Run], Optional[Instance]]:
        OPERATIONS[name] = Operation(name, function, vm_states, task_state, ends_in, recover, absent_too)
        return function

    return declare


def perform(host: Host, declared: Operation, uuid: str, name: str, arguments: Mapping[str, Any]) -> Instance:
    """Run an operation on one instance, wholly or not at all.

    Args:
        uuid, name: The instance.
        arguments: The operation's own; one that makes the instance is given its `spec`.

    Returns:
        The instance afterwards.

    Raises:
        InstanceNotFound, InstanceInvalidState, InstanceLocked: It may not start; nothing was done.
        NovellaError: It failed; it was undone, and the fault is in the history.
    """
    started_at = host.journal.begin(uuid, name, declared.name)
    try:
        current = _guard(host, declared, uuid, name, arguments)
    except Exception:  # refused or unreadable: nothing was begun, so there is nothing to undo
        host.tracker.drop_claim(uuid)
        host.journal.end(uuid)
        raise
    try:
        if declared.vm_states is not None and current.vm_state != DELETED:
            current = current.but(task_state=declared.task_state)
            host.driver.save_record(current)
        result = declared.function(Run(host, current, arguments)) or current
        ended = _finish(host, declared, result)
    except Exception as fault:  # whatever went wrong, a half-done operation must not stay
        _abandon(host, declared, uuid)
        code = fault.code if isinstance(fault, NovellaError) else type(fault).__name__
        _close(host, declared, uuid, started_at, f"{code}: {fault}")
        raise
    _close(host, declared, uuid, started_at, "", ended)
    return ended


def recover_operations(host: Host) -> list[Entry]:
    """Finish or undo every operation whose process is dead (Nova's init_host), and return what was found."""
    entries = host.journal.take_over()
    host.tracker.drop_stale_claims()
    for entry in entries:
        declared = OPERATIONS[entry.operation]
        _abandon(host, declared, entry.uuid)
        with host.db.transaction():
            host.tracker.drop_claim(entry.uuid)
            host.journal.end(entry.uuid)
            host.db.bump_generation()
            host.db.record_action(
                entry.uuid, entry.operation, entry.started_at, now(), "its process ended before it did"
            )
    return entries


def _guard(host: Host, declared: Operation, uuid: str, name: str, arguments: Mapping[str, Any]) -> Instance:
    domain = host.driver.get_domain(uuid)
    if declared.vm_states is None:
        if domain is not None:
            raise InstanceExists(f"{name} ({uuid}) is on {host.options.host} already.")
        return Instance(uuid, arguments["spec"])
    if domain is None and declared.absent_too:
        return Instance(uuid, InstanceSpec(name, Flavor(name="", vcpus=0, memory_mb=0)), vm_state=DELETED)
    current = None if domain is None else read_record(domain)
    if current is None:
        raise InstanceNotFound(f"{name} ({uuid}) is not on {host.options.host}.")
    if current.vm_state not in declared.vm_states:
        raise InstanceInvalidState(
            f"{name} cannot {declared.name}: it is {current.vm_state}.",
            f"It must be {' or '.join(declared.vm_states)}.",
        )
    return current


def _finish(host: Host, declared: Operation, instance: Instance) -> Instance:
    if declared.vm_states is None:
        return instance
    ended = instance.but(
        vm_state=declared.ends_in or instance.vm_state, task_state=None, generation=instance.generation + 1
    )
    if ended.vm_state != DELETED:
        host.driver.save_record(ended)
    return ended


def _abandon(host: Host, declared: Operation, uuid: str) -> None:
    """Bring an instance out of a half-done operation."""
    entry = next((entry for entry in host.journal.entries() if entry.uuid == uuid), None)
    if declared.recover is not None and entry is not None and entry.steps:
        declared.recover(host, entry)
    domain = host.driver.get_domain(uuid)
    instance = None if domain is None else read_record(domain)
    if instance is not None and instance.task_state is not None:
        host.driver.save_record(instance.but(task_state=None))


def _close(
    host: Host, declared: Operation, uuid: str, started_at: str, fault: str, ended: Optional[Instance] = None
) -> None:
    """Give back claim and lease and write the history, all at once."""
    with host.db.transaction() as connection:
        host.tracker.drop_claim(uuid)
        host.journal.end(uuid)
        if ended is not None and ended.vm_state == DELETED:
            connection.execute("DELETE FROM instances WHERE uuid = ?", (uuid,))
        elif ended is not None:
            row = (uuid, ended.spec.name, ended.spec.fleet, ended.spec.project_id)
            connection.execute("INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?)", row)
        host.db.bump_generation()
        host.db.record_action(uuid, declared.name, started_at, now(), fault)
