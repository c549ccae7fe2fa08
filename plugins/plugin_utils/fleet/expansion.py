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
    volume_uuid,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest

from .fleet import Attachment, DeclaredInstance, Fleet
from .hints import OF_INSTANCES, words_of
from .names import Counts, entry_of, member_names, names_meant
from .network_building import request_of


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
    return [_uuid(fleet, fleet.instances.get(word), name) for name in names_meant(word, counts)]


def _uuid(fleet: Fleet, entry: DeclaredInstance | None, name: str) -> str:
    """Return the uuid of an instance of an entry: its own, or that with which it was adopted."""
    adopted = None if entry is None else entry.adopted
    return adopted or instance_uuid(fleet.name, fleet.project_id, name)


def _want(fleet: Fleet, entry: DeclaredInstance, name: str, hints: dict[str, Any]) -> WantedInstance:
    uuid = _uuid(fleet, entry, name)
    volumes = [_volume(fleet, name, position, item) for position, item in enumerate(entry.volumes)]
    booted = next((item.image for item in volumes if item.boot_index == 0), None)
    spec = InstanceSpec(
        name=name,
        flavor=fleet.flavors[entry.flavor],
        image=booted if entry.image is None else fleet.images[entry.image],
        fleet=fleet.name,
        project_id=fleet.project_id,
        networks=[request_of(fleet, uuid, position, nic) for position, nic in enumerate(entry.networks)],
        volumes=volumes,
        ephemeral=list(entry.ephemeral),
        availability_zone=entry.availability_zone,
        server_group=entry.server_group,
        metadata=dict(entry.metadata),
        ssh_keys=list(entry.ssh_keys),
        user_data_sha256=None if entry.user_data is None else hashlib.sha256(entry.user_data).hexdigest(),
        tags=order_tags(entry.tags),
        display_name=entry.display_name,
        guest=entry.guest,
    )
    return WantedInstance(
        uuid,
        spec,
        entry.vm_state,
        entry.user_data,
        entry.host,
        list(entry.where),
        hints,
        entry.locked,
        allow=(*fleet.allow, *entry.allow),
        is_adopted=entry.adopted is not None,
        contents=entry.contents,
        wait_for=entry.wait_for,
    )


def _volume(fleet: Fleet, instance: str, position: int, item: Attachment) -> VolumeRequest:
    # No declared volume can have a name with a slash.
    name = item.volume or f"{instance}/{position}"
    made = item if item.volume is None else fleet.volumes[item.volume]
    image, snapshot = made.image, made.snapshot
    if snapshot is not None:
        source, _slash, taken = snapshot.partition("/")
        snapshot = f"{instance_uuid(fleet.name, fleet.project_id, source)}/{taken}"
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
        image=None if image is None else fleet.images[image],
        snapshot=snapshot,
        boot_index=item.boot_index,
        pool=pool,
        name_in_pool=None if declared is None else declared.name_in_pool,
        encrypted=declared is not None and declared.encrypted,
        limits=dict(made.limits),
    )
