# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan and its outcome as people read them: plain text, no wider than a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ansible_collections.novella.compute.plugins.module_utils.compute.comparison import describe
from ansible_collections.novella.compute.plugins.module_utils.compute.verdict import CONSENT
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Finding, Plan
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import FilterCount, Selection

if TYPE_CHECKING:
    from .capacity import Capacity

WIDTH = 100
# No line names more hosts than that.
NAMED = 12
# With -v, so many actions, instances without a host and refusals of each are told; with -vv all.
SHOWN = 20
# However long the other columns are, the last one keeps this much room.
LEAST = 20
OPERATIONS = (
    *("create", "restore", "start", "unpause", "resume", "unshelve", "stop", "pause", "suspend", "shelve"),
    *("detach_volume", "extend_volume", "limit_volume", "attach_volume", "delete_volume"),
    *("define_network", "detach_interface", "remove_fixed_ip_from_instance", "add_fixed_ip_to_instance"),
    *("replug_interface", "attach_interface", "delete_network"),
    *("refresh_instance_security_rules", "reconfigure", "rebuild", "update", "unlock", "lock", "soft_delete", "delete"),
)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH) -> str:
    """Return rows under their column names. The last column is wrapped to keep the width, in characters."""
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns) - 1)]
    room = max(LEAST, width - 2 - sum(widths) - 2 * len(widths))
    longest = min(room, max(len(row[-1]) for row in [columns, *rows]))
    rule = ["─" * size for size in [*widths, longest]]
    lines = []
    for row in [columns, rule, *rows]:
        head = "  ".join(cell.ljust(size) for cell, size in zip(row, widths))
        wrapped = textwrap.wrap(row[-1], room, break_on_hyphens=False) or [""]
        lines.append(f"  {head}  {wrapped[0]}")
        lines.extend(" " * (len(head) + 4) + rest for rest in wrapped[1:])
    return "\n".join(line.rstrip() for line in lines)


def plan_table(plan: Plan, verbosity: int = 0) -> str:
    """Return all that the plan says.

    Args:
        verbosity: Ansible's. From 1 on: diffs, weights, alternates, funnels and refusals, of a part of a large plan;
            from 2 on, of all of it.
    """
    most = SHOWN if verbosity == 1 else None
    parts = []
    if plan.actions:
        rows = [[action.name, action.operation, action.host, _reason(action)] for action in plan.actions]
        parts.append(table(["instance", "action", "host", "reason"], rows))
    if plan.actions and verbosity > 0:
        why = {selection.instance_uuid: selection for selection in plan.placed}
        lines = [line for action in plan.actions[:most] for line in _details(action, why.get(action.uuid), most)]
        parts.append("\n".join([*lines, *_rest(len(plan.actions), most, "actions", 2)]))
    if plan.unplaced:
        lines = []
        for number, selection in enumerate(plan.unplaced):
            is_told = verbosity > 1 or (verbosity == 1 and number < SHOWN)
            lines.extend(_unplaced(selection, is_told, most))
        parts.append("\n".join(["Not placed:", *lines]))
    waiting = [finding for finding in plan.findings if finding.kind == CONSENT]
    parts.extend(_findings("Waits for consent:", waiting))
    fatal = [finding for finding in plan.findings if finding.fatal and finding not in waiting]
    parts.extend(_findings("Cannot be done:", fatal))
    parts.extend(_findings("Left alone:", [finding for finding in plan.findings if not finding.fatal]))
    if plan.unreachable:
        silent = [f"{host}: {reason}" for host, reason in plan.unreachable.items()]
        parts.append("\n".join(["Hosts that did not answer:", *(line for item in silent for line in indent(item))]))
    if plan.closed:
        parts.append(closed_hosts(plan.closed))
    parts.append(plan_line(plan))
    return "\n\n".join(parts)


def closed_hosts(closed: Mapping[str, str]) -> str:
    """Return which hosts take no new instances, and why."""
    lines = [line for host, why in list(closed.items())[:NAMED] for line in indent(f"{host} {why}")]
    return "\n".join(["Take no new instances:", *lines, *_rest(len(closed), NAMED, "hosts", 2)])


