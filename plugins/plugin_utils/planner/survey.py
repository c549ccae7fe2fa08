# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each wanted instance is: on a host, lost from one, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import Sighting, WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import (
    InstanceInProgress,
    LostInstance,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Finding

from ..fleet.fleet import Fleet
from .observation import Observation


@dataclass(frozen=True)
class Survey:
    """All that the reports say of instances, by uuid.

    Args:
        found: Domains with a record.
        foreign: Hosts of domains without one.
        lost: Hosts that had the instance and lost its domain.
        busy: What other runs work on at this moment.
        adopted: Adopted instances, by name, fleet and project.
    """

    found: dict[str, list[Sighting]]
    foreign: dict[str, list[str]]
    lost: dict[str, list[tuple[str, LostInstance]]]
    busy: dict[str, tuple[str, InstanceInProgress]]
    adopted: dict[tuple[str, str, str], Sighting] = field(default_factory=dict)

    def hosts_of(self, uuid: str) -> list[str]:
        """Return every host that has a domain of this uuid."""
        return [sighting.host for sighting in self.found.get(uuid, [])] + self.foreign.get(uuid, [])

    def hosts_with_disk(self, uuid: str) -> list[str]:
        """Return the hosts that lost the domain and still have the root disk."""
        return [host for host, lost in self.lost.get(uuid, []) if lost.has_disk]

    def obstacle(self, wanted: WantedInstance, fleet: Fleet) -> Optional[Finding]:
        """Return a finding that forbids to touch the instance at all, or None."""
        uuid, hosts = wanted.uuid, self.hosts_of(wanted.uuid)
        disks = [] if hosts else self.hosts_with_disk(uuid)
        if len(hosts) > 1:
            reason = f"is on {join(hosts)} at once; none of them is touched"
            return _fatal("split", wanted, f"{reason}. Find out which one is right, and remove the others with virsh")
        if uuid in self.busy:
            return self.leave_to_other_run(uuid, wanted.spec.name)
        if uuid in self.foreign:
            reason = f"has a domain on {hosts[0]} without a record that can be read"
            if wanted.is_adopted:
                reason = f"is on {hosts[0]}, and was not adopted yet (playbook novella.compute.adopt)"
            return _fatal("unsupported", wanted, f"{reason}; it counts as foreign and is not touched")
        if hosts and not is_ours(self.found[uuid][0].instance, fleet):
            owner = self.found[uuid][0].instance.spec
            reason = f"has a domain on {hosts[0]} that belongs to fleet {owner.fleet}, project {owner.project_id}"
            return _fatal("unsupported", wanted, f"{reason}; it is not touched")
        if hosts and wanted.is_adopted and self.found[uuid][0].instance.adopted is None:
            reason = "is declared as adopted, and Novella has made it. Take adopted out of its entry"
            return _fatal("unsupported", wanted, reason)
        if not hosts and (namesake := self._adopted_namesake(wanted)) is not None:
            there = f"was adopted on {namesake.host}, and its entry does not say so"
            reason = f"{there}. Write adopted: {namesake.instance.uuid} there, in the place of image"
            return _fatal("unsupported", wanted, reason)
        if len(disks) > 1:
            reason = f"has lost its domain, and left root disks on {join(disks)}"
            return _fatal("split", wanted, f"{reason}. Find out which one is right, and remove the others")
        return None

    def _adopted_namesake(self, wanted: WantedInstance) -> Optional[Sighting]:
        """Return the adopted instance that has its name in its fleet, or None."""
        spec = wanted.spec
        whose = (spec.name, spec.fleet, spec.project_id)
        return self.adopted.get(whose)

    def leave_to_other_run(self, uuid: str, name: str) -> Finding:
        """Return the finding that another run works on the instance at this moment."""
        host, progress = self.busy[uuid]
        reason = f"is in the hands of another run ({progress.operation} on {host}), and is left to it"
        return Finding("busy", uuid, name, reason, host)


def survey(observation: Observation) -> Survey:
    """Go through all reports once."""
    foreign: dict[str, list[str]] = {}
    lost: dict[str, list[tuple[str, LostInstance]]] = {}
    busy: dict[str, tuple[str, InstanceInProgress]] = {}
    for host, report in observation.reports.items():
        for domain in report.foreign:
            foreign.setdefault(domain.uuid, []).append(host)
        for item in report.lost:
            lost.setdefault(item.uuid, []).append((host, item))
        for progress in report.in_progress:
            busy[progress.uuid] = (host, progress)
    found = observation.find_instances()
    adopted = {
        (spec.name, spec.fleet, spec.project_id): sighting
        for sightings in found.values()
        for sighting in sightings
        for spec in [sighting.instance.spec]
        if sighting.instance.adopted is not None
    }
    return Survey(found, foreign, lost, busy, adopted)


def is_ours(instance: Instance, fleet: Fleet) -> bool:
    """Return whether the record belongs to this fleet. Another project's is another's, whatever its fleet."""
    return instance.spec.fleet == fleet.name and instance.spec.project_id == fleet.project_id


def join(names: list[str]) -> str:
    """Return "kvm1, kvm2 and kvm3"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _fatal(kind: str, wanted: WantedInstance, reason: str) -> Finding:
    return Finding(kind, wanted.uuid, wanted.spec.name, reason, fatal=True)
