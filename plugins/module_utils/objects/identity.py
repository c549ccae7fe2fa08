# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identity without a database.

An instance's UUID and MAC addresses follow from its name and place in the fleet, so that every controller and
every retry computes the same ones.
"""

import hashlib
import json
import uuid as uuids

# Never to change: every existing instance's identity hangs on it.
_NAMESPACE = uuids.UUID("5b0d6f2e-9c53-4e0a-8a55-0f6c1d7e3a94")


def instance_uuid(fleet: str, project_id: str, name: str) -> str:
    """Return the UUID (version 5) of an instance.

    Args:
        fleet: The fleet's name.
        project_id: The project that owns the instance.
        name: The instance's name, after expansion.
    """
    # A list in JSON has one reading only; joined by a separator, ("a-b", "c") could equal ("a", "b-c").
    identity = json.dumps([fleet, project_id, name], separators=(",", ":"))
    return str(uuids.uuid5(_NAMESPACE, identity))


def volume_uuid(fleet: str, project_id: str, name: str) -> str:
    """Return the UUID (version 5) of a volume, which is never that of an instance of the same name.

    Args:
        fleet: The fleet's name.
        project_id: The project that owns the volume.
        name: The volume's name.
    """
    identity = json.dumps([fleet, project_id, "volume", name], separators=(",", ":"))
    return str(uuids.uuid5(_NAMESPACE, identity))


def network_uuid(fleet: str, project_id: str, name: str) -> str:
    """Return the UUID (version 5) by which operations know a network of Novella's own.

    Args:
        fleet: The fleet's name.
        project_id: The project that owns the network.
        name: The network's name.
    """
    identity = json.dumps([fleet, project_id, "network", name], separators=(",", ":"))
    return str(uuids.uuid5(_NAMESPACE, identity))


def mac_address(uuid: str, position: int) -> str:
    """Return the MAC address of a NIC: locally administered, unicast, 40 bits from a digest.

    Args:
        uuid: The instance's UUID.
        position: The NIC's position, from 0.
    """
    digest = hashlib.sha256(f"{uuid}/{position}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))
