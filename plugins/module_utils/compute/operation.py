# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation mechanism: an operation is a declaration and a function.

What Nova does with decorators (reverts_task_state, wrap_instance_event, wrap_instance_fault) and by hand is done
here once for all operations: guard, lease, task_state, journal, undo, and the history of actions, events and faults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, TypeVar

from ..objects.errors import (
    DeadlineExceeded,
    HypervisorUnavailable,
    InstanceExists,
    InstanceInvalidState,
    InstanceNotFound,
)
from ..objects.ingredients import Flavor
from ..objects.instance import Instance, InstanceSpec
from ..objects.instance_action import ERROR, SUCCESS, InstanceEvent, InstanceFault
from ..virt.driver import ComputeDriver
from ..virt.hypervisor import Domain
from .adopted import check_adoptable, check_adopted
from .boot_volume import check_boot
from .build_failures import count_build
from .clock import now
from .fault_words import describe_fault
from .history import Performed, Subject, fault_of, step_event, steps_of
from .host import Host
from .journal import Entry
from .locking import check_lock
from .records import check_writable, read_record
from .states import DELETED

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """One run of an operation on one instance, as its function sees it.

    Args:
        operation: Its name.
        steps: Grows with each step that is begun; the history is written from it.
        remarks: Grows with what its user should know of how it went.
    """

    host: Host
    instance: Instance
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    steps: list[InstanceEvent] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def driver(self) -> ComputeDriver:
        return self.host.driver

    def step(self, name: str, function: Callable[..., T], *args: Any) -> T:
        """Do one side effect between two journal entries. It may be repeated after a crash."""
        event = step_event(self.operation, name, now())
        self.steps.append(event)
        self.host.journal.begin_step(self.instance.uuid, name)
        try:
            result = function(*args)
        except Exception:  # only to say when it failed
            self.steps[-1] = event.but(finish_time=now(), result=ERROR)
            raise
        self.host.journal.end_step(self.instance.uuid, name)
        self.steps[-1] = event.but(finish_time=now(), result=SUCCESS)
        return result

    def remark(self, text: str) -> None:
        """Tell the user something of the last step, though it has not failed; the history keeps it."""
        self.remarks.append(text)
        self.steps[-1] = self.steps[-1].but(details=text)

    def note(self, **notes: Any) -> None:
        """Remember in the journal what an undo needs to know."""
        self.host.journal.note(self.instance.uuid, **notes)


@dataclass(frozen=True)
class Performance:
    """What an operation has come to: the instance afterwards, and what its user should know of how it went."""

    instance: Instance
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Sight:
    """How an instance was when something was decided about it; Nova's expected_vm_state and expected_task_state."""

    generation: int
    power_state: str

    @classmethod
    def of(cls, domain: Optional[Domain]) -> Optional[Sight]:
        """Return the sight of a domain; None where it is gone, or not ours."""
        instance = None if domain is None else read_record(domain)
        return None if domain is None or instance is None else cls(instance.generation, domain.power_state)


@dataclass(frozen=True)
class Alteration:
    """What an operation does that changes the record, and what is shown of it, and nothing else.

    Args:
        change: Returns the record as it leaves it, given the operation's arguments; the same record where nothing is to
            be done.
        tell: Returns the part of a record that it is about, for people.
    """

    change: Callable[[Instance, Mapping[str, Any]], Instance]
    tell: Callable[[Instance], dict[str, Any]]


@dataclass(frozen=True)
class Operation:
    """The declaration.

    Args:
        name: What users, plans and the history call it.
        function: Does it; its result is the instance as it then is, or None for "as it was".
        vm_states: States it may start from; None means it makes the instance, and defines it with its final record.
        task_state: Shown while it runs; None where Nova shows nothing.
        ends_in: The vm_state afterwards; None leaves it as it was, or to `ends_as`.
        recover: What to do with one that its process did not survive, given its journal entry: undo it, or
            finish it. None means that nothing was left half-done.
        absent_too: It may also run where the domain is gone already.
        action: What the history calls it, in Nova's words; as a rule its name.
        repeats: It does something even where the instance is as it leaves it.
        ends_as: Tells the vm_state afterwards, from the instance and the arguments, where that depends on them.
        alters: Of one that changes the record only: how. An instance whose record stays the same is left alone.
        adopts: It makes an instance of a domain that is there, and not Novella's.
    """

    name: str
    function: Callable[[Run], Optional[Instance]]
    vm_states: Optional[tuple[str, ...]]
    task_state: Optional[str]
    ends_in: Optional[str]
    recover: Optional[Callable[[Host, Entry], None]]
    absent_too: bool = False
    action: str = ""
    repeats: bool = False
    ends_as: Optional[Callable[[Instance, Mapping[str, Any]], str]] = None
    alters: Optional[Alteration] = None
    adopts: bool = False

    @property
    def builds(self) -> bool:
        """Whether it makes the instance, so that it writes the record itself."""
        return self.vm_states is None

    @property
    def leaves_unfinished(self) -> bool:
        """Whether an instance may be half-done after it, so that more is to be undone or finished than its record."""
        return self.recover is not None and self.alters is None

    def foretell(self, instance: Instance, arguments: Mapping[str, Any]) -> str:
        """Return the vm_state in which it leaves an instance that it is done to."""
        if self.ends_as is not None:
            return self.ends_as(instance, arguments)
        return self.ends_in or instance.vm_state

    def foretell_record(self, instance: Instance, arguments: Mapping[str, Any]) -> Instance:
        """Return the record that it leaves, as far as it changes no more than that."""
        return instance if self.alters is None else self.alters.change(instance, arguments)


