# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller's actions and lookups read from Ansible: plain values, the fleet, and the hosts' answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Protocol

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, OptionInvalid, nearest

from .fleet.fleet import Fleet
from .planner.answers import HostAnswer, observe_answers, read_answer
from .planner.observation import Observation

FLEET_VARIABLE = "novella_fleet"
GROUP_VARIABLE = "novella_group"
DEFAULT_GROUP = "compute"


class Templar(Protocol):
    """The part of Ansible's templar that is used here."""

    def template(self, variable: Any) -> Any: ...


def to_plain(value: Any, where: str = "the value") -> Any:
    """Return JSON types only. Ansible's own are tagged and lazy, and neither pickle nor compare cheaply.

    Raises:
        InvalidInput: Something in it is no JSON type.
    """
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item, where) for item in value]
    raise InvalidInput(f"{where} is a {type(value).__name__}, which no document can hold.", "Quote it.")


def read_fleet(source: Any, variables: Mapping[str, Any], templar: Templar, group: str) -> Fleet:
    """Load the fleet from a path or a mapping, and from the inventory's variable; both are merged.

    Args:
        source: Path of a file or folder, seen from the current directory; a mapping; or None.
        variables: Those of the task. What only the compute nodes know is looked for on them.

    Raises:
        FleetInvalid: There is none at all, or it has faults.
    """
    # Loading the fleet is the costliest import of all, and not every call needs it.
    from .fleet.loader import load_fleet

    declared = _inventory_fleet(variables, group)
    inventory = None if declared is None else templar.template(declared)
    return load_fleet(source or None, inventory)


def read_group(group: Optional[str], variables: Mapping[str, Any], templar: Templar) -> str:
    """Return the name of the compute nodes' group.

    Raises:
        OptionInvalid: The inventory has no such group.
    """
    name = _name_group(group, variables, templar)
    groups = [str(known) for known in variables.get("groups", {})]
    if name not in groups:
        raise OptionInvalid(
            f"The inventory has no group '{name}'.{nearest(name, groups)}",
            f"Name the compute nodes' group with {GROUP_VARIABLE}.",
        )
    return name


def observe_hosts(
    hosts_from: Any, group: Optional[str], variables: Mapping[str, Any], templar: Templar
) -> tuple[str, Observation]:
    """Return the name of the compute nodes' group, and what is known of the hosts.

    Args:
        hosts_from: The path of a document of hosts, or its content; None for the audits of this run. With one, the
            inventory need not have the group.
        group: The group that was asked for, if any.

    Raises:
        InvalidInput, VersionNotSupported: A document cannot be read.
    """
    if hosts_from is None:
        name = read_group(group, variables, templar)
        return name, observe_answers(read_answers(name, variables))
    # Most runs read no such document.
    from .planner.hosts_document import read_hosts

    observation = read_hosts(to_plain(hosts_from, "hosts_from"))
    return _name_group(group, variables, templar), observation


def read_answers(group: str, variables: Mapping[str, Any]) -> list[HostAnswer]:
    """Read what Ansible keeps of each host of the group.

    Each host is touched once: Ansible builds all its variables for every touch.
    """
    answers = []
    for host in variables["groups"][group]:
        answer = read_answer(str(host), variables["hostvars"].raw_get(host))
        document = None if answer.document is None else to_plain(answer.document)
        answers.append(
            HostAnswer(
                answer.host,
                document,
                str(answer.silence),
                to_plain(answer.reconcile),
                to_plain(answer.claim),
                to_plain(answer.recollection),
            )
        )
    return answers


def has_fleet(source: Any, variables: Mapping[str, Any], group: str) -> bool:
    """Return whether `read_fleet` has anything to read."""
    return bool(source) or _inventory_fleet(variables, group) is not None


def _name_group(group: Optional[str], variables: Mapping[str, Any], templar: Templar) -> str:
    return str(group or templar.template(variables.get(GROUP_VARIABLE, DEFAULT_GROUP)))


def _inventory_fleet(variables: Mapping[str, Any], group: str) -> Any:
    if FLEET_VARIABLE in variables:
        return variables[FLEET_VARIABLE]
    hosts: Sequence[str] = variables.get("groups", {}).get(group, [])
    # A play on another host, such as localhost, does not see the group's variables.
    return variables["hostvars"].raw_get(hosts[0]).get(FLEET_VARIABLE) if hosts else None
