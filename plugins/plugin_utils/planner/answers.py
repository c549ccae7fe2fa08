# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible keeps of each host: the audit's document, and the outcome of the last reconcile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .observation import Observation, observe

# The names under which the playbooks register.
AUDIT = "novella_audit"
RECONCILE = "novella_reconcile"
FACT = "novella_host"


@dataclass(frozen=True)
class HostAnswer:
    """One host's variables, boiled down.

    Args:
        host: Its name in the inventory.
        document: The newest host document of this run; None where there is none.
        silence: Why there is none.
        reconcile: The registered result of the last reconcile; empty before the first.
    """

    host: str
    document: Optional[Mapping[str, Any]]
    silence: str = ""
    reconcile: Mapping[str, Any] = field(default_factory=dict)


def read_answer(host: str, variables: Mapping[str, Any]) -> HostAnswer:
    """Read a host's variables, as `hostvars.raw_get` returns them.

    A fact alone proves nothing, as it may come from a cache: the audit's registered result shows that it is
    of this run.
    """
    audit = variables.get(AUDIT)
    reconcile = variables.get(RECONCILE)
    reconcile = reconcile if isinstance(reconcile, Mapping) else {}
    if not isinstance(audit, Mapping) or audit.get("skipped"):
        return HostAnswer(host, None, "was not audited in this run (--limit?)", reconcile)
    if audit.get("unreachable") or audit.get("failed"):
        return HostAnswer(host, None, complaint(audit), reconcile)
    if reconcile.get("unreachable"):
        return HostAnswer(host, None, f"fell silent while it was changed: {complaint(reconcile)}", reconcile)
    facts = variables.get("ansible_facts")
    document = facts.get(FACT) if isinstance(facts, Mapping) else None
    if not isinstance(document, Mapping):
        return HostAnswer(host, None, "its audit returned no document", reconcile)
    return HostAnswer(host, document, "", reconcile)


def observe_answers(answers: Iterable[HostAnswer]) -> Observation:
    """Make an observation of all hosts' answers.

    Raises:
        InvalidInput, VersionNotSupported: A document cannot be read.
    """
    documents: dict[str, Mapping[str, Any]] = {}
    silent: dict[str, str] = {}
    for answer in answers:
        if answer.document is None:
            silent[answer.host] = answer.silence
        else:
            documents[answer.host] = answer.document
    return observe(documents, silent)


def complaint(result: Mapping[str, Any]) -> str:
    """Return the first line of what a failed task said, shortened."""
    lines = str(result.get("msg") or "").strip().splitlines()
    return lines[0][:200] if lines else "it gave no reason"
