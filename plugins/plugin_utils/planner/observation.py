# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller knows of the fleet's hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import Sighting
from ansible_collections.novella.compute.plugins.module_utils.objects.base import Document
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.whereabouts import Whereabout


@dataclass(frozen=True)
class Snapshot(Document):
    """All hosts in one document: for tests, simulations and bug reports.

    `hosts` holds host documents, by name. `made_at` is ISO-8601 UTC.
    """

    KIND: ClassVar[str] = "snapshot"
    VERSION: ClassVar[str] = "1.0"

    hosts: dict[str, Any] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    made_at: Optional[str] = None
    unknown_keys: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Remembered:
    """What is known of the hosts that do not answer.

    Args:
        instances: By uuid, what was last known to be on one of them.
        strange: Those of which no host that answers was ever told.
    """

    instances: dict[str, Whereabout] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Observation:
    """The reports of the hosts that answered, and why the others did not.

    `remembered` is what the former know of the latter; None where they were not asked.
    """

    reports: dict[str, HostReport] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    remembered: Optional[Remembered] = None

    @property
    def closed(self) -> dict[str, str]:
        """Why hosts take no new instances, such as ``is in maintenance``."""
        refusals = {host: report.service.refusal for host, report in self.reports.items()}
        return {host: refusal for host, refusal in refusals.items() if refusal is not None}

    def find_instances(self) -> dict[str, list[Sighting]]:
        """Return every instance with a record, by uuid. More than one sighting is a split."""
        found: dict[str, list[Sighting]] = {}
        for host, report in self.reports.items():
            for seen in report.instances:
                found.setdefault(seen.instance.uuid, []).append(Sighting(host, seen))
        return found


def observe(documents: Mapping[str, Mapping[str, Any]], unreachable: Mapping[str, str], where: str = "") -> Observation:
    """Read host documents, sorted by host.

    Args:
        documents: By the name that the inventory gives the host.
        unreachable: Hosts without a document, each with the reason.
        where: What they were read from, for messages.

    Raises:
        InvalidInput: A document cannot be read, or its host calls itself something else.
        VersionNotSupported: A document is of a newer major version.
    """
    reports = {}
    for name in sorted(documents):
        place = f"{where}: hosts.{name}" if where else f"The document of host {name}"
        report = HostReport.from_document(documents[name], place)
        if report.host != name:
            raise InvalidInput(
                f"{place} says that it is of host '{report.host}'.",
                "Audit the host under the name that the inventory gives it.",
            )
        reports[name] = report
    return Observation(reports, {host: unreachable[host] for host in sorted(unreachable)})


def read_snapshot(document: Mapping[str, Any], where: str = "") -> Observation:
    """Read a snapshot document.

    Args:
        where: What it was read from, for messages.

    Raises:
        InvalidInput, VersionNotSupported: It cannot be read.
    """
    snapshot = Snapshot.from_document(document, where)
    return observe(snapshot.hosts, snapshot.unreachable, where)


def write_snapshot(observation: Observation, made_at: str) -> dict[str, Any]:
    """Return the observation as a snapshot document.

    Args:
        made_at: The time to write into it, ISO-8601 UTC.
    """
    hosts = {name: report.as_document() for name, report in observation.reports.items()}
    return Snapshot(hosts, dict(observation.unreachable), made_at).as_document()