OPERATIONS: dict[str, Operation] = {}


def operation(
    name: str,
    *,
    vm_states: Optional[tuple[str, ...]],
    task_state: Optional[str],
    ends_in: Optional[str],
    recover: Optional[Callable[[Host, Entry], None]] = None,
    absent_too: bool = False,
    action: str = "",
    repeats: bool = False,
    ends_as: Optional[Callable[[Instance, Mapping[str, Any]], str]] = None,
    alters: Optional[Alteration] = None,
    adopts: bool = False,
) -> Callable[[Callable[[Run], Optional[Instance]]], Callable[[Run], Optional[Instance]]]:
    """Declare the decorated function as the operation `name`; see Operation for the rest."""

    def declare(function: Callable[[Run], Optional[Instance]]) -> Callable[[Run], Optional[Instance]]:
        OPERATIONS[name] = Operation(
            name,
            function,
            vm_states,
            task_state,
            ends_in,
            recover,
            absent_too,
            action or name,
            repeats,
            ends_as,
            alters,
            adopts,
        )
        return function

    return declare


def perform(host: Host, declared: Operation, uuid: str, name: str, arguments: Mapping[str, Any]) -> Performance:
    """Run an operation on one instance, wholly or not at all.

    Args:
        uuid, name: The instance.
        arguments: The operation's own; one that makes the instance is given its `spec`. With `expected`, a Sight, the
            instance must still be as it was seen then; with `generation`, its record.

    Raises:
        InstanceNotFound, InstanceInvalidState, InstanceLocked, InstanceIsLocked: It may not start; nothing was done.
        NovellaError: It failed; it was undone, and the fault is in the history.
    """
    started_at = host.journal.begin(uuid, name, declared.name, **_notes(host, arguments))
    try:
        current = _guard(host, declared, uuid, name, arguments)
    except Exception:  # refused or unreadable: nothing was begun, so there is nothing to undo
        host.tracker.drop_claim(uuid)
        host.journal.end(uuid)
        raise
    steps: list[InstanceEvent] = []
    try:
        if not declared.builds and current.vm_state != DELETED:
            current = current.but(task_state=declared.task_state)
            host.driver.save_record(current)
        run = Run(host, current, declared.name, arguments, steps)
        result = declared.function(run) or current
        ended = _finish(host, declared, result)
    except Exception as error:  # whatever went wrong, a half-done operation must not stay
        fault = describe_fault(error, arguments)
        try:
            _abandon(host, declared, uuid)
        except Exception:  # whoever repeats the undo then knows what went wrong at first
            host.journal.note(uuid, fault=fault.as_dict())
            raise
        _close(host, declared, current, started_at, steps, fault)
        raise
    _close(host, declared, ended, started_at, steps)
    return Performance(ended, run.remarks)


def recover_operations(host: Host) -> list[tuple[Entry, Optional[Exception]]]:
    """Finish or undo every operation whose process is dead (Nova's init_host).

    Returns:
        What was found, and why it could not be brought to an end, where it could not. That is tried again by the next
        run; until then nobody else touches the instance.

    Raises:
        HypervisorUnavailable, DeadlineExceeded: It is the hypervisor that does not answer, not one guest.
    """
    entries = host.journal.take_over()
    host.tracker.drop_stale_claims()
    return [(entry, _recover(host, entry)) for entry in entries]


def _recover(host: Host, entry: Entry) -> Optional[Exception]:
    declared = OPERATIONS[entry.operation]
    try:
        left = _abandon(host, declared, entry.uuid)
    except (HypervisorUnavailable, DeadlineExceeded):
        raise
    except Exception as error:  # one guest that cannot be brought to an end must not close the host for all others
        return error
    _close_recovered(host, declared, entry, left)
    return None


def _close_recovered(host: Host, declared: Operation, entry: Entry, left: Optional[Instance]) -> None:
    notes = entry.notes
    performed = Performed(
        _subject(host, entry.uuid, entry.name, notes.get("fleet"), notes.get("project_id")),
        declared.name,
        declared.action,
        notes.get("request_id"),
        entry.started_at,
        steps_of(entry),
        fault_of(entry),
    )
    with host.db.transaction():
        host.tracker.drop_claim(entry.uuid)
        host.journal.end(entry.uuid)
        if left is not None:
            # A create that had come to its end, all but for this, is kept.
            _enrol(host, left)
        host.db.bump_generation()
        host.history.record(performed)


