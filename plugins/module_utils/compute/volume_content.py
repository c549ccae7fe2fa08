# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new volume is filled with, and that what there is of that name was made of the same."""

from __future__ import annotations

from typing import Optional, Union

from ..objects.errors import InvalidVolume
from ..objects.ingredients import Image
from ..objects.volume import Volume, VolumeRequest
from .host import Host
from .snapshots import SnapshotStore


def find_content(host: Host, request: VolumeRequest) -> Optional[Image]:
    """Return the image that a new volume is made of, or None for an empty one.

    Raises:
        InvalidVolume: This host has no such snapshot.
    """
    if request.snapshot is None:
        return request.image
    uuid, _slash, name = request.snapshot.partition("/")
    found = SnapshotStore(host.options.snapshots_path).find(uuid, name)
    if found is None:
        raise InvalidVolume(
            f"The volume '{request.name}' is to be made of the snapshot '{name}' of the instance {uuid}, and "
            f"{host.options.host} has none such.",
            "Snapshots stay on the host of their instance: have the new one made there, with 'host'.",
        )
    return found.as_image()


def is_of_origin(made: Union[Volume, VolumeRequest], wanted: VolumeRequest) -> bool:
    """Return whether a volume was made of what is asked for. Who says nothing of that takes it as it is."""
    if wanted.image is None and wanted.snapshot is None:
        return True
    if made.image is None or wanted.image is None:
        return made.image is None and wanted.image is None and made.snapshot == wanted.snapshot
    if None not in (made.image.checksum, wanted.image.checksum):
        return made.image.checksum == wanted.image.checksum
    return made.image.source == wanted.image.source


def show_origin(item: Union[Volume, VolumeRequest]) -> str:
    """Return what a volume is made of, as people read it."""
    if item.image is not None:
        return f"image {item.image.name}"
    return "nothing" if item.snapshot is None else f"snapshot {item.snapshot}"
