# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volumes that an instance has, and the names of their devices, as its record tells of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from string import ascii_lowercase
from typing import Optional

from ..objects.instance import Instance
from ..objects.volume import VolumeRequest
from ..virt.local_disks import local_disks
from ..virt.shape.guest_shape import local_disk_names

# The root disk and the config drive are the first two of their bus; local disks come between them.
FIRST_OF_BUS = {"virtio": 2}
PREFIXES = {"virtio": "vd", "scsi": "sd", "sata": "sd"}


def reserve_block_device_name(instance: Instance, bus: str) -> str:
    """Return the first name on a bus that no other disk of the instance has (Nova's reserve_block_device_name).

    A volume keeps its name for as long as it is attached, whatever comes and goes beside it.
    """
    own = 2 + len(local_disks(instance.spec))
    taken = {*instance.device_names.values(), *local_disk_names(instance.spec.image, own)}
    if instance.adopted is not None:
        taken |= {disk.device_name for disk in instance.adopted.disks}
    return next(name for name in _names(bus, FIRST_OF_BUS.get(bus, 0)) if name not in taken)


def with_volume(instance: Instance, request: VolumeRequest, device_name: Optional[str] = None) -> Instance:
    """Return the record with a volume attached; where it has it already, as the request says.

    Args:
        device_name: The name that its device has got; None to reserve one.
    """
    device_name = instance.device_names.get(request.uuid, device_name)
    if device_name is None and request.boot_index == 0:
        device_name = f"{PREFIXES[request.bus]}a"
    device_name = device_name or reserve_block_device_name(instance, request.bus)
    held = find_volume(instance, request.uuid)
    volumes = [request if item is held else item for item in instance.spec.volumes]
    if held is None:
        volumes.append(request)
    names = {**instance.device_names, request.uuid: device_name}
    return instance.but(spec=instance.spec.but(volumes=volumes), device_names=names)


def with_volumes(instance: Instance) -> Instance:
    """Return a new instance's record with a name for each of its volumes' devices: what it boots from first."""
    for request in sorted(instance.spec.volumes, key=lambda item: item.boot_index != 0):
        instance = with_volume(instance, request)
    return instance


def without_volume(instance: Instance, uuid: str) -> Instance:
    """Return the record without a volume."""
    volumes = [item for item in instance.spec.volumes if item.uuid != uuid]
    names = {held: name for held, name in instance.device_names.items() if held != uuid}
    return instance.but(spec=instance.spec.but(volumes=volumes), device_names=names)


def swapped(instance: Instance, old_uuid: str, request: VolumeRequest) -> Instance:
    """Return the record with another volume in the place of one, as the same device."""
    volumes = [request if item.uuid == old_uuid else item for item in instance.spec.volumes]
    names = {request.uuid if held == old_uuid else held: name for held, name in instance.device_names.items()}
    return instance.but(spec=instance.spec.but(volumes=volumes), device_names=names)


def find_volume(instance: Instance, uuid: str) -> Optional[VolumeRequest]:
    """Return a volume as the instance has it, or None."""
    return next((item for item in instance.spec.volumes if item.uuid == uuid), None)


def relabel(held: Sequence[VolumeRequest], wanted: Sequence[VolumeRequest]) -> list[VolumeRequest]:
    """Return the volumes that an instance has, with what changes about them without touching a guest."""
    flags = {item.uuid: item.delete_on_termination for item in wanted}
    return [item.but(delete_on_termination=flags.get(item.uuid, item.delete_on_termination)) for item in held]


def _names(bus: str, first: int) -> Iterator[str]:
    letters = itertools.chain(ascii_lowercase, map("".join, itertools.product(ascii_lowercase, repeat=2)))
    return (PREFIXES[bus] + letter for letter in itertools.islice(letters, first, None))
