# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of an operation that was asked for by name, over all hosts: for people and for scripts."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .answers import complaint
from .outcome import natural_order
from .tables import indent, table

# Of more instances than that, a remark that is the same for all says how many they are.
MOST_NAMES = 5


@dataclass(frozen=True)
class Outcome:
    """All hosts' answers in one.

    Args:
        results: By name; each as its host told it.
        silent: Why the other hosts told nothing.
        missing: Names and uuids that were asked for, and that fit no instance of any host.
    """

    results: list[dict[str, Any]]
    silent: dict[str, str]
    missing: list[str]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Return the results of instances for which it failed."""
        return [item for item in self.results if item["status"] == "failed"]

    def complaints(self) -> list[str]:
        """Return what a user must know: what failed, what was not found, who did not answer."""
        told = [f"{item['name']} on {item['host']}: {_words(item['error'])}" for item in self.failed]
        where = "the hosts that answered have" if self.silent else "any host has"
        told += [f"No instance that {where} is called {name}." for name in self.missing]
        return told + [f"{host} did not answer: {reason}" for host, reason in self.silent.items()]


def gather_results(
    answers: Mapping[str, Optional[Mapping[str, Any]]], names: Sequence[str], uuids: Sequence[str]
) -> Outcome:
    """Put the answers together.

    Args:
        answers: What module instance_action returned, by host; None where it was not run.
        names, uuids: What was asked for; shell patterns among the names.
    """
    results: list[dict[str, Any]] = []
    silent: dict[str, str] = {}
    for host, answer in answers.items():
        if answer is None or "results" not in answer:
            silent[host] = "it was not asked in this run (--limit?)" if answer is None else complaint(answer)
            continue
        results.extend(answer["results"])
    results.sort(key=lambda item: (natural_order(item["name"]), item["host"]))
    missing = [pattern for pattern in names if not any(fnmatch.fnmatchcase(item["name"], pattern) for item in results)]
    missing += [uuid for uuid in uuids if uuid not in {item["uuid"] for item in results}]
    return Outcome(results, silent, missing)


def draw_results(outcome: Outcome) -> str:
    """Return the table, and below it what went wrong."""
    columns = ["instance", "host", "action", "state", "outcome"]
    parts = [table(columns, [_row(item) for item in outcome.results]) if outcome.results else "No instances."]
    complaints = [line for told in outcome.complaints() for line in indent(told)]
    if complaints:
        parts.append("\n".join(complaints))
    remarks = _remarks(outcome.results)
    if remarks:
        parts.append("\n".join(line for text in remarks for line in indent(text)))
    return "\n\n".join(parts)


def _remarks(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what there is to remark, each once, with whom it is said of."""
    said_of: dict[str, list[str]] = {}
    for item in results:
        for text in item["remarks"]:
            said_of.setdefault(text, []).append(f"{item['name']} on {item['host']}")
    return [
        f"{', '.join(names) if len(names) <= MOST_NAMES else f'{len(names)} instances'}: {text}"
        for text, names in said_of.items()
    ]


def _row(item: Mapping[str, Any]) -> list[str]:
    changes = item["before"] != item["after"]
    state = f"{item['before']} -> {item['after']}" if changes else item["before"]
    seconds = f" in {item['seconds']:.1f} s" if item["status"] == "done" else ""
    return [item["name"], item["host"], item["operation"], state, f"{item['status']}{seconds}"]


def _words(error: Mapping[str, Any]) -> str:
    return f"{error['message']} {error['remedy']}".strip()
