# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host needs which network of Novella's own, and which has one that nobody needs."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.novella.compute.plugins.module_utils.objects.identity import network_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.network import Network
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, FieldChange, Finding

from ..fleet.fleet import Fleet
from ..fleet.network_building import network_on_hosts
from .observation import Observation


def plan_networks(
    fleet: Fleet, observation: Observation, actions: list[Action], findings: list[Finding], prune: bool
) -> None:
    """Have every host have the networks that its instances will be on, and with `prune` no others of the fleet's.

    A network that would have to be taken down under a guest stays as it is; nothing else is planned on it there.

    Args:
        actions: The plan's so far; those for networks are added.
        findings: The same of what is left alone.
    """
    networks = [network_on_hosts(fleet, network) for network in fleet.networks.values()]
    ours = {network.libvirt_name: network for network in networks if network is not None}
    for host, report in observation.reports.items():
        here = {network.libvirt_name: network for network in report.networks}
        users = _users(observation, host, actions)
        coming = {name for action in actions if action.host == host for name in _coming(action)}
        for name in sorted(coming | set(users)):
            wanted, held = ours.get(name), here.get(name)
            if wanted is None or wanted == held:
                continue
            if held is not None and users.get(name):
                findings.append(_refusal(host, held, wanted, users[name]))
                _leave_plugged(host, name, actions)
            else:
                actions.append(_define(host, held, wanted))
        for name, network in here.items():
            is_ours = (network.fleet, network.project_id) == (fleet.name, fleet.project_id)
            if not is_ours or name in ours:
                continue
            uuid = network_uuid(network.fleet, network.project_id, network.name)
            if prune and not users.get(name) and name not in coming:
                change = FieldChange("mode", network.mode, None)
                reason = "is a network that is not in the fleet, and prune is on"
                action = Action("delete_network", uuid, network.name, host, reason, diff=[change], network=network)
                actions.append(action)
            else:
                reason = "is a network that is not in the fleet; prune: true would delete it once nobody is on it"
                findings.append(Finding("undeclared", uuid, network.name, reason, host))


def _users(observation: Observation, host: str, actions: Sequence[Action]) -> dict[str, list[str]]:
    """Return the instances of a host that stay on networks, by the network's name there."""
    leaving = {action.uuid for action in actions if action.operation == "delete"}
    unplugged = _nics(actions, "detach_interface")
    users: dict[str, list[str]] = {}
    for seen in observation.reports[host].instances:
        record = seen.instance
        for nic in [] if record.uuid in leaving else record.spec.networks:
            if nic.libvirt_network is not None and (record.uuid, nic.mac_address) not in unplugged:
                users.setdefault(nic.libvirt_network, []).append(record.spec.name)
    return users


def _nics(actions: Sequence[Action], operation: str) -> set[tuple[str, str]]:
    """Return the NICs that an operation is planned for, by instance and MAC address."""
    nics = ((action.uuid, action.interface) for action in actions if action.operation == operation)
    return {(uuid, nic.mac_address) for uuid, nic in nics if nic is not None}


def _leave_plugged(host: str, name: str, actions: list[Action]) -> None:
    """Plan no NIC of a network to be plugged in anew: it would be what it was."""
    actions[:] = [
        action
        for action in actions
        if action.host != host
        or action.operation != "replug_interface"
        or action.interface is None
        or action.interface.libvirt_network != name
    ]


def _coming(action: Action) -> list[str]:
    """Return the networks that an action plugs an instance into."""
    if action.operation == "create" and action.spec is not None:
        nics = action.spec.networks
    elif action.operation in ("attach_interface", "replug_interface") and action.interface is not None:
        nics = [action.interface]
    else:
        nics = []
    return [nic.libvirt_network for nic in nics if nic.libvirt_network is not None]


def _define(host: str, held: Network | None, wanted: Network) -> Action:
    uuid = network_uuid(wanted.fleet, wanted.project_id, wanted.name)
    reason = "is needed, and not up on this host" if held is None else f"{_differences(held, wanted)}; nobody is on it"
    before = {} if held is None else held.as_dict(sparse=True)
    diff = [
        FieldChange(key, before.get(key), value)
        for key, value in wanted.as_dict(sparse=True).items()
        if before.get(key) != value
    ]
    return Action("define_network", uuid, wanted.name, host, reason, impact="live", diff=diff, network=wanted)


def _refusal(host: str, held: Network, wanted: Network, users: Sequence[str]) -> Finding:
    uuid = network_uuid(wanted.fleet, wanted.project_id, wanted.name)
    told = ", ".join(sorted(set(users))[:8])
    reason = (
        f"{_differences(held, wanted)}: libvirt changes that only by taking the network down, which would cut off "
        f"{told}; the network stays as it is. Detach their NICs first, or declare another network"
    )
    return Finding("unsupported", uuid, wanted.name, reason, host, fatal=True)


def _differences(held: Network, wanted: Network) -> str:
    before, after = held.as_dict(), wanted.as_dict()
    return "a change of " + " and ".join(key for key in after if before.get(key) != after[key])
