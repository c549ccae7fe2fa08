# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot be done to an instance because its root disk is a volume: whatever would write an image over its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ..objects.errors import InvalidVolume, NotSupported
from ..objects.instance import Instance
from ..objects.volume import VolumeRequest

REFUSED = ("rescue", "snapshot", "backup")


def boot_volume(instance: Instance) -> Optional[VolumeRequest]:
    """Return the volume that an instance boots from, or None where it has a root disk of its own."""
    return next((item for item in instance.spec.volumes if item.boot_index == 0), None)


def check_boot(operation: str, instance: Instance, arguments: Mapping[str, Any]) -> None:
    """Refuse what is not done to an instance that boots from a volume, before anything is done.

    Raises:
        NotSupported: It cannot be rescued, copied, or rebuilt from another image (as in Nova).
        InvalidVolume: The volume is to be taken away from it.
    """
    volume = boot_volume(instance)
    if volume is None:
        return
    name = instance.spec.name
    boots = f"{name} boots from the volume '{volume.name}'"
    if operation in REFUSED:
        raise NotSupported(
            f"{boots}: a volume-backed instance cannot {operation}.",
            "To get at the volume, delete the instance, which keeps it, and give it to another one.",
        )
    asked = arguments.get("image")
    if operation == "rebuild" and asked is not None and asked != instance.spec.image:
        raise NotSupported(
            f"{boots}: a volume-backed instance is not rebuilt from another image.",
            "Make a new one from a new volume; without an image, a rebuild keeps the volume as it is.",
        )
    held = arguments.get("volume")
    if operation == "detach_volume" and held is not None:
        uuid = held.uuid if isinstance(held, VolumeRequest) else held.uuid_for(instance)
        if uuid == volume.uuid:
            raise InvalidVolume(f"{boots}: it cannot be detached.", "Delete the instance; the volume stays.")
