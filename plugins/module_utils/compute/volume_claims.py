# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do something with a volume: one operation at a time, for the one instance that has it or shall have it.

A claim lasts as long as its operation's entry in the journal. Whoever comes after that finds the volume in the record
of the instance that has got it, so no moment is left in which two could take it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

from ..objects.compute_node import ComputeNode
from ..objects.errors import InstanceLocked, InvalidVolume
from ..objects.ingredients import Flavor
from ..objects.instance import Instance, InstanceSpec
from ..objects.pool import is_one_place
from ..objects.volume import Volume, VolumeRequest
from ..virt.hypervisor import Domain
from .claims import check_claim
from .clock import now
from .host import Host
from .operation import Run
from .records import read_record
from .resource_request import requested_resources
from .tracker_db import TrackerDB
from .volume_content import is_of_origin, show_origin
from .volume_sizes import charged_flavor, missing_gb


def take_volumes(
    host: Host, instance: Instance, requests: Sequence[VolumeRequest], has_claim: bool = False
) -> dict[str, Volume]:
    """Claim volumes for an instance until its operation ends, with the room that they still need.

    Args:
        has_claim: The instance has a claim that holds their room.

    Returns:
        The volumes that are on the host, by uuid.

    Raises:
        InvalidVolume: Another instance has one, or it is larger or otherwise made than is asked for.
        InstanceLocked: Another run is at work on one.
        ComputeResourcesUnavailable: There is no room for them.
    """
    in_pools = look_into_pools(host, requests)
    with host.db.transaction():
        present = check_volumes(host, instance, requests, has_claim, in_pools)
        for request in requests:
            growth = 0 if has_claim else missing_gb([request], present.values())
            hold_volume(host.db, instance.uuid, request.uuid, growth)
    return present


def look_into_pools(host: Host, requests: Sequence[VolumeRequest]) -> dict[str, Volume]:
    """Return the volumes that are in the pools in which they are to be, by uuid.

    It is done before the transaction, as a server may take its time.

    Raises:
        InvalidVolume: A pool is not there.
    """
    found = {request.uuid: host.driver.find_volume(request) for request in requests if request.pool is not None}
    return {uuid: volume for uuid, volume in found.items() if volume is not None}


def check_volumes(
    host: Host,
    instance: Instance,
    requests: Sequence[VolumeRequest],
    has_claim: bool = False,
    in_pools: Optional[Mapping[str, Volume]] = None,
) -> dict[str, Volume]:
    """Test whether an instance could claim volumes, and return those that are on the host; see `take_volumes`.

    Args:
        in_pools: What `look_into_pools` has returned; None to look.
    """
    in_pools = look_into_pools(host, requests) if in_pools is None else in_pools
    tally = host.tracker.update_available_resource()
    listed = {volume.uuid: volume for volume in tally.volumes}
    present = {**listed, **in_pools}
    for request in requests:
        _check_owner(request.uuid, request.name, instance.uuid, tally.domains)
        # A server's volume of that name would hide the one whose data are here.
        _check_place(request, listed.get(request.uuid))
        _check_shape(request, present.get(request.uuid))
    if not has_claim:
        _check_room(instance.spec.name, missing_gb(requests, present.values()), tally.node)
    return present


def take_free_volume(host: Host, uuid: str, name: str) -> None:
    """Claim a volume that no instance has, so that it can be deleted.

    Raises:
        InvalidVolume: An instance has it.
        InstanceLocked: Another run is at work on it.
    """
    for volume in host.driver.list_volumes():
        if volume.uuid == uuid and volume.pool is not None:
            host.driver.check_volume_free(VolumeRequest(uuid, volume.name, volume.size_gb, pool=volume.pool), uuid)
    with host.db.transaction():
        _check_owner(uuid, name, None, host.driver.list_domains())
        hold_volume(host.db, uuid, uuid)


