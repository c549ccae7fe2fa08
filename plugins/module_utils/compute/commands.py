# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations that a person asks for by name, on the instances of a host that are meant (Nova's server actions)."""

from __future__ import annotations

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from ..objects.base import Record
from ..objects.errors import InstanceInvalidState, InstanceLocked, NovellaError, OptionInvalid
from ..objects.instance import Instance, ObservedInstance
from .adopted import check_adopted
from .auditing import look
from .boot_volume import check_boot
from .host import Host
from .instance_details import Selection
from .interface_wish import check_interface, is_plugged_as_wished
from .locking import check_lock
from .operation import OPERATIONS, Operation, Sight, perform
from .reconciliation import Progress, describe_failure
from .records import check_writable
from .run_states import POWER_OF
from .states import DELETED
from .volume_wish import check_swap, check_wish, is_as_wished

# What may be asked for; the rest makes instances, or follows from a fleet.
COMMANDS = (
    *("start", "stop", "reboot", "hard_reboot", "pause", "unpause", "suspend", "resume"),
    *("shelve", "unshelve", "rescue", "unrescue", "rebuild", "delete", "soft_delete", "restore", "trigger_crash_dump"),
    *("lock", "unlock", "set_admin_password", "inject_file", "inject_network_info", "reset_network"),
    *("attach_volume", "detach_volume", "extend_volume"),
    *("attach_interface", "detach_interface", "add_fixed_ip_to_instance", "remove_fixed_ip_from_instance"),
    *("limit_volume", "swap_volume", "remove_volume_connection"),
    "refresh_instance_security_rules",
)

DONE, UNCHANGED, PLANNED, FAILED = "done", "unchanged", "planned", "failed"


@dataclass(frozen=True)
class Command:
    """What is asked for.

    Args:
        operation: One of `COMMANDS`.
        arguments: The operation's own.
        is_done: Tells of an instance whether it has what is asked for, where its record does not.
    """

    operation: str
    selection: Selection
    arguments: dict[str, Any] = field(default_factory=dict)
    is_done: Optional[Callable[[Instance], bool]] = None


@dataclass(frozen=True)
class Answer(Record):
    """What became of it, for one instance. `status` is done, unchanged, planned or failed.

    `remarks` say what a user should know though it was done, such as that a guest would not shut down. Of an operation
    that changes the record only, `record_before` and `record_after` hold the part that it is about.
    """

    uuid: str
    name: str
    fleet: str
    project_id: str
    host: str
    operation: str
    status: str
    before: str
    after: str
    seconds: float = 0.0
    error: Optional[dict[str, Any]] = None
    remarks: list[str] = field(default_factory=list)
    record_before: dict[str, Any] = field(default_factory=dict)
    record_after: dict[str, Any] = field(default_factory=dict)


def obey(host: Host, command: Command, check: bool, progress: Optional[Progress] = None) -> list[Answer]:
    """Do an operation to every instance of this host that is meant, several at once, and tell of each by name.

    An instance that is as the operation would leave it is left alone. One's failure never stops another's.

    Args:
        check: Only tell what would come of it.
        progress: Told after each ended instance: what it was, how many ended, how many there are.

    Raises:
        OptionInvalid: Nothing says which instances. Nobody shall stop everything by leaving something out.
    """
    if command.selection.names_nothing:
        raise OptionInvalid(
            f"Nothing says which instances to {command.operation}.",
            "Give names (such as '*'), uuids, a fleet or a project_id.",
        )
    instances, busy = look(host)
    meant = [seen for seen in instances if _is_meant(command.selection, seen.instance)]
    attempt = functools.partial(_predict if check else _attempt, host, command, busy)
    answers: list[Answer] = []
    with ThreadPoolExecutor(host.options.max_concurrent_builds) as pool:
        for answer in pool.map(attempt, meant):
            answers.append(answer)
            if progress is not None:
                progress(f"{answer.operation} {answer.name}: {answer.status}", len(answers), len(meant))
    return answers


