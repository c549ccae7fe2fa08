# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From declared entries to wanted instances: names, identities and addresses.

Nothing is looked up; see `objects.identity`.
"""

from __future__ import annotations

import hashlib

from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid, mac_address
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec

from .fleet import DeclaredInstance, Fleet


def expand(fleet: Fleet) -> list[WantedInstance]:
    """Return every instance of the fleet, in the order of the file."""
    return [_want(fleet, entry, name) for entry in fleet.instances.values() for name in names_of(entry)]


def names_of(entry: DeclaredInstance) -> list[str]:
    """Return the instance names of an entry: its own, or with a count ``name-1`` to ``name-N``."""
    if entry.count is None:
        return [entry.name]
    return [f"{entry.name}-{number}" for number in range(1, entry.count + 1)]


def _want(fleet: Fleet, entry: DeclaredInstance, name: str) -> WantedInstance:
    uuid = instance_uuid(fleet.name, fleet.project_id, name)
    spec = InstanceSpec(
        name=name,
        flavor=fleet.flavors[entry.flavor],
        image=fleet.images[entry.image],
        fleet=fleet.name,
        project_id=fleet.project_id,
        networks=[_request(fleet, uuid, position, network) for position, network in enumerate(entry.networks)],
        availability_zone=entry.availability_zone,
        server_group=entry.server_group,
        metadata=dict(entry.metadata),
        ssh_keys=list(entry.ssh_keys),
        user_data_sha256=None if entry.user_data is None else hashlib.sha256(entry.user_data).hexdigest(),
    )
    return WantedInstance(uuid, spec, entry.vm_state, entry.user_data, entry.host)


def _request(fleet: Fleet, uuid: str, position: int, name: str) -> NetworkRequest:
    network = fleet.networks[name]
    return NetworkRequest(name, mac_address(uuid, position), network.bridge, network.libvirt_network)
