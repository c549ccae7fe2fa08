# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives NICs their addresses: the plan is the allocator, and what the hosts' records hold is all that it remembers.

An instance keeps what its record has. What is new gets the first address of its subnet that nobody has: not on a host
that answers, not on one that is silent as far as the others remember, and not by another entry of the fleet.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.novella.compute.plugins.module_utils.compute.address_claims import wire_of
from ansible_collections.novella.compute.plugins.module_utils.compute.nic_identity import keep_identities
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import Sighting, WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance

from ..fleet.fleet import Fleet, Network, Subnet
from ..fleet.network_building import fixed_ip, host_address
from .observation import Observation

KEY = "address\0"
Range = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Allocation:
    """The wanted instances with their addresses, and why some can have none, by uuid, as a sentence goes on."""

    wanted: list[WantedInstance]
    refused: dict[str, str]


def address_keys(instance: Instance) -> list[str]:
    """Return what hosts remember of an instance's addresses, besides the instance itself."""
    return [
        "\0".join(["address", wire_of(nic), item.address, instance.uuid])
        for nic in instance.spec.networks
        for item in nic.addresses
    ]


def allocate(fleet: Fleet, declared: Sequence[WantedInstance], observation: Observation) -> Allocation:
    """Give every NIC of the fleet the addresses that it has or shall have.

    Args:
        declared: The instances as the fleet declares them, with the addresses that it asks for by name.
    """
    if not any(network.subnets for network in fleet.networks.values()):
        return Allocation([_settle(item, observation.find_instances().get(item.uuid)) for item in declared], {})
    return _Allocator(fleet, observation).allocate(declared)


def _settle(item: WantedInstance, sightings: Sequence[Sighting] | None) -> WantedInstance:
    if not sightings or not item.spec.networks:
        return item
    held = sightings[0].instance.spec.networks
    return replace(item, spec=item.spec.but(networks=keep_identities(item.uuid, held, item.spec.networks)))


