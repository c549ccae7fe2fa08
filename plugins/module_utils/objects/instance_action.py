# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was done to an instance: actions, the events within them, and the fault of the last one that failed."""

from dataclasses import dataclass, field
from typing import Optional

from .base import Record

SUCCESS = "Success"
ERROR = "Error"


@dataclass(frozen=True)
class InstanceEvent(Record):
    """A part of an action (Nova's InstanceActionEvent).

    `event` is ``compute_create`` for the operation as a whole, ``compute_create.root_disk`` for a step of it. `result`
    is ``Success`` or ``Error``, and None while it goes on. `details` say why it failed. Times are ISO-8601 UTC; those
    of the steps of a dead process are not known.
    """

    event: str
    start_time: Optional[str] = None
    finish_time: Optional[str] = None
    result: Optional[str] = None
    details: Optional[str] = None


@dataclass(frozen=True)
class InstanceAction(Record):
    """One operation on one instance (Nova's InstanceAction). `message` says why it failed.

    `request_id` names the run that asked for it, on whatever hosts.
    """

    action: str
    instance_uuid: str
    request_id: Optional[str] = None
    start_time: Optional[str] = None
    finish_time: Optional[str] = None
    message: Optional[str] = None
    events: list[InstanceEvent] = field(default_factory=list)


@dataclass(frozen=True)
class InstanceFault(Record):
    """Why the last failed operation on an instance failed (Nova's InstanceFault).

    `code` is the error's name, such as ``HypervisorError``. `details` say what to do about it.
    """

    code: str
    message: str
    details: Optional[str] = None
    host: Optional[str] = None
    created_at: Optional[str] = None
