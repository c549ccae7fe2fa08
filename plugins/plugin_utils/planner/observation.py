# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller knows of the fleet's hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import Sighting
from ansible_collections.novella.compute.plugins.module_utils.objects.base import Document
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport


@dataclass(frozen=True)
class Snapshot(Document):
    """All hosts in one document: for tests, simulations and bug reports. `hosts` holds host documents, by name."""

    KIND: ClassVar[str] = "snapshot"
    VERSION: ClassVar[str] = "1.0"

    hosts: dict[str, Any] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    unknown_keys: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """The reports of the hosts that answered, and why the others did not."""

    reports: dict[str, HostReport] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)

    def find_instances(self) -> dict[str, list[Sighting]]:
        """Return every instance with a record, by uuid. More than one sighting is a split."""
        found: dict[str, list[Sighting]] = {}
        for host, report in self.reports.items():
            for seen in report.instances:
                found.setdefault(seen.instance.uuid, []).append(Sighting(host, seen))
        return found


def observe(documents: Mapping[str, Mapping[str, Any]], unreachable: Mapping[str, str]) -> Observation:
    """Read host documents, sorted by host.

    Args:
        documents: By the name that the inventory gives the host.
        unreachable: Hosts without a document, each with the reason.

    Raises:
        InvalidInput: A document cannot be read, or its host calls itself something else.
        VersionNotSupported: A document is of a newer major version.
    """
    reports = {}
    for name in sorted(documents):
        report = HostReport.from_document(documents[name], f"The document of host {name}")
        if report.host != name:
            raise InvalidInput(
                f"The document of host {name} says that it is of host '{report.host}'.",
                "Audit the host under the name that the inventory gives it.",
            )
        reports[name] = report
    return Observation(reports, {host: unreachable[host] for host in sorted(unreachable)})


def read_snapshot(document: Mapping[str, Any]) -> Observation:
    """Read a snapshot document.

    Raises:
        InvalidInput, VersionNotSupported: It cannot be read.
    """
    snapshot = Snapshot.from_document(document)
    return observe(snapshot.hosts, snapshot.unreachable)


def write_snapshot(observation: Observation) -> dict[str, Any]:
    """Return the observation as a snapshot document."""
    hosts = {name: report.as_document() for name, report in observation.reports.items()}
    return Snapshot(hosts, dict(observation.unreachable)).as_document()
