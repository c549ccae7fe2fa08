# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing what a periodic task has decided, through the operation mechanism like everything else."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Optional

from ...objects.errors import InstanceInvalidState, InstanceLocked, InstanceNotFound
from ...objects.host_report import HostReport
from ...objects.instance import Instance, ObservedInstance
from ...periodic_task import TaskReport
from ..host import Host
from ..operation import OPERATIONS, Sight, perform
from ..reconciliation import describe_failure

# Somebody else was at work on it: what was decided does not hold any more, and the next run looks again.
OVERTAKEN = (InstanceInvalidState.code, InstanceLocked.code, InstanceNotFound.code)


@dataclass(frozen=True)
class Deed:
    """What is to be done to one instance, as it was seen.

    Args:
        vm_state: For operations that set one.
    """

    operation: str
    instance: Instance
    power_state: str
    reason: str
    vm_state: Optional[str] = None

    def as_dict(self) -> dict[str, Any]:
        """Return what the task tells of it."""
        name = self.instance.spec.name
        return {"uuid": self.instance.uuid, "name": name, "operation": self.operation, "reason": self.reason}


def idle_instances(report: HostReport) -> Iterable[ObservedInstance]:
    """Return the instances that nobody works on at this moment."""
    busy = {item.uuid for item in report.in_progress}
    return [seen for seen in report.instances if seen.instance.uuid not in busy]


def act(host: Host, deeds: Sequence[Deed], warnings: Sequence[str], check: bool) -> TaskReport:
    """Do the deeds, several at once, and tell of each. An instance that has changed since it was seen is left alone."""
    report = TaskReport(warnings=list(warnings))
    errors: Iterable[Optional[dict[str, Any]]] = [None] * len(deeds)
    if deeds and not check:
        with ThreadPoolExecutor(host.options.max_concurrent_builds) as pool:
            errors = list(pool.map(functools.partial(_attempt, host), deeds))
    for deed, error in zip(deeds, errors):
        if error is None:
            report.did.append(deed.as_dict())
        elif error["code"] not in OVERTAKEN:
            report.failed.append({**deed.as_dict(), "error": error})
    return report


def _attempt(host: Host, deed: Deed) -> Optional[dict[str, Any]]:
    """Do one deed, and return why it failed."""
    uuid, name = deed.instance.uuid, deed.instance.spec.name
    seen = Sight(deed.instance.generation, deed.power_state)
    try:
        perform(host, OPERATIONS[deed.operation], uuid, name, {"vm_state": deed.vm_state, "expected": seen})
    except Exception as error:  # one instance's failure never stops another's
        return describe_failure(deed.operation, name, error)
    return None
