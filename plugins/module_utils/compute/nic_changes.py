# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an instance's NICs has changed, and what that takes. They are compared by their MAC addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..objects.ingredients import NetworkRequest
from ..objects.instance import Instance
from ..objects.network import Bandwidth, FixedIP
from ..objects.plan import FieldChange

ATTACH, DETACH, REPLUG = "attach_interface", "detach_interface", "replug_interface"
ADD, REMOVE = "add_fixed_ip_to_instance", "remove_fixed_ip_from_instance"
# What frees an address, so that another NIC can have it.
FREEING = (DETACH, REMOVE)
# A NIC with another one of these is another NIC to the guest: it is plugged in anew.
PLUGGED = ("bridge", "libvirt_network", "virtualport", "vlan", "model", "mtu", "bandwidth")


@dataclass(frozen=True)
class NicChange:
    """One operation on a NIC of an instance, and what it changes. `interface` has the addresses that it is about."""

    operation: str
    interface: NetworkRequest
    change: FieldChange


@dataclass
class NicChanges:
    """The outcome of a comparison: what is to be done, in order."""

    steps: list[NicChange] = field(default_factory=list)


def compare_nics(applied: Sequence[NetworkRequest], wanted: Sequence[NetworkRequest]) -> NicChanges:
    """Compare the NICs that an instance has with those that it shall have."""
    steps: list[NicChange] = []
    held, declared = {nic.mac_address: nic for nic in applied}, {nic.mac_address for nic in wanted}
    for nic in applied:
        if nic.mac_address not in declared:
            steps.append(NicChange(DETACH, nic, FieldChange(_name(nic), describe_nic(nic), None)))
    for nic in wanted:
        if nic.mac_address in held:
            steps.extend(_compare(held[nic.mac_address], nic))
        else:
            steps.append(NicChange(ATTACH, nic, FieldChange(_name(nic), None, describe_nic(nic))))
    return NicChanges(sorted(steps, key=lambda step: (DETACH, REMOVE, REPLUG, ADD, ATTACH).index(step.operation)))


def relabel_nics(held: Sequence[NetworkRequest], wanted: Sequence[NetworkRequest]) -> list[NetworkRequest]:
    """Return the NICs that an instance has, with what changes about them without touching a guest.

    That is what their networks are called, and what is told of the subnets of addresses that they keep.
    """
    news = {nic.mac_address: nic for nic in wanted}
    relabelled = []
    for nic in held:
        new = news.get(nic.mac_address, nic)
        told = {item.address: item for item in new.addresses}
        addresses = [told.get(item.address, item) for item in nic.addresses]
        relabelled.append(nic.but(network=new.network, addresses=addresses))
    return relabelled


def find_nic(instance: Instance, mac_address: str) -> Optional[NetworkRequest]:
    """Return a NIC as the instance has it, or None."""
    return next((nic for nic in instance.spec.networks if nic.mac_address == mac_address), None)


def with_nic(instance: Instance, nic: NetworkRequest) -> Instance:
    """Return the record with a NIC; where it has one of that MAC address, with this in its place."""
    held = find_nic(instance, nic.mac_address)
    nics = [nic if item is held else item for item in instance.spec.networks]
    return instance.but(spec=instance.spec.but(networks=nics if held is not None else [*nics, nic]))


def without_nic(instance: Instance, mac_address: str) -> Instance:
    """Return the record without a NIC."""
    nics = [nic for nic in instance.spec.networks if nic.mac_address != mac_address]
    return instance.but(spec=instance.spec.but(networks=nics))


def describe_nic(nic: NetworkRequest) -> str:
    """Return a NIC as people read of it."""
    return ", ".join([nic.mac_address, *(item.address for item in nic.addresses)])


def _compare(held: NetworkRequest, wanted: NetworkRequest) -> list[NicChange]:
    for key in PLUGGED:
        before, after = getattr(held, key), getattr(wanted, key)
        if before != after:
            change = FieldChange(f"{_name(wanted)}.{key}", _show(before), _show(after))
            return [NicChange(REPLUG, wanted, change)]
    before, after = [item.address for item in held.addresses], [item.address for item in wanted.addresses]
    gone = [item for item in held.addresses if item.address not in after]
    come = [item for item in wanted.addresses if item.address not in before]
    steps = []
    for operation, addresses in ((REMOVE, gone), (ADD, come)):
        if addresses:
            change = FieldChange(f"{_name(wanted)}.addresses", before, after)
            steps.append(NicChange(operation, wanted.but(addresses=addresses), change))
    return steps


def merge_addresses(held: Sequence[FixedIP], added: Sequence[FixedIP]) -> list[FixedIP]:
    """Return the addresses of a NIC that has been given more."""
    news = {item.address for item in added}
    return [*(item for item in held if item.address not in news), *added]


def _name(nic: NetworkRequest) -> str:
    return f"networks.{nic.network}"


def _show(value: Any) -> Any:
    if isinstance(value, Bandwidth):
        return ", ".join(f"{name} {limit}" for name, limit in value.as_dict(sparse=True).items())
    return value
