# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that a host knows of its instances: records, states, addresses, and their history."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..objects.host_report import LostInstance
from ..objects.instance import ObservedInstance
from .auditing import audit
from .guest_reading import Reading, read_guests
from .history import Subject, action_in_flight, fault_of
from .host import Host
from .journal import Entry
from .operation import OPERATIONS
from .owner import is_alive
from .states import BUILDING, DELETED, ERROR
from .status import status_of


@dataclass(frozen=True)
class Selection:
    """Which instances are asked for. Each condition that is given must hold.

    Args:
        names: Shell patterns, such as ``web-*``; one of them must fit.
        uuids: One of them must be it. Named so, one is told of that is not here any more.
        fleet, project_id: What it belongs to.
    """

    names: Sequence[str] = ()
    uuids: Sequence[str] = ()
    fleet: Optional[str] = None
    project_id: Optional[str] = None

    @property
    def names_nothing(self) -> bool:
        """Return whether no condition is given, so that all instances are asked for."""
        return not (self.names or self.uuids) and self.fleet is None and self.project_id is None

    def holds(self, uuid: str, name: str, fleet: Optional[str], project_id: Optional[str]) -> bool:
        """Return whether an instance is asked for. One whose fleet nothing tells any more is not left out for it."""
        return (
            (not self.names or any(fnmatch.fnmatchcase(name, pattern) for pattern in self.names))
            and (not self.uuids or uuid in self.uuids)
            and (self.fleet is None or fleet in (None, self.fleet))
            and (self.project_id is None or project_id in (None, self.project_id))
        )


def describe_instances(
    host: Host,
    selection: Selection,
    most_actions: int,
    include_foreign: bool,
    reading: Reading,
) -> dict[str, list[dict[str, Any]]]:
    """Read the host and tell all about the instances that are asked for.

    Args:
        most_actions: How many of the newest actions are told of each.
        include_foreign: Tell of domains that are not Novella's too, whatever is asked for.
        reading: What is read of the guests besides.

    Returns:
        ``instances``; ``lost``, whose domain is gone and that nobody deleted; ``absent``, of which there is something
        to tell all the same: they are being made, their last operation here failed, or they were asked for by uuid;
        ``foreign``.
    """
    report = audit(host)
    teller = _Teller(host, most_actions)
    seen = [item for item in report.instances if _is_asked(selection, item)]
    lost = [item for item in report.lost if selection.holds(item.uuid, item.name, item.fleet, item.project_id)]
    here = {item.instance.uuid for item in report.instances} | {item.uuid for item in report.lost}
    absent = [
        subject
        for subject in _remembered(host, selection, teller.in_flight.values())
        if subject.uuid not in here and selection.holds(subject.uuid, subject.name, subject.fleet, subject.project_id)
    ]
    read = read_guests(host, reading, seen)
    return {
        "instances": [{**teller.tell_of(item), **read[item.instance.uuid]} for item in seen],
        "lost": [teller.tell_of_lost(item) for item in lost],
        "absent": [teller.tell_of_absent(subject) for subject in absent],
        "foreign": [domain.as_dict() for domain in report.foreign] if include_foreign else [],
    }


class _Teller:
    """Puts into plain data what is known of one instance after the other."""

    def __init__(self, host: Host, most_actions: int) -> None:
        self._host = host
        self._most_actions = most_actions
        self.in_flight = {entry.uuid: entry for entry in host.journal.entries()}

    def tell_of(self, seen: ObservedInstance) -> dict[str, Any]:
        record = seen.instance
        spec, flavor = record.spec, record.spec.flavor
        return {
            "uuid": record.uuid,
            "name": spec.name,
            "fleet": spec.fleet,
            "project_id": spec.project_id,
            "host": self._host.options.host,
            "status": status_of(record.vm_state, record.task_state),
            "vm_state": record.vm_state,
            "task_state": record.task_state,
            "power_state": seen.power_state,
            "addresses": list(seen.addresses),
            "flavor": flavor.name,
            "vcpus": flavor.vcpus,
            "memory_mb": flavor.memory_mb,
            "root_gb": flavor.root_gb,
            "image": None if spec.image is None else spec.image.name,
            "created_at": record.created_at,
            "launched_at": record.launched_at,
            "instance": record.as_dict(),
            **self._past(record.uuid, record.vm_state),
        }

    def tell_of_lost(self, lost: LostInstance) -> dict[str, Any]:
        return {**lost.as_dict(), "host": self._host.options.host, **self._past(lost.uuid, None)}

    def tell_of_absent(self, subject: Subject) -> dict[str, Any]:
        past = self._past(subject.uuid, None)
        state = ERROR if past["fault"] else BUILDING if subject.uuid in self.in_flight else DELETED
        return {
            "uuid": subject.uuid,
            "name": subject.name,
            "fleet": subject.fleet,
            "project_id": subject.project_id,
            "host": self._host.options.host,
            "status": status_of(state, None),
            **past,
        }

    def _past(self, uuid: str, vm_state: Optional[str]) -> dict[str, Any]:
        history, most = self._host.history, max(0, self._most_actions)
        actions = history.list_actions(uuid, most)
        fault = history.get_fault(uuid, vm_state)
        entry = self.in_flight.get(uuid)
        if entry is not None:
            is_dead = not is_alive(entry.owner)
            actions = [action_in_flight(entry, OPERATIONS[entry.operation].action, is_dead), *actions][:most]
            fault = fault_of(entry).but(host=self._host.options.host) if is_dead else None
        return {
            "actions": [action.as_dict() for action in actions],
            "fault": None if fault is None else fault.as_dict(),
        }


def _remembered(host: Host, selection: Selection, in_flight: Iterable[Entry]) -> list[Subject]:
    """Return the instances that have something to tell though they may not be here, each once."""
    working = [
        Subject(entry.uuid, entry.name, entry.notes.get("fleet"), entry.notes.get("project_id")) for entry in in_flight
    ]
    asked = [subject for subject in map(host.history.find_subject, selection.uuids) if subject is not None]
    return list({subject.uuid: subject for subject in (*asked, *host.history.list_failed(), *working)}.values())


def _is_asked(selection: Selection, seen: ObservedInstance) -> bool:
    spec = seen.instance.spec
    return selection.holds(seen.instance.uuid, spec.name, spec.fleet, spec.project_id)
