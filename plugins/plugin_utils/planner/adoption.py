# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which domains become instances of a fleet, under what names and with what flavors; and why others cannot."""

from __future__ import annotations

import fnmatch
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.adopting import AdoptionOrder
from ansible_collections.novella.compute.plugins.module_utils.compute.run_states import POWER_OF
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import ForeignDomain
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec

from ..fleet.expansion import expand
from ..fleet.fleet import Fleet
from ..fleet.schema import SCHEMA_FILE
from .observation import Observation
from .survey import is_ours, join

MOST_LETTERS = 63


@dataclass(frozen=True)
class Refusal:
    """A domain that cannot be adopted; `domain` may be what was asked for and is not there."""

    domain: str
    host: Optional[str]
    reason: str

    def tell(self) -> str:
        where = f" on {self.host}" if self.host else ""
        return f"{self.domain}{where} is not adopted: {self.reason}"


@dataclass
class Choice:
    """What is to be adopted, by host, and what cannot be."""

    orders: dict[str, list[AdoptionOrder]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def add(self, host: str, order: AdoptionOrder) -> None:
        self.orders.setdefault(host, []).append(order)


def choose_domains(
    fleet: Fleet,
    observation: Observation,
    patterns: Sequence[str],
    host: Optional[str] = None,
    name: Optional[str] = None,
) -> Choice:
    """Return what is to be adopted.

    Args:
        patterns: Names of domains or shell patterns of them, or uuids.
        host: Only the domains of this one.
        name: What the instance is called, where one domain is meant; without it, as its domain.

    Raises:
        OptionInvalid: Nothing says which domains, the host is not known or did not answer, or many domains would have
            one name.
    """
    if not patterns:
        raise OptionInvalid("Nothing says which domains to adopt.", "Give names or patterns, such as '*', or uuids.")
    _check_host(host, observation)
    return _Chooser(fleet, observation, host, name).choose(patterns)


def entry_of(spec: InstanceSpec, uuid: str, vm_state: str) -> dict[str, Any]:
    """Return what a fleet says of an adopted instance."""
    kept = {
        "server_group": spec.server_group,
        "availability_zone": spec.availability_zone,
        "metadata": dict(spec.metadata),
        "tags": list(spec.tags),
        "display_name": spec.display_name,
    }
    # What it is not at rest in cannot be declared.
    declared = vm_state if vm_state in POWER_OF else "any"
    given = {key: value for key, value in kept.items() if value}
    return {"adopted": uuid, "flavor": spec.flavor.name, "vm_state": declared, **given}


def _check_host(host: Optional[str], observation: Observation) -> None:
    if host is None or host in observation.reports:
        return
    if host in observation.unreachable:
        raise OptionInvalid(f"{host} did not answer: {observation.unreachable[host]}.", "Run again when it does.")
    raise OptionInvalid(f"There is no host '{host}' in the inventory.{nearest(host, list(observation.reports))}")


class _Chooser:
    def __init__(self, fleet: Fleet, observation: Observation, host: Optional[str], name: Optional[str]) -> None:
        self._fleet = fleet
        self._observation = observation
        self._hosts = [host] if host is not None else list(observation.reports)
        self._name = name
        self._declared = {wanted.spec.name: wanted for wanted in expand(fleet)}
        self._by_uuid = {wanted.uuid: wanted for wanted in self._declared.values()}
        reports = observation.reports.values()
        self._copies = Counter(
            [domain.uuid for report in reports for domain in report.foreign]
            + [seen.instance.uuid for report in reports for seen in report.instances]
        )
        self._taken = {
            seen.instance.spec.name: (seen.instance.uuid, there)
            for there, report in observation.reports.items()
            for seen in report.instances
            if is_ours(seen.instance, fleet)
        }

    def choose(self, patterns: Sequence[str]) -> Choice:
        choice, fitting = Choice(), set()
        found: list[tuple[str, ForeignDomain]] = []
        for host in self._hosts:
            for domain in self._observation.reports[host].foreign:
                fits = {pattern for pattern in patterns if _fits(pattern, domain.name, domain.uuid)}
                fitting |= fits
                if fits:
                    found.append((host, domain))
        for host, order in self._adopted(patterns, fitting):
            choice.add(host, order)
        if self._name is not None and len(found) > 1:
            names = join(sorted(domain.name for _host, domain in found)[:5])
            raise OptionInvalid(
                f"{len(found)} domains cannot all be called '{self._name}': {names}.", "Adopt one at a time."
            )
        for host, domain in found:
            self._consider(host, domain, choice)
        choice.refusals += [self._missing(pattern) for pattern in patterns if pattern not in fitting]
        return choice

    def _adopted(self, patterns: Sequence[str], fitting: set[str]) -> Iterator[tuple[str, AdoptionOrder]]:
        """Yield what was adopted before: it is shown again, and left as it is."""
        for host in self._hosts:
            for seen in self._observation.reports[host].instances:
                record = seen.instance
                if record.adopted is None or not is_ours(record, self._fleet):
                    continue
                if self._name not in (None, record.spec.name):
                    continue
                fits = {each for each in patterns if _fits(each, record.adopted.domain_name, record.uuid)}
                fitting |= fits
                if fits:
                    yield host, AdoptionOrder(record.uuid, record.spec)

    def _consider(self, host: str, domain: ForeignDomain, choice: Choice) -> None:
        declared = self._by_uuid.get(domain.uuid)
        name = self._name or (declared.spec.name if declared is not None else domain.name)
        reason = self._obstacle(host, domain, name, declared)
        if reason is not None:
            choice.refusals.append(Refusal(domain.name, host, reason))
            return
        self._taken[name] = (domain.uuid, host)
        choice.add(host, AdoptionOrder(domain.uuid, self._spec(domain, name, declared)))

    def _obstacle(
        self, host: str, domain: ForeignDomain, name: str, declared: Optional[WantedInstance]
    ) -> Optional[str]:
        if self._copies[domain.uuid] > 1:
            others = [there for there in self._observation.reports if there != host and self._has(there, domain.uuid)]
            where = f"{join(others)} has" if others else "this host has"
            return f"{where} a domain of the same uuid. Find out which one is right, and remove the other"
        if not re.fullmatch(_name_pattern(), name):
            return f"'{name}' is no name of an instance. Give it one: instance={suggest_name(name)}"
        namesake = self._declared.get(name)
        if namesake is not None and namesake.uuid != domain.uuid:
            there = "adopted from another domain" if namesake.is_adopted else "which it is not"
            return (
                f"the fleet has an instance '{name}' already, {there}. "
                f"Give this one another name (instance=NAME), or write adopted: {domain.uuid} there"
            )
        if name in self._taken and self._taken[name][0] != domain.uuid:
            return f"{self._taken[name][1]} has an instance '{name}' of this fleet. Give it another name: instance=NAME"
        if declared is not None and _size(declared.spec.flavor) != _size_of(domain):
            has = _words(*_size_of(domain))
            return (
                f"its entry {declared.spec.name} has flavor {declared.spec.flavor.name} "
                f"({_words(*_size(declared.spec.flavor))}), and the domain has {has}"
            )
        return None

    def _spec(self, domain: ForeignDomain, name: str, declared: Optional[WantedInstance]) -> InstanceSpec:
        if declared is not None:
            # What it is declared to have besides, it is given by the next apply.
            return declared.spec.but(networks=[], volumes=[])
        return InstanceSpec(name, self._flavor(domain), fleet=self._fleet.name, project_id=self._fleet.project_id)

    def _flavor(self, domain: ForeignDomain) -> Flavor:
        """Return a flavor of the fleet of that very size which asks for nothing else, or one of its own."""
        size = _size_of(domain)
        for flavor in self._fleet.flavors.values():
            if _size(flavor) == size and flavor == Flavor(flavor.name, *size):
                return flavor
        made = Flavor("adopted-{}x{}-{}".format(*size), *size)
        while made.name in self._fleet.flavors:
            made = made.but(name=f"{made.name}-1")
        return made

    def _has(self, host: str, uuid: str) -> bool:
        report = self._observation.reports[host]
        return any(domain.uuid == uuid for domain in report.foreign) or any(
            seen.instance.uuid == uuid for seen in report.instances
        )

    def _missing(self, pattern: str) -> Refusal:
        """Return why nothing that fits is adopted."""
        names = []
        for host in self._hosts:
            for seen in self._observation.reports[host].instances:
                spec = seen.instance.spec
                named = (spec.name, spec.domain_name, seen.instance.uuid)
                if pattern in named:
                    whose = f"fleet '{spec.fleet}', project '{spec.project_id}'"
                    return Refusal(pattern, host, f"it is Novella's already: instance '{spec.name}' of {whose}")
            names += [domain.name for domain in self._observation.reports[host].foreign]
        return Refusal(pattern, None, f"no host that answered has such a domain.{nearest(pattern, names)}")


def suggest_name(name: str) -> str:
    """Return an instance name that looks like a domain's."""
    parts = (re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-") for part in name.split("."))
    return ".".join(part for part in parts if part)[:MOST_LETTERS].strip("-.") or "adopted"


def new_flavors(fleet: Fleet, specs: Sequence[InstanceSpec]) -> dict[str, dict[str, int]]:
    """Return the flavors that a fleet does not have yet, as it would declare them."""
    missing: Mapping[str, Flavor] = {
        spec.flavor.name: spec.flavor for spec in specs if spec.flavor.name not in fleet.flavors
    }
    return {
        name: {"vcpus": flavor.vcpus, "memory_mb": flavor.memory_mb, "root_gb": flavor.root_gb}
        for name, flavor in sorted(missing.items())
    }


def _fits(pattern: str, name: str, uuid: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or pattern.lower() == uuid


def _size(flavor: Flavor) -> tuple[int, int, int]:
    return flavor.vcpus, flavor.memory_mb, flavor.root_gb


def _size_of(domain: ForeignDomain) -> tuple[int, int, int]:
    return max(1, domain.vcpus), max(1, domain.memory_mb), domain.disk_gb


def _words(vcpus: int, memory_mb: int, disk_gb: int) -> str:
    return f"{vcpus} vCPUs, {memory_mb} MB, {disk_gb} GB"


def _name_pattern() -> str:
    definitions = json.loads(SCHEMA_FILE.read_text("utf-8"))["$defs"]
    return str(definitions["instance_name"]["pattern"])
