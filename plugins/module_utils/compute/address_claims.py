# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No two guests of a host may have one address. The plan sees to that for the fleet; its host has the last word."""

from __future__ import annotations

from collections.abc import Iterable

from ..objects.errors import FixedIpAlreadyInUse
from ..objects.ingredients import NetworkRequest
from ..virt.hypervisor import Domain
from .records import read_record


def wire_of(nic: NetworkRequest) -> str:
    """Return what a NIC is plugged into on its host. Addresses of one wire must differ."""
    if nic.bridge is None:
        return f"network {nic.libvirt_network}"
    return f"bridge {nic.bridge}" if nic.vlan is None else f"bridge {nic.bridge} vlan {nic.vlan}"


def check_addresses(uuid: str, nics: Iterable[NetworkRequest], domains: Iterable[Domain]) -> None:
    """Refuse addresses, and MAC addresses, that another guest of the host has.

    Args:
        uuid: The instance that is to have the NICs.

    Raises:
        FixedIpAlreadyInUse: It has.
    """
    asked = {(wire_of(nic), item.address): item.address for nic in nics for item in nic.addresses}
    asked |= {("", nic.mac_address): nic.mac_address for nic in nics}
    if not asked:
        return
    for domain in domains:
        record = None if domain.uuid == uuid else read_record(domain)
        for nic in [] if record is None else record.spec.networks:
            for key in [("", nic.mac_address), *((wire_of(nic), item.address) for item in nic.addresses)]:
                if key in asked:
                    raise FixedIpAlreadyInUse(
                        f"{asked[key]} is {domain.name}'s on this host.", "Take it away there first, or use another."
                    )
