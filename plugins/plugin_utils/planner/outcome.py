# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where every instance of a fleet is at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NoValidHost
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import ObservedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan

from .attempts import Failure
from .observation import Observation

POWER_OF = {
    "active": ("running",),
    "paused": ("paused",),
    "shelved": ("shutdown", "crashed"),
    "soft-delete": ("shutdown", "suspended"),
    "stopped": ("shutdown", "crashed"),
    "suspended": ("suspended",),
}


def list_instances(observation: Observation, fleet: str) -> list[dict[str, Any]]:
    """Return the fleet's instances as they are: uuid, name, host, vm_state, power_state, addresses. By name."""
    found = [
        {
            "uuid": seen.instance.uuid,
            "name": seen.instance.spec.name,
            "host": host,
            "vm_state": seen.instance.vm_state,
            "power_state": seen.power_state,
            "state": _state(seen),
            "addresses": list(seen.addresses),
        }
        for host, report in observation.reports.items()
        for seen in report.instances
        if seen.instance.spec.fleet == fleet
    ]
    return sorted(found, key=lambda item: (natural_order(item["name"]), item["host"]))


def expected_rows(instances: Iterable[dict[str, Any]], plan: Plan) -> list[list[str]]:
    """Return the closing table's rows for check mode: what is, and what would be done about it."""
    would: dict[str, list[str]] = {}
    for action in plan.actions:
        would.setdefault(action.uuid, []).append(action.operation)
    rows = [_row(item, would.pop(item["uuid"], [])) for item in instances]
    rows.extend([item.name, item.host, f"would {item.operation}", "-"] for item in plan.actions if item.uuid in would)
    return sorted(rows, key=lambda row: natural_order(row[0]))


def closing_rows(instances: Iterable[dict[str, Any]]) -> list[list[str]]:
    """Return the closing table's rows."""
    return [_row(item, []) for item in instances]


def fail(failures: Sequence[Failure]) -> dict[str, Any]:
    """Return the failed result of a task."""
    return {
        "failed": True,
        "changed": False,
        "msg": failure_message(failures),
        "code": failure_code(failures),
        "failures": [failure.as_dict() for failure in failures],
    }


def failure_message(failures: Sequence[Failure]) -> str:
    """Return one message that names every failure."""
    if len(failures) == 1:
        return tell(failures[0])
    return "\n".join([f"{len(failures)} things failed:", *(f"  {tell(failure)}" for failure in failures)])


def failure_code(failures: Sequence[Failure]) -> str:
    """Return the code that all share, else NoValidHost where one was not placed, else the first."""
    codes = [failure.code for failure in failures]
    return NoValidHost.code if NoValidHost.code in codes else codes[0]


def tell(failure: Failure) -> str:
    """Return one failure as a sentence that names the instance and its host."""
    # The scheduler's sentences name their instance.
    if failure.host is None:
        return failure.message
    return f"{failure.operation} {failure.name} on {failure.host}: {failure.message}"


def _row(item: dict[str, Any], would: list[str]) -> list[str]:
    state = f"{item['state']}, would {' and '.join(would)}" if would else item["state"]
    return [item["name"], item["host"], state, ", ".join(item["addresses"]) or "-"]


def _state(seen: ObservedInstance) -> str:
    record = seen.instance
    if record.task_state is not None:
        return f"{record.vm_state} ({record.task_state})"
    if seen.power_state in POWER_OF.get(record.vm_state, ()):
        return record.vm_state
    return f"{record.vm_state} ({seen.power_state})"


def natural_order(name: str) -> tuple[object, ...]:
    """Order web-2 before web-10."""
    head, dash, number = name.rpartition("-")
    return (head, 1, int(number)) if dash and number.isdecimal() else (name, 0, 0)
