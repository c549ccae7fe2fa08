# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving a lease back in a guest's stead (as Nova does by dhcp_release).

A DHCP server gives nobody an address that it has leased to another, whatever is reserved for whom.
"""

from __future__ import annotations

import os
import socket
import struct

SERVER_PORT = 67
MAGIC = b"\x63\x82\x53\x63"
MESSAGE_TYPE, SERVER_IDENTIFIER, END = 53, 54, 255
RELEASE = 7


def release_message(mac_address: str, address: str, server: str) -> bytes:
    """Return the DHCPRELEASE (RFC 2131) of an address.

    Args:
        server: The DHCP server's address.
    """
    hardware = bytes.fromhex(mac_address.replace(":", ""))
    head = struct.pack("!BBBB4sHH", 1, 1, len(hardware), 0, os.urandom(4), 0, 0)
    addresses = socket.inet_aton(address) + bytes(12)
    options = bytes((MESSAGE_TYPE, 1, RELEASE, SERVER_IDENTIFIER, 4)) + socket.inet_aton(server) + bytes((END,))
    return head + addresses + hardware.ljust(16, b"\0") + bytes(64 + 128) + MAGIC + options


def send_release(bridge: str, mac_address: str, address: str, server: str) -> None:
    """Tell the DHCP server on a bridge of this host that an address is given back.

    Raises:
        OSError: There is no such bridge.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode() + b"\0")
        sender.sendto(release_message(mac_address, address, server), (server, SERVER_PORT))
