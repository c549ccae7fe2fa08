# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests as hosts of Ansible's: which of them, under which names, with which address, variables and groups."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.states import VM_STATES
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import Sighting
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec

from .planner.observation import Observation
from .planner.outcome import POWER_OF, natural_order

Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network

NAME, FLEET_NAME, FULL_NAME, UUID = "name", "fleet.name", "fleet.project.name", "uuid"
FORMS = (NAME, FLEET_NAME, FULL_NAME, UUID)
FAMILIES = {"ipv4": 4, "ipv6": 6}


@dataclass(frozen=True)
class Choice:
    """Which instances become hosts, and how.

    Args:
        vm_states: Only those in one of these.
        fleets: Only those of these fleets; none for all. So with `projects`.
        forms: How a host may be called; the first of `FORMS` that no other has.
        family: 4 or 6, or None: of which version of IP the address shall be.
        subnets: Where the address shall be, the best first; none for anywhere.
    """

    vm_states: Collection[str] = ("active",)
    fleets: Collection[str] = ()
    projects: Collection[str] = ()
    forms: Sequence[str] = (NAME, FLEET_NAME, UUID)
    family: int | None = None
    subnets: Sequence[Subnet] = ()


@dataclass(frozen=True)
class GuestHost:
    """One guest as a host. The names of its groups are not sanitised yet."""

    name: str
    address: str | None
    variables: dict[str, Any]
    groups: list[str] = field(default_factory=list)


def read_choice(options: Mapping[str, Any]) -> Choice:
    """Read a choice from the options of the inventory plugin.

    Raises:
        OptionInvalid: One has a value that it cannot have.
    """
    for option, known in (("vm_states", VM_STATES), ("hostnames", FORMS)):
        for value in options[option]:
            if value not in known:
                raise OptionInvalid(
                    f"{option} has '{value}'.{nearest(value, list(known))}", f"Known are {', '.join(known)}."
                )
    return Choice(
        options["vm_states"],
        options["fleets"],
        options["project_ids"],
        options["hostnames"],
        FAMILIES.get(options["address_family"]),
        [_read_subnet(text) for text in options["subnets"]],
    )


def find_guests(observation: Observation, choice: Choice) -> tuple[list[GuestHost], list[str]]:
    """Return the guests of all hosts, in the order of their names, and what the user should be warned of."""
    chosen: list[Sighting] = []
    warnings = []
    for sightings in observation.find_instances().values():
        wanted = [sighting for sighting in sightings if _is_wanted(sighting, choice)]
        if len(sightings) > 1 and wanted:
            where = " and ".join(sighting.host for sighting in sightings)
            name = wanted[0].instance.spec.name
            warnings.append(f"{name} ({wanted[0].instance.uuid}) is on {where}, and is left out: which one is it?")
        else:
            chosen.extend(wanted)
    names = _name([sighting.instance for sighting in chosen], choice.forms, _compute_hosts(observation))
    guests = [_make_guest(names[sighting.instance.uuid], sighting, choice) for sighting in chosen]
    return sorted(guests, key=lambda guest: natural_order(guest.name)), warnings


def choose_address(addresses: Sequence[str], choice: Choice) -> str | None:
    """Return the address to reach a guest at, or None. Link-local ones are of no use without an interface."""
    known = [ipaddress.ip_address(address) for address in addresses if _is_address(address)]
    fit = [item for item in known if not item.is_link_local and choice.family in (None, item.version)]
    if choice.subnets:
        fit = [item for subnet in choice.subnets for item in fit if item in subnet]
    return str(fit[0]) if fit else None


def _is_wanted(sighting: Sighting, choice: Choice) -> bool:
    record = sighting.instance
    return (
        record.vm_state in choice.vm_states
        # One that was switched off behind Novella's back is active by its record only.
        and sighting.seen.power_state in POWER_OF.get(record.vm_state, (sighting.seen.power_state,))
        and (not choice.fleets or record.spec.fleet in choice.fleets)
        and (not choice.projects or record.spec.project_id in choice.projects)
    )


def _compute_hosts(observation: Observation) -> set[str]:
    """Return the names that would make one host of a guest and a compute node, where both are in the inventory."""
    return {*observation.reports, *observation.unreachable}


def _name(records: Sequence[Instance], forms: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Return what each is called, by uuid. What two would be called, neither is."""
    names: dict[str, str] = {}
    for form in (*forms, UUID):
        left = {record.uuid: _write(form, record.uuid, record.spec) for record in records if record.uuid not in names}
        count = Counter(left.values())
        names.update({uuid: name for uuid, name in left.items() if count[name] == 1 and name not in taken})
        taken = taken | set(names.values())
    return names


def _write(form: str, uuid: str, spec: InstanceSpec) -> str:
    parts = {
        NAME: (spec.name,),
        FLEET_NAME: (spec.fleet, spec.name),
        FULL_NAME: (spec.fleet, spec.project_id, spec.name),
        UUID: (uuid,),
    }
    return ".".join(parts[form])


def _make_guest(name: str, sighting: Sighting, choice: Choice) -> GuestHost:
    record, spec = sighting.instance, sighting.instance.spec
    variables = {
        "uuid": record.uuid,
        "name": spec.name,
        "fleet": spec.fleet,
        "project_id": spec.project_id,
        "host": sighting.host,
        "flavor": spec.flavor.name,
        "image": None if spec.image is None else spec.image.name,
        "server_group": spec.server_group,
        "availability_zone": spec.availability_zone,
        "vm_state": record.vm_state,
        "power_state": sighting.seen.power_state,
        "metadata": dict(spec.metadata),
        "addresses": list(sighting.seen.addresses),
    }
    return GuestHost(name, choose_address(sighting.seen.addresses, choice), variables, list(_groups(variables)))


def _groups(variables: Mapping[str, Any]) -> Iterator[str]:
    for word, key in (("project", "project_id"), ("fleet", "fleet"), ("flavor", "flavor"), ("host", "host")):
        yield f"{word}_{variables[key]}"
    for key, value in variables["metadata"].items():
        yield f"metadata_{key}_{value}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _read_subnet(text: str) -> Subnet:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise OptionInvalid(f"subnets has '{text}': {error}.", "Write them as 192.0.2.0/24 or 2001:db8::/64.") from None