def _notes(host: Host, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the history must know of an operation whose process dies, and its instance with it."""
    spec: Optional[InstanceSpec] = arguments.get("spec")
    whose = {} if spec is None else {"fleet": spec.fleet, "project_id": spec.project_id}
    return {"request_id": host.options.request_id, **whose}


def _subject(host: Host, uuid: str, name: str, fleet: Optional[str], project_id: Optional[str]) -> Subject:
    """Return whom an action is for. The host's roll knows best: the record may be gone."""
    rows = host.db.query("SELECT fleet, project_id FROM instances WHERE uuid = ?", uuid)
    return Subject(uuid, name, *(rows[0] if rows else (fleet, project_id)))


def _guard(host: Host, declared: Operation, uuid: str, name: str, arguments: Mapping[str, Any]) -> Instance:
    domain = host.driver.get_domain(uuid)
    if "expected" in arguments and arguments["expected"] != Sight.of(domain):
        raise InstanceInvalidState(f"{name} was changed by somebody else meanwhile.", "Look at it again.")
    if declared.adopts:
        check_adoptable(domain, uuid, host.options.host)
    if declared.vm_states is None:
        if domain is not None and not declared.adopts:
            raise InstanceExists(f"{name} ({uuid}) is on {host.options.host} already.")
        adopted = host.driver.read_adoption(uuid) if declared.adopts else None
        made = Instance(uuid, arguments["spec"], locked=bool(arguments.get("locked")), adopted=adopted)
        check_writable(made, host.options.record_version_cap)
        return made
    if domain is None and declared.absent_too:
        return Instance(uuid, InstanceSpec(name, Flavor(name="", vcpus=0, memory_mb=0)), vm_state=DELETED)
    current = None if domain is None else read_record(domain)
    if current is None:
        raise InstanceNotFound(f"{name} ({uuid}) is not on {host.options.host}.")
    check_lock(current, declared.name)
    check_adopted(current, declared.name)
    expected = arguments.get("generation")
    if expected is not None and current.generation != expected:
        raise InstanceInvalidState(
            f"{name} was changed by another run after this was planned.", "Run again: it is planned anew then."
        )
    if current.vm_state not in declared.vm_states:
        raise InstanceInvalidState(
            f"{name} cannot {declared.name}: it is {current.vm_state}.",
            f"It must be {' or '.join(declared.vm_states)}.",
        )
    check_boot(declared.name, current, arguments)
    if declared.ends_in != DELETED:
        check_writable(declared.foretell_record(current, arguments), host.options.record_version_cap)
    return current


def _finish(host: Host, declared: Operation, instance: Instance) -> Instance:
    if declared.builds:
        return instance
    vm_state = declared.ends_in or instance.vm_state
    ended = instance.but(vm_state=vm_state, task_state=None, generation=instance.generation + 1)
    if ended.vm_state != DELETED:
        host.driver.save_record(ended)
    return ended


def _abandon(host: Host, declared: Operation, uuid: str) -> Optional[Instance]:
    """Bring an instance out of a half-done operation, and return what there is of it then."""
    entry = next((entry for entry in host.journal.entries() if entry.uuid == uuid), None)
    if declared.recover is not None and entry is not None and entry.steps:
        declared.recover(host, entry)
    domain = host.driver.get_domain(uuid)
    instance = None if domain is None else read_record(domain)
    if instance is not None and instance.task_state is not None:
        host.driver.save_record(instance.but(task_state=None))
    return instance


def _enrol(host: Host, instance: Instance) -> None:
    """Put an instance on the host's roll: should its domain vanish one day, it is missed."""
    row = (instance.uuid, instance.spec.name, instance.spec.fleet, instance.spec.project_id)
    with host.db.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?)", row)


def _close(
    host: Host,
    declared: Operation,
    instance: Instance,
    started_at: str,
    steps: Sequence[InstanceEvent],
    fault: Optional[InstanceFault] = None,
) -> None:
    """Give back claim and lease and write the history, all at once.

    Args:
        instance: As it is now; as it was, where the operation failed.
    """
    uuid, spec, request_id = instance.uuid, instance.spec, host.options.request_id
    subject = _subject(host, uuid, spec.name, spec.fleet, spec.project_id)
    with host.db.transaction() as connection:
        host.tracker.drop_claim(uuid)
        host.journal.end(uuid)
        if fault is None and instance.vm_state == DELETED:
            connection.execute("DELETE FROM instances WHERE uuid = ?", (uuid,))
            connection.execute("DELETE FROM console_tokens WHERE uuid = ?", (uuid,))
        elif fault is None:
            _enrol(host, instance)
        host.db.bump_generation()
        if declared.builds and not declared.adopts:
            count_build(host.options, host.db, is_failed=fault is not None)
        host.history.record(Performed(subject, declared.name, declared.action, request_id, started_at, steps, fault))
