# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much disk space volumes take of a host. It is counted like that of instances' own disks, attached or not.

What lies in a storage pool takes none of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..objects.ingredients import Flavor
from ..objects.instance import InstanceSpec
from ..objects.volume import Volume, VolumeRequest


def missing_gb(requests: Iterable[VolumeRequest], present: Iterable[Volume]) -> int:
    """Return how many GiB volumes still need of a host that has these already."""
    sizes = {volume.uuid: volume.size_gb for volume in present}
    own = (request for request in requests if request.pool is None)
    return sum(max(0, request.size_gb - sizes.get(request.uuid, 0)) for request in own)


def own_gb(volumes: Iterable[Volume]) -> int:
    """Return how many GiB a host's volumes take of it."""
    return sum(volume.size_gb for volume in volumes if volume.pool is None)


def own_flavor(spec: InstanceSpec) -> Flavor:
    """Return the flavor as far as its disks are the instance's own: one that boots from a volume has no root disk."""
    return spec.flavor.but(root_gb=0) if spec.boots_from_volume else spec.flavor


def charged_flavor(flavor: Flavor, volumes_gb: int) -> Flavor:
    """Return the flavor as a host must have room for it: volumes take as much as ephemeral disks would."""
    return flavor.but(ephemeral_gb=flavor.ephemeral_gb + volumes_gb) if volumes_gb else flavor