def count_steps(plan: Plan) -> dict[str, int]:
    """Return how many instances each operation is for, how many have no host, and how many need nothing."""
    counts = Counter(action.operation for action in plan.actions)
    steps = {operation: counts[operation] for operation in OPERATIONS}
    return {**steps, "unplaced": len(plan.unplaced), "findings": len(plan.findings), "unchanged": plan.unchanged}


def plan_line(plan: Plan) -> str:
    """Return the plan in one line: ``Plan: 8 to create, 1 to start; 12 unchanged.``"""
    counts = count_steps(plan)
    words = {operation: operation.replace("_", "-") for operation in OPERATIONS}
    steps = [f"{counts[operation]} to {word}" for operation, word in words.items() if counts[operation]]
    if plan.unplaced:
        steps.append(f"{len(plan.unplaced)} without a valid host")
    if not steps and not plan.findings:
        return f"No changes. {_count(plan.unchanged, 'instance is', 'instances are')} as declared."
    return f"Plan: {', '.join(steps) or 'nothing to do'}; {plan.unchanged} unchanged."


def instance_table(rows: Sequence[Sequence[str]]) -> str:
    """Return the closing table. Each row: instance, host, state, address."""
    return table(["instance", "host", "state", "address"], rows)


def capacity_table(counted: Sequence[Capacity]) -> str:
    """Return how many more of each flavor fit: two lines for each, where they go and what stops the next one."""
    rows = []
    for item in counted:
        rows.append([item.flavor, str(item.total), _hosts_with_counts(item.hosts)])
        stopped = "counting stopped here, at its limit" if item.next is None else item.next.message or ""
        rows.append(["", "", stopped])
    return table(["flavor", "fit", "on which hosts, and what stops the next one"], rows)


def _hosts_with_counts(hosts: Mapping[str, int]) -> str:
    named = [f"{host} {count}" for host, count in list(hosts.items())[:NAMED]]
    more = [f"{len(hosts) - NAMED} more hosts"] if len(hosts) > NAMED else []
    return ", ".join(named + more) or "none"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _reason(action: Action) -> str:
    return f"{action.reason} ({action.impact})" if action.impact else action.reason


def _details(action: Action, selection: Selection | None, most: int | None) -> Iterable[str]:
    yield f"  {action.name}: {action.operation} on {action.host}"
    for change in action.diff:
        yield f"    {describe(change)}"
    if action.weights:
        scores = ", ".join(f"{name} {weight:.3f}" for name, weight in action.weights.items() if weight)
        yield from indent(f"weights: {scores or 'all 0'}, in all {sum(action.weights.values()):.3f}", 4)
    elif selection is not None:
        yield "    weights: none, as it was the only host left"
    if action.alternates:
        yield from indent(f"alternates: {', '.join(action.alternates)}", 4)
    if selection is not None:
        yield from _funnel(selection.funnel)
        yield from _refusals(selection, most)


def _unplaced(selection: Selection, is_told: bool, most: int | None) -> Iterable[str]:
    yield from indent(selection.message or f"{selection.name} was not placed.")
    yield from _funnel([step for step in selection.funnel if is_told or step.before > step.after])
    if is_told:
        yield from _refusals(selection, most)


def _funnel(steps: Sequence[FilterCount]) -> Iterable[str]:
    if steps:
        yield from indent("hosts left: " + ", ".join(f"{step.name} {step.before} → {step.after}" for step in steps), 4)


def _refusals(selection: Selection, most: int | None) -> Iterable[str]:
    for refusal in selection.refusals[:most]:
        yield from indent(f"{refusal.host} {refusal.reason} ({refusal.filter})", 4)
    total = len(selection.refusals) + selection.refusals_left_out
    yield from _rest(total, len(selection.refusals[:most]), "refused hosts", 4)


def _rest(total: int, shown: int | None, what: str, spaces: int) -> Iterable[str]:
    if shown is not None and total > shown:
        yield f"{' ' * spaces}… and {total - shown} more {what}"


def _findings(title: str, findings: Sequence[Finding]) -> Iterable[str]:
    if findings:
        yield "\n".join([title, *(line for item in findings for line in indent(f"{item.name} {item.reason}."))])


def indent(text: str, spaces: int = 2) -> list[str]:
    """Return a text as indented lines, all but the first a little further."""
    first, rest = " " * spaces, " " * (spaces + 2)
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
