# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of an instance's NICs is which: a NIC stays what it is, whatever comes and goes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..objects.identity import mac_address
from ..objects.ingredients import NetworkRequest
from .address_claims import wire_of


def keep_identities(
    uuid: str, held: Sequence[NetworkRequest], wanted: Sequence[NetworkRequest]
) -> list[NetworkRequest]:
    """Return the wanted NICs with the MAC addresses of those that the instance has.

    One whose MAC address was not declared is the one on its network, whatever its position. A new one gets the first
    MAC address that is free.
    """
    own = [mac_address(uuid, position) for position in range(len(wanted))]
    settled: list[Optional[NetworkRequest]] = [None] * len(wanted)
    free = {nic.mac_address: nic for nic in held}
    for position, nic in enumerate(wanted):
        if nic.mac_address != own[position]:
            settled[position] = nic
            free.pop(nic.mac_address, None)
    for position, nic in enumerate(wanted):
        if settled[position] is None:
            same = [item for item in free.values() if item.network == nic.network]
            same = [item for item in same if item.mac_address == nic.mac_address] or same
            if same:
                settled[position] = nic.but(mac_address=same[0].mac_address)
                del free[same[0].mac_address]
    # One whose network was renamed, or exchanged in its place, is the one that was there.
    for position, nic in enumerate(wanted):
        if settled[position] is None and nic.mac_address in free and wire_of(free[nic.mac_address]) == wire_of(nic):
            settled[position] = nic
            del free[nic.mac_address]
    taken = {nic.mac_address for nic in [*held, *(item for item in settled if item is not None)]}
    for position, nic in enumerate(wanted):
        if settled[position] is None:
            macs = (mac_address(uuid, number) for number in range(position, 1 << 16))
            mac = next(candidate for candidate in macs if candidate not in taken)
            taken.add(mac)
            settled[position] = nic.but(mac_address=mac)
    return [nic for nic in settled if nic is not None]
