# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan and its outcome as people read them: plain text, no wider than a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from ansible_collections.novella.compute.plugins.module_utils.compute.comparison import describe
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Finding, Plan
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import Selection

WIDTH = 100
# However long the other columns are, the last one keeps this much room.
LEAST = 20
OPERATIONS = ("create", "start", "stop", "update", "delete")


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
        verbosity: Ansible's. From 1 on: diffs, alternates, weights, and each host's refusal.
    """
    parts = []
    if plan.actions:
        rows = [[action.name, action.operation, action.host, _reason(action)] for action in plan.actions]
        parts.append(table(["instance", "action", "host", "reason"], rows))
    if plan.actions and verbosity > 0:
        parts.append("\n".join(line for action in plan.actions for line in _details(action)))
    if plan.unplaced:
        lines = [line for selection in plan.unplaced for line in _unplaced(selection, verbosity)]
        parts.append("\n".join(["Not placed:", *lines]))
    parts.extend(_findings("Cannot be done:", [finding for finding in plan.findings if finding.fatal]))
    parts.extend(_findings("Left alone:", [finding for finding in plan.findings if not finding.fatal]))
    if plan.unreachable:
        silent = [f"{host}: {reason}" for host, reason in plan.unreachable.items()]
        parts.append("\n".join(["Hosts that did not answer:", *(line for item in silent for line in _indent(item))]))
    parts.append(plan_line(plan))
    return "\n\n".join(parts)


def count_steps(plan: Plan) -> dict[str, int]:
    """Return how many instances each operation is for, how many have no host, and how many need nothing."""
    counts = Counter(action.operation for action in plan.actions)
    steps = {operation: counts[operation] for operation in OPERATIONS}
    return {**steps, "unplaced": len(plan.unplaced), "findings": len(plan.findings), "unchanged": plan.unchanged}


def plan_line(plan: Plan) -> str:
    """Return the plan in one line: ``Plan: 8 to create, 1 to start; 12 unchanged.``"""
    counts = count_steps(plan)
    steps = [f"{counts[operation]} to {operation}" for operation in OPERATIONS if counts[operation]]
    if plan.unplaced:
        steps.append(f"{len(plan.unplaced)} without a valid host")
    if not steps and not plan.findings:
        return f"No changes. {_count(plan.unchanged, 'instance is', 'instances are')} as declared."
    return f"Plan: {', '.join(steps) or 'nothing to do'}; {plan.unchanged} unchanged."


def instance_table(rows: Sequence[Sequence[str]]) -> str:
    """Return the closing table. Each row: instance, host, state, address."""
    return table(["instance", "host", "state", "address"], rows)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _reason(action: Action) -> str:
    return f"{action.reason} ({action.impact})" if action.impact else action.reason


def _details(action: Action) -> Iterable[str]:
    yield f"  {action.name}: {action.operation} on {action.host}"
    for change in action.diff:
        yield f"    {describe(change)}"
    if action.weights:
        yield "    weights: " + ", ".join(f"{name} {weight:.3f}" for name, weight in action.weights.items())
    if action.alternates:
        yield f"    alternates: {', '.join(action.alternates)}"


def _unplaced(selection: Selection, verbosity: int) -> Iterable[str]:
    yield from _indent(selection.message or f"{selection.name} was not placed.")
    steps = [step for step in selection.funnel if verbosity > 0 or step.before > step.after]
    if steps:
        yield from _indent("hosts left: " + ", ".join(f"{step.name} {step.before} → {step.after}" for step in steps), 4)
    if verbosity > 0:
        for refusal in selection.refusals:
            yield from _indent(f"{refusal.host} {refusal.reason} ({refusal.filter})", 4)


def _findings(title: str, findings: Sequence[Finding]) -> Iterable[str]:
    if findings:
        yield "\n".join([title, *(line for item in findings for line in _indent(f"{item.name} {item.reason}."))])


def _indent(text: str, spaces: int = 2) -> list[str]:
    first, rest = " " * spaces, " " * (spaces + 2)
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
