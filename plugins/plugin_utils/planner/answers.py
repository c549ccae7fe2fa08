# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible keeps of each host: the audit's document, and the outcome of the last reconcile."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.whereabouts import Recollection

from .memory import remember
from .observation import Observation, observe

# The names under which the playbooks register.
AUDIT = "novella_audit"
RECONCILE = "novella_reconcile"
CLAIM = "novella_claim"
RECOLLECTION = "novella_recollection"
FACT = "novella_host"
# What Ansible adds to a result, and no document can hold.
NOT_OURS = ("deprecations", "exception", "warnings")


@dataclass(frozen=True)
class HostAnswer:
    """One host's variables, boiled down.

    Args:
        host: Its name in the inventory.
        document: The newest host document of this run; None where there is none.
        silence: Why there is none.
        reconcile: The registered result of the last reconcile; empty before the first.
        claim: That of the last claim, likewise.
        recollection: What it said of silent hosts; None where it was not asked.
    """

    host: str
    document: Optional[Mapping[str, Any]]
    silence: str = ""
    reconcile: Mapping[str, Any] = field(default_factory=dict)
    claim: Mapping[str, Any] = field(default_factory=dict)
    recollection: Optional[Mapping[str, Any]] = None


def read_answer(host: str, variables: Mapping[str, Any]) -> HostAnswer:
    """Read a host's variables, as `hostvars.raw_get` returns them.

    A fact alone proves nothing, as it may come from a cache: the audit's registered result shows that it is
    of this run.
    """
    silence, document = _find_document(variables)
    asked = variables.get(RECOLLECTION)
    is_asked = isinstance(asked, Mapping) and not asked.get("skipped")
    return HostAnswer(
        host,
        document,
        silence,
        reconcile=_registered(variables, RECONCILE),
        claim=_registered(variables, CLAIM),
        recollection=asked if is_asked else None,
    )


def _find_document(variables: Mapping[str, Any]) -> tuple[str, Optional[Mapping[str, Any]]]:
    """Return the host's document, or why there is none."""
    audit, reconcile = variables.get(AUDIT), _registered(variables, RECONCILE)
    if not isinstance(audit, Mapping) or audit.get("skipped"):
        return "was not audited in this run (--limit?)", None
    if audit.get("unreachable") or audit.get("failed"):
        return complaint(audit), None
    if reconcile.get("unreachable") or (reconcile.get("failed") and "results" not in reconcile):
        return f"fell silent while it was changed: {complaint(reconcile)}", None
    facts = variables.get("ansible_facts")
    document = facts.get(FACT) if isinstance(facts, Mapping) else None
    if not isinstance(document, Mapping):
        return "its audit returned no document", None
    if audit.get("in_sync") and not reconcile and document.get("fingerprint") != audit.get("fingerprint"):
        return "it is as in a document that is not at hand any more", None
    return "", document


def _registered(variables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = variables.get(name)
    return {key: found[key] for key in found if key not in NOT_OURS} if isinstance(found, Mapping) else {}


def observe_answers(answers: Iterable[HostAnswer]) -> Observation:
    """Make an observation of all hosts' answers.

    Raises:
        InvalidInput, VersionNotSupported: A document cannot be read.
    """
    documents: dict[str, Mapping[str, Any]] = {}
    silent: dict[str, str] = {}
    told: list[Mapping[str, Any]] = []
    for answer in answers:
        if answer.document is None:
            silent[answer.host] = answer.silence
        else:
            documents[answer.host] = answer.document
        if answer.recollection is not None:
            told.append(answer.recollection)
    observation = observe(documents, silent)
    if not told:
        return observation
    recollections = [
        Recollection.from_dict(item, "recollections") for each in told for item in each.get("recollections") or []
    ]
    return dataclasses.replace(observation, remembered=remember(silent, recollections))


def complaint(result: Mapping[str, Any]) -> str:
    """Return the first line of what a failed task said, shortened."""
    lines = str(result.get("msg") or "").strip().splitlines()
    return lines[0][:200] if lines else "it gave no reason"