def hold_volume(db: TrackerDB, uuid: str, volume_uuid: str, disk_gb: int = 0) -> None:
    """Claim a volume for the operation that holds `uuid` in the journal.

    Raises:
        InstanceLocked: Another operation has claimed it.
    """
    with db.transaction() as connection:
        held = db.query("SELECT uuid FROM volume_claims WHERE volume = ?", volume_uuid)
        if held and held[0]["uuid"] != uuid:
            raise InstanceLocked(
                f"The volume {volume_uuid} is in the hands of another run.", "Run again when it has ended."
            )
        connection.execute("INSERT OR REPLACE INTO volume_claims VALUES (?, ?, ?)", (volume_uuid, uuid, disk_gb))


def make_volume(spec: InstanceSpec, request: VolumeRequest) -> Volume:
    """Return the new volume that an instance asks for."""
    return Volume(
        uuid=request.uuid,
        name=request.name,
        size_gb=request.size_gb,
        format=request.format,
        fleet=spec.fleet,
        project_id=spec.project_id,
        created_at=now(),
        pool=request.pool,
        encrypted=request.encrypted,
        image=request.image,
        snapshot=request.snapshot,
    )


def keep_passphrases(run: Run, requests: Iterable[VolumeRequest]) -> None:
    """Have the host know the passphrases that came with an operation."""
    told = run.arguments.get("passphrases") or {}
    for request in requests:
        if request.encrypted and request.uuid in told:
            run.driver.keep_passphrase(request.uuid, told[request.uuid])


def _check_owner(uuid: str, name: str, instance_uuid: Optional[str], domains: Iterable[Domain]) -> None:
    for domain in domains:
        record = None if domain.uuid == instance_uuid else read_record(domain)
        held = [] if record is None else [item.uuid for item in record.spec.volumes]
        if uuid in held or any(f"{uuid}.volume." in path for path in domain.disk_files):
            owner = domain.name if record is None else record.spec.name
            raise InvalidVolume(
                f"The volume '{name}' is attached to {owner}, and one guest at a time can have it.",
                "Detach it there first.",
            )


def _check_place(request: VolumeRequest, volume: Optional[Volume]) -> None:
    if volume is None or is_one_place(volume.pool, request.pool):
        return
    pools = (volume.pool, request.pool)
    was, asked = ("its host's own" if pool is None else f"in '{pool.name}'" for pool in pools)
    raise InvalidVolume(
        f"The volume '{request.name}' is {was}, and is asked for as {asked}: it stays where its data are.",
        "Give another volume that pool, and move the data by swap_volume.",
    )


def _check_shape(request: VolumeRequest, volume: Optional[Volume]) -> None:
    if volume is None:
        return
    if not request.is_made and volume.size_gb < request.size_gb:
        raise InvalidVolume(
            f"The volume '{request.name}' has {volume.size_gb} GiB in its pool, and {request.size_gb} are asked for.",
            "Have its server make it larger first.",
        )
    if volume.encrypted != request.encrypted:
        is_so = "encrypted" if volume.encrypted else "not encrypted"
        raise InvalidVolume(
            f"The volume '{request.name}' is {is_so}, and is asked for otherwise.",
            "What a volume was made as, it stays.",
        )
    if volume.size_gb > request.size_gb:
        raise InvalidVolume(
            f"The volume '{request.name}' has {volume.size_gb} GiB, and {request.size_gb} are asked for: "
            "a volume never shrinks.",
            f"Say size_gb {volume.size_gb} or more.",
        )
    if volume.format != request.format:
        raise InvalidVolume(
            f"The volume '{request.name}' is {volume.format}, and {request.format} is asked for.",
            f"Say format {volume.format}: what a volume was made as, it stays.",
        )
    # One whose document is lost is of no fleet, and nobody knows what it was made of.
    if volume.fleet and not is_of_origin(volume, request):
        raise InvalidVolume(
            f"The volume '{request.name}' was made of {show_origin(volume)}, and {show_origin(request)} is asked for: "
            "what is on it is never overwritten.",
            "Ask for a volume of another name, or have this one deleted first.",
        )


def _check_room(name: str, volumes_gb: int, node: ComputeNode) -> None:
    if volumes_gb:
        asked = requested_resources(charged_flavor(Flavor(name="", vcpus=0, memory_mb=0), volumes_gb))
        check_claim(name, asked, node, {})
