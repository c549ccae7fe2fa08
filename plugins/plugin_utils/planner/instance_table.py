# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all hosts told of their instances, as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional

from .answers import complaint
from .guest_words import console_of, use_of
from .outcome import POWER_OF, natural_order
from .tables import indent, table

LOST = "LOST"


@dataclass(frozen=True)
class Told:
    """All hosts' answers in one.

    Args:
        instances: By name; each as its host told it, with a `status`.
        silent: Why the other hosts told nothing.
    """

    instances: list[dict[str, Any]]
    silent: dict[str, str]


def gather(answers: Mapping[str, Optional[Mapping[str, Any]]]) -> Told:
    """Put the answers together.

    Args:
        answers: What module instance_info returned, by host; None where it was not run.
    """
    instances: list[dict[str, Any]] = []
    absent: list[dict[str, Any]] = []
    silent: dict[str, str] = {}
    for host, answer in answers.items():
        if answer is None or "instances" not in answer:
            silent[host] = "was not asked in this run (--limit?)" if answer is None else complaint(answer)
            continue
        instances.extend(answer["instances"])
        instances.extend({**item, "status": LOST} for item in answer["lost"])
        absent.extend(answer["absent"])
    made = {item["uuid"] for item in instances}
    instances.extend(item for item in absent if item["uuid"] not in made)
    return Told(sorted(instances, key=lambda item: (natural_order(item["name"]), item["host"])), silent)


def draw_table(told: Told, with_history: bool = False) -> str:
    """Return the table, the faults, what was read of the guests, and the silent hosts.

    Args:
        with_history: What was done to each instance follows.
    """
    columns = ["instance", "host", "status", "size", "address", "last action"]
    parts = [table(columns, [_row(item) for item in told.instances]) if told.instances else "No instances."]
    faults = [line for item in told.instances for line in _fault(item)]
    if faults:
        parts.append("\n".join(["Failed:", *faults]))
    uses = [line for item in told.instances if "diagnostics" in item for line in use_of(item)]
    if uses:
        parts.append("\n".join(["What they use:", *uses]))
    consoles = [line for item in told.instances if "console_output" in item for line in console_of(item)]
    if consoles:
        parts.append("\n".join(["On their consoles:", *consoles]))
    if with_history:
        parts.extend("\n".join(_history(item)) for item in told.instances if item["actions"])
    if told.silent:
        reasons = [line for host, reason in told.silent.items() for line in indent(f"{host}: {reason}")]
        parts.append("\n".join(["Hosts that did not answer:", *reasons]))
    return "\n\n".join(parts)


def _row(item: Mapping[str, Any]) -> list[str]:
    size = f"{item['vcpus']} × {item['memory_mb']} MB" if "vcpus" in item else "-"
    return [
        item["name"],
        item["host"],
        _status(item),
        size,
        ", ".join(item.get("addresses", [])) or "-",
        _last_action(item["actions"]),
    ]


def _status(item: Mapping[str, Any]) -> str:
    """Return the status, with the task, or with the power state where that does not follow from it."""
    if item.get("task_state"):
        return f"{item['status']} ({item['task_state']})"
    vm_state = item.get("vm_state")
    follows = vm_state is None or item["power_state"] in POWER_OF.get(vm_state, ())
    return str(item["status"]) if follows else f"{item['status']} ({item['power_state']})"


def _last_action(actions: list[Mapping[str, Any]]) -> str:
    if not actions:
        return "-"
    newest = actions[0]
    if newest["finish_time"] is None and newest["message"] is None:
        return f"{newest['action']} since {_clock(newest['start_time'])}"
    failed = " failed" if newest["message"] else ""
    return f"{newest['action']}{failed} {_clock(newest['finish_time'] or newest['start_time'])}"


def _fault(item: Mapping[str, Any]) -> Iterator[str]:
    fault = item["fault"]
    if fault is not None:
        remedy = f" {fault['details']}" if fault["details"] else ""
        yield from indent(f"{item['name']} on {item['host']}: {fault['message']}{remedy} ({fault['code']})")


def _history(item: Mapping[str, Any]) -> Iterable[str]:
    yield f"  {item['name']} on {item['host']}"
    for action in item["actions"]:
        request = f", {action['request_id']}" if action["request_id"] else ""
        yield from indent(f"{_clock(action['start_time'])} {action['action']}: {_outcome(action)}{request}", 4)
        for event in action["events"][1:]:
            step = event["event"].partition(".")[2] or event["event"]
            yield from indent(f"{step}: {event['result'] or 'goes on'}{_seconds(event)}", 6)


def _outcome(action: Mapping[str, Any]) -> str:
    if action["message"]:
        return str(action["message"])
    return "goes on" if action["finish_time"] is None else f"done{_seconds(action)}"


def _seconds(item: Mapping[str, Any]) -> str:
    """Return how long it took, where that is known."""
    if item["start_time"] is None or item["finish_time"] is None:
        return ""
    took = _read(item["finish_time"]) - _read(item["start_time"])
    # A clock may have been set back meanwhile.
    return f" in {max(0.0, took.total_seconds()):.1f} s"


def _clock(time: str) -> str:
    """Return a time to the second, in UTC."""
    return f"{_read(time):%Y-%m-%d %H:%M:%S}"


def _read(time: str) -> datetime:
    return datetime.fromisoformat(time)
