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
from ..objects.errors import InvalidVolume, NotSupported, OptionInvalid
from ..objects.identity import volume_uuid
from ..objects.instance import Instance
from ..objects.volume import BUSES, FORMATS, LIMITS, Volume, VolumeRequest
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
    limits: Optional[dict[str, int]] = None

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
    "limits": {"type": "dict", "options": {name: {"type": "int"} for name in LIMITS}},
}


def read_wish(options: Mapping[str, Any], operation: str) -> VolumeWish:
    """Return the wish that a module's option describes.

    Args:
        operation: What it is for.

    Raises:
        OptionInvalid: The name is none, or the size is missing, not positive or beyond all bounds.
    """
    given = {key: value for key, value in options.items() if value is not None}
    if "limits" in given:
        given["limits"] = _read_limits({key: value for key, value in given["limits"].items() if value is not None})
    wish = VolumeWish.from_dict(given, "volume")
    if not NAME.fullmatch(wish.name):
        raise OptionInvalid(f"volume.name is '{wish.name}', which is no name of a volume.")
    if wish.size_gb is None and operation == "extend_volume":
        raise OptionInvalid("volume.size_gb is missing: nothing says how large the volume shall be.")
    if wish.size_gb is not None and not 1 <= wish.size_gb <= LARGEST_GB:
        raise OptionInvalid(f"volume.size_gb is {wish.size_gb}; it must be 1 to {LARGEST_GB}.")
    return wish


def _read_limits(limits: Mapping[str, int]) -> dict[str, int]:
    for unit in ("bytes", "iops"):
        total, others = f"total_{unit}_sec", [f"{way}_{unit}_sec" for way in ("read", "write")]
        if total in limits and any(name in limits for name in others):
            beside = " or ".join(others)
            raise OptionInvalid(f"volume.limits.{total} stands beside {beside}; QEMU takes one or the other.")
    for name, value in limits.items():
        if value < 1:
            raise OptionInvalid(f"volume.limits.{name} is {value}; it must be 1 or more. Leave it out for no limit.")
    return dict(limits)


def wanted_volume(
    instance: Instance, asked: Any, present: Iterable[Volume], least_gb: Optional[int] = None
) -> VolumeRequest:
    """Return the volume that an instance is to be given.

    Args:
        asked: A VolumeRequest of a plan, or a VolumeWish.
        present: The volumes on the host.
        least_gb: How large a new one is in GiB where nothing says so.

    Raises:
        InvalidVolume: There is none of that name, and nothing says how large a new one would be.
    """
    if isinstance(asked, VolumeRequest):
        return asked
    wish: VolumeWish = asked
    uuid = wish.uuid_for(instance)
    volume = next((item for item in present if item.uuid == uuid), None)
    size_gb = wish.size_gb or (least_gb if volume is None else volume.size_gb)
    if size_gb is None:
        raise InvalidVolume(
            f"There is no volume '{wish.name}' on the host of {instance.spec.name}.",
            "Say size_gb to have a new one made.",
        )
    disk_format = wish.format or (FORMATS[0] if volume is None else volume.format)
    return VolumeRequest(
        uuid=uuid,
        name=wish.name,
        size_gb=size_gb,
        format=disk_format,
        bus=wish.bus,
        delete_on_termination=wish.delete_on_termination,
        pool=None if volume is None else volume.pool,
        encrypted=volume is not None and volume.encrypted,
        limits=dict(wish.limits or {}),
        image=None if volume is None else volume.image,
        snapshot=None if volume is None else volume.snapshot,
    )


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


def check_swap(host: Host, instance: Instance, old_wish: Any, new_wish: Any) -> tuple[VolumeRequest, VolumeRequest]:
    """Return the volume that an instance has, and the one that it is to have instead.

    What of the new one is not said is as the old one has it.

    Raises:
        InvalidVolume: It has no such volume, or cannot have the other one.
        NotSupported: The other one is no file.
    """
    old = held_volume(instance, old_wish)
    new = wanted_volume(instance, new_wish, host.driver.list_volumes(), old.size_gb)
    new = new.but(bus=old.bus, delete_on_termination=old.delete_on_termination, limits=old.limits)
    if find_volume(instance, new.uuid) is not None:
        raise InvalidVolume(f"{instance.spec.name} has the volume '{new.name}' already.", "Name one that is free.")
    if new.size_gb < old.size_gb:
        raise InvalidVolume(
            f"The volume '{new.name}' has {new.size_gb} GiB, and '{old.name}' {old.size_gb}: it would not fit.",
            f"Say size_gb {old.size_gb} or more.",
        )
    if old.encrypted or new.encrypted:
        name = old.name if old.encrypted else new.name
        raise NotSupported(f"'{name}' is encrypted, and such volumes are not moved.", "Copy it within the guest.")
    if not new.is_made:
        raise NotSupported(
            f"'{new.name}' is no file of a host, and volumes are moved to files only.", "Copy it within the guest."
        )
    return old, new


def check_wish(host: Host, operation: str, instance: Instance, asked: Any) -> None:
    """Refuse what an operation on an instance's volumes would refuse before anything is done.

    Raises:
        NovellaError: It would.
    """
    if asked is None or operation in ("detach_volume", "remove_volume_connection"):
        return
    if operation in ("limit_volume", "swap_volume"):
        held_volume(instance, asked)
        return
    if operation == "extend_volume":
        request = held_volume(instance, asked).but(size_gb=asked.size_gb)
    else:
        request = wanted_volume(instance, asked, host.driver.list_volumes())
    check_volumes(host, instance, [request])
    host.driver.check_volume_free(request, instance.uuid)


def is_as_wished(operation: str, instance: Instance, asked: Any) -> bool:
    """Return whether an instance is as an operation on its volumes would leave it."""
    if asked is None:
        return False
    held = find_volume(instance, asked.uuid_for(instance))
    if operation == "detach_volume":
        return held is None
    if operation == "extend_volume":
        return held is not None and held.size_gb == asked.size_gb
    if operation == "limit_volume":
        return held is not None and held.limits == (asked.limits or {})
    return operation == "attach_volume" and held is not None and (asked.size_gb or held.size_gb) == held.size_gb
