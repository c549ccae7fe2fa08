# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From declared entries to wanted instances: names, identities and addresses.

Nothing is looked up; see `objects.identity`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.labels import order_tags
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import (
    instance_uuid,
    mac_address,
    volume_uuid,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest

from .fleet import Attachment, DeclaredInstance, Fleet
from .hints import OF_INSTANCES, words_of
from .names import Counts, entry_of, member_names, names_meant


def expand(fleet: Fleet) -> list[WantedInstance]:
    """Return every instance of the fleet, in the order of the file."""
    return [
        _want(fleet, entry, name, hints)
        for entry in fleet.instances.values()
        for hints in [_hints(fleet, entry)]
        for name in names_of(entry)
    ]


def names_of(entry: DeclaredInstance) -> list[str]:
    """Return the instance names of an entry."""
    return member_names(entry.name, entry.count)


def _hints(fleet: Fleet, entry: DeclaredInstance) -> dict[str, Any]:
    """Return an entry's hints, with the uuids of the instances that they name."""
    counts = {name: other.count for name, other in fleet.instances.items()} if entry.scheduler_hints else {}
    return {
        hint: [uuid for word in words_of(value) for uuid in _uuids(fleet, word, counts)]
        if hint in OF_INSTANCES
        else value
        for hint, value in entry.scheduler_hints.items()
    }


def _uuids(fleet: Fleet, word: str, counts: Counts) -> list[str]:
    if entry_of(word, counts) is None:
        return [word]
    return [instance_uuid(fleet.name, fleet.project_id, name) for name in names_meant(word, counts)]


def _want(fleet: Fleet, entry: DeclaredInstance, name: str, hints: dict[str, Any]) -> WantedInstance:
    uuid = instance_uuid(fleet.name, fleet.project_id, name)
    spec = InstanceSpec(
        name=name,
        flavor=fleet.flavors[entry.flavor],
        image=fleet.images[entry.image],
        fleet=fleet.name,
        project_id=fleet.project_id,
        networks=[_request(fleet, uuid, position, network) for position, network in enumerate(entry.networks)],
        volumes=[_volume(fleet, name, position, item) for position, item in enumerate(entry.volumes)],
        availability_zone=entry.availability_zone,
        server_group=entry.server_group,
        metadata=dict(entry.metadata),
        ssh_keys=list(entry.ssh_keys),
        user_data_sha256=None if entry.user_data is None else hashlib.sha256(entry.user_data).hexdigest(),
        tags=order_tags(entry.tags),
        display_name=entry.display_name,
    )
    where = list(entry.where)
    return WantedInstance(uuid, spec, entry.vm_state, entry.user_data, entry.host, where, hints, entry.locked)


def _request(fleet: Fleet, uuid: str, position: int, name: str) -> NetworkRequest:
    network = fleet.networks[name]
    return NetworkRequest(name, mac_address(uuid, position), network.bridge, network.libvirt_network)


def _volume(fleet: Fleet, instance: str, position: int, item: Attachment) -> VolumeRequest:
    # No declared volume can have a name with a slash.
    name = item.volume or f"{instance}/{position}"
    made = item if item.volume is None else fleet.volumes[item.volume]
    pool = None if made.pool is None else fleet.storage_pools[made.pool]
    declared = fleet.volumes.get(item.volume or "")
    return VolumeRequest(
        uuid=volume_uuid(fleet.name, fleet.project_id, name),
        name=name,
        size_gb=made.size_gb or 0,
        # What a pool has is seen as it is.
        format=made.format if pool is None or pool.makes_volumes else "raw",
        bus=item.bus,
        delete_on_termination=item.delete_on_termination,
        pool=pool,
        name_in_pool=None if declared is None else declared.name_in_pool,
        encrypted=declared is not None and declared.encrypted,
        limits=dict(made.limits),
    )