def _is_meant(selection: Selection, instance: Instance) -> bool:
    spec = instance.spec
    return selection.holds(instance.uuid, spec.name, spec.fleet, spec.project_id)


def _attempt(host: Host, command: Command, busy: set[str], seen: ObservedInstance) -> Answer:
    predicted = _predict(host, command, busy, seen)
    if predicted.status != PLANNED:
        return predicted
    uuid, name = seen.instance.uuid, seen.instance.spec.name
    expected = Sight(seen.instance.generation, seen.power_state)
    began = time.monotonic()
    try:
        declared = OPERATIONS[command.operation]
        done = perform(host, declared, uuid, name, {**command.arguments, "expected": expected})
    except Exception as error:  # one instance's failure never stops another's
        return predicted.but(
            status=FAILED,
            after=predicted.before,
            record_after=predicted.record_before,
            seconds=_since(began),
            error=describe_failure(command.operation, name, error),
        )
    return predicted.but(status=DONE, after=done.instance.vm_state, seconds=_since(began), remarks=list(done.remarks))


def _predict(host: Host, command: Command, busy: set[str], seen: ObservedInstance) -> Answer:
    """Tell what can be told of one instance without touching it."""
    declared, record = OPERATIONS[command.operation], seen.instance
    spec, before = record.spec, record.vm_state
    answer = Answer(
        record.uuid, spec.name, spec.fleet, spec.project_id, host.options.host, declared.name, PLANNED, before, before
    )
    if declared.alters is not None:
        told = declared.alters.tell(record)
        answer = answer.but(record_before=told, record_after=told)
    try:
        becomes = declared.foretell_record(record, command.arguments)
        is_done = command.is_done is not None and command.is_done(record)
        is_done = is_done or is_as_wished(declared.name, record, command.arguments.get("volume"))
        is_done = is_done or is_plugged_as_wished(declared.name, record, command.arguments.get("interface"))
        if is_done or _is_there(declared, seen, becomes):
            return answer.but(status=UNCHANGED)
        _refuse(host, declared, seen, becomes, busy)
        check_boot(declared.name, record, command.arguments)
        check_wish(host, declared.name, record, command.arguments.get("volume"))
        check_interface(host, declared.name, record, command.arguments.get("interface"))
        if declared.name == "swap_volume":
            _old, new = check_swap(host, record, command.arguments["volume"], command.arguments["new_volume"])
            check_wish(host, "attach_volume", record, new)
    except NovellaError as refusal:
        return answer.but(status=FAILED, error=describe_failure(declared.name, spec.name, refusal))
    if declared.alters is not None:
        answer = answer.but(record_after=declared.alters.tell(becomes))
    return answer.but(after=declared.foretell(record, command.arguments))


def _is_there(declared: Operation, seen: ObservedInstance, becomes: Instance) -> bool:
    """Return whether an instance is as the operation would leave it, with the record that it `becomes`."""
    there, record = declared.ends_in, seen.instance
    if declared.alters is not None:
        return record.task_state is None and becomes == record
    if declared.repeats or there is None or record.vm_state != there or record.task_state is not None:
        return False
    return seen.power_state == POWER_OF.get(there, seen.power_state)


def _refuse(host: Host, declared: Operation, seen: ObservedInstance, becomes: Instance, busy: set[str]) -> None:
    """Raise what doing it would raise before anything is done."""
    record = seen.instance
    if record.uuid in busy:
        raise InstanceLocked(f"{record.spec.name} is in the hands of another run.", "Run again when it has ended.")
    check_lock(record, declared.name)
    check_adopted(record, declared.name)
    if record.vm_state not in (declared.vm_states or ()):
        raise InstanceInvalidState(
            f"{record.spec.name} cannot {declared.name}: it is {record.vm_state}.",
            f"It must be {' or '.join(declared.vm_states or ())}.",
        )
    if declared.ends_in != DELETED:
        check_writable(becomes, host.options.record_version_cap)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