@dataclass
class _Allocator:
    """What is known of addresses while a plan is made. `holders` has, by wire and address, uuid and what to call it."""

    fleet: Fleet
    observation: Observation
    holders: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    remembered: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    walks: dict[tuple[str, int], Iterator[str]] = field(default_factory=dict)

    def allocate(self, declared: Sequence[WantedInstance]) -> Allocation:
        found = self.observation.find_instances()
        for uuid, sightings in found.items():
            for sighting in sightings:
                self.homes[uuid] = sighting.host
                for nic in sighting.instance.spec.networks:
                    for item in nic.addresses:
                        what = f"{sighting.instance.spec.name}'s on {sighting.host}"
                        self.holders[wire_of(nic), item.address] = uuid, what
        self._recall()
        settled = [_settle(item, found.get(item.uuid)) for item in declared]
        entries = self._nics_by_uuid(declared)
        asked = {
            (wire_of(nic), item.address): wanted.uuid
            for wanted in settled
            for nic in wanted.spec.networks
            for item in nic.addresses
        }
        for wanted in settled:
            self._check_asked(wanted, entries)
        for (wire, address), uuid in asked.items():
            self.holders.setdefault((wire, address), (uuid, "declared"))
        kept = [self._keep(wanted, found, asked) for wanted in settled]
        return Allocation([self._complete(wanted, entries[wanted.uuid]) for wanted in kept], self.refused)

    def _recall(self) -> None:
        remembered = self.observation.remembered
        for key, seen in ({} if remembered is None else remembered.instances).items():
            if key.startswith(KEY):
                wire, address, uuid = key.split("\0")[1:4]
                self.holders.setdefault((wire, address), (uuid, f"{seen.name}'s on {seen.host}, which did not answer"))
                self.remembered.setdefault((uuid, wire), []).append(address)

    def _nics_by_uuid(self, declared: Sequence[WantedInstance]) -> Mapping[str, list[Network]]:
        return {item.uuid: [self.fleet.networks[nic.network] for nic in item.spec.networks] for item in declared}

    def _check_asked(self, wanted: WantedInstance, declared: Collection[str]) -> None:
        """Refuse what another one has. On one host it is taken from there first; of two, neither waits for the other.

        Args:
            declared: The uuids of the fleet's instances, which give up what they are not to have.
        """
        for nic in wanted.spec.networks:
            for item in nic.addresses:
                uuid, what = self.holders.get((wire_of(nic), item.address), (wanted.uuid, ""))
                home = self.homes.get(wanted.uuid)
                gives_way = uuid in declared and home is not None and self.homes.get(uuid) == home
                if uuid != wanted.uuid and not gives_way:
                    reason = f"must wait: {item.address} is {what}. It is given when that one has it no more"
                    self.refused.setdefault(wanted.uuid, reason)

    def _keep(
        self,
        wanted: WantedInstance,
        found: Mapping[str, Sequence[Sighting]],
        asked: Mapping[tuple[str, str], str],
    ) -> WantedInstance:
        """Let NICs keep the addresses that they have, where the fleet does not say otherwise."""
        sightings = found.get(wanted.uuid)
        held = sightings[0].instance.spec.networks if sightings else []
        by_mac = {nic.mac_address: [item.address for item in nic.addresses] for nic in held}
        nics = []
        for nic in wanted.spec.networks:
            network, wire = self.fleet.networks[nic.network], wire_of(nic)
            before = by_mac.get(nic.mac_address, []) or self.remembered.get((wanted.uuid, wire), [])
            versions = {item.version for item in nic.addresses}
            kept = []
            for address in before:
                is_mine = asked.get((wire, address), wanted.uuid) == wanted.uuid
                version = 6 if ":" in address else 4
                if is_mine and version not in versions and _subnet_of(network, address) is not None:
                    kept.append(fixed_ip(network, address))
                    self.holders.setdefault((wire, address), (wanted.uuid, "kept"))
            nics.append(nic.but(addresses=[*nic.addresses, *kept]))
        return replace(wanted, spec=wanted.spec.but(networks=nics))

    def _complete(self, wanted: WantedInstance, networks: Sequence[Network]) -> WantedInstance:
        """Give NICs an address of each family that their network has and they have not."""
        nics = []
        for nic, network in zip(wanted.spec.networks, networks):
            has = {item.version for item in nic.addresses}
            added = []
            for version in dict.fromkeys(ipaddress.ip_network(subnet.cidr).version for subnet in network.subnets):
                if version in has:
                    continue
                address = self._next(network, wire_of(nic), version, wanted.uuid)
                if address is None:
                    self.refused.setdefault(
                        wanted.uuid,
                        f"can have no address: those of network {network.name} (IPv{version}) are all given",
                    )
                    continue
                added.append(fixed_ip(network, address))
            nics.append(nic.but(addresses=[*nic.addresses, *added]))
        return replace(wanted, spec=wanted.spec.but(networks=nics))

    def _next(self, network: Network, wire: str, version: int, uuid: str) -> str | None:
        walk = self.walks.setdefault((wire, version), _candidates(network, version))
        for address in walk:
            if (wire, address) not in self.holders:
                self.holders[wire, address] = uuid, "new"
                return address
        return None


def _candidates(network: Network, version: int) -> Iterator[str]:
    """Yield the addresses that a network's instances may be given, in order."""
    for subnet in network.subnets:
        cidr = ipaddress.ip_network(subnet.cidr)
        if cidr.version == version:
            own = {host_address(subnet)} if network.mode is not None else {subnet.gateway}
            for address in _pool(subnet, cidr):
                if address not in own:
                    yield address


def _pool(subnet: Subnet, cidr: Range) -> Iterable[str]:
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    ranges = [(int(ipaddress.ip_address(start)), int(ipaddress.ip_address(end))) for start, end in subnet.pool]
    kind = type(cidr.network_address)
    for start, end in ranges or [(first + 1, last - 1)]:
        for number in range(start, end + 1):
            yield str(kind(number))


def _subnet_of(network: Network, address: str) -> Subnet | None:
    there = ipaddress.ip_address(address)
    return next((item for item in network.subnets if there in ipaddress.ip_network(item.cidr)), None)
