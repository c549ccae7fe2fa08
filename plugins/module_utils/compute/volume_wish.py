# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume as a person asks for it by name, whatever instance it is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ..objects.base import Record
from ..objects.errors import InvalidVolume, OptionInvalid
from ..objects.identity import volume_uuid
from ..objects.instance import Instance
from ..objects.volume import BUSES, FORMATS, Volume, VolumeRequest
from .block_devices import find_volume
from .host import Host
from .volume_claims import check_volumes

LARGEST_GB = 1 << 20
# As in a fleet's schema; behind a slash stands the position of a volume that is an instance's own.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}(/[0-9]{1,4})?")


@dataclass(frozen=True)
class VolumeWish(Record):
    """What was asked for. The size is in GiB; what is None is as the volume is, or as new ones are by default."""

    name: str
    size_gb: Optional[int] = None
    format: Optional[str] = None
    bus: str = "virtio"
    delete_on_termination: bool = False

    def uuid_for(self, instance: Instance) -> str:
        """Return the uuid of the volume of this name in the instance's fleet and project."""
        return volume_uuid(instance.spec.fleet, instance.spec.project_id, self.name)


# The argument spec of a wish.
VOLUME = {
    "name": {"type": "str", "required": True},
    "size_gb": {"type": "int"},
    "format": {"type": "str", "choices": list(FORMATS)},
    "bus": {"type": "str", "choices": list(BUSES), "default": "virtio"},
    "delete_on_termination": {"type": "bool", "default": False},
}


def read_wish(options: Mapping[str, Any], operation: str) -> VolumeWish:
    """Return the wish that a module's option describes.

    Args:
        operation: What it is for.

    Raises:
        OptionInvalid: The name is none, or the size is missing, not positive or beyond all bounds.
    """
    wish = VolumeWish.from_dict({key: value for key, value in options.items() if value is not None}, "volume")
    if not NAME.fullmatch(wish.name):
        raise OptionInvalid(f"volume.name is '{wish.name}', which is no name of a volume.")
    if wish.size_gb is None and operation == "extend_volume":
        raise OptionInvalid("volume.size_gb is missing: nothing says how large the volume shall be.")
    if wish.size_gb is not None and not 1 <= wish.size_gb <= LARGEST_GB:
        raise OptionInvalid(f"volume.size_gb is {wish.size_gb}; it must be 1 to {LARGEST_GB}.")
    return wish


def wanted_volume(instance: Instance, asked: Any, present: Iterable[Volume]) -> VolumeRequest:
    """Return the volume that an instance is to be given.

    Args:
        asked: A VolumeRequest of a plan, or a VolumeWish.
        present: The volumes on the host.

    Raises:
        InvalidVolume: There is none of that name, and nothing says how large a new one would be.
    """
    if isinstance(asked, VolumeRequest):
        return asked
    wish: VolumeWish = asked
    uuid = wish.uuid_for(instance)
    volume = next((item for item in present if item.uuid == uuid), None)
    size_gb = wish.size_gb or (None if volume is None else volume.size_gb)
    if size_gb is None:
        raise InvalidVolume(
            f"There is no volume '{wish.name}' on the host of {instance.spec.name}.",
            "Say size_gb to have a new one made.",
        )
    disk_format = wish.format or (FORMATS[0] if volume is None else volume.format)
    asked_for = VolumeRequest(uuid, wish.name, size_gb, disk_format, wish.bus, wish.delete_on_termination)
    return asked_for if volume is None else asked_for.but(image=volume.image, snapshot=volume.snapshot)


def held_volume(instance: Instance, asked: Any) -> VolumeRequest:
    """Return the volume that is meant, as the instance has it.

    Raises:
        InvalidVolume: It has none such.
    """
    uuid = asked.uuid if isinstance(asked, VolumeRequest) else asked.uuid_for(instance)
    held = find_volume(instance, uuid)
    if held is None:
        names = ", ".join(item.name for item in instance.spec.volumes) or "none"
        raise InvalidVolume(f"{instance.spec.name} has no volume '{asked.name}'. It has: {names}.")
    return held


def check_wish(host: Host, operation: str, instance: Instance, asked: Any) -> None:
    """Refuse what an operation on an instance's volumes would refuse before anything is done.

    Raises:
        NovellaError: It would.
    """
    if asked is None or operation == "detach_volume":
        return
    if operation == "extend_volume":
        request = held_volume(instance, asked).but(size_gb=asked.size_gb)
    else:
        request = wanted_volume(instance, asked, host.driver.list_volumes())
    check_volumes(host, instance, [request])


def is_as_wished(operation: str, instance: Instance, asked: Any) -> bool:
    """Return whether an instance is as an operation on its volumes would leave it."""
    if asked is None:
        return False
    held = find_volume(instance, asked.uuid_for(instance))
    if operation == "detach_volume":
        return held is None
    if operation == "extend_volume":
        return held is not None and held.size_gb == asked.size_gb
    return operation == "attach_volume" and held is not None and (asked.size_gb or held.size_gb) == held.size_gb
