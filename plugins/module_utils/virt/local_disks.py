# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which local disks an instance has besides its root disk, and what the guest calls them."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase

from ..objects.ephemeral_disk import EphemeralDisk
from ..objects.instance import InstanceSpec

MIB, GIB = 1 << 20, 1 << 30
SWAP = "swap"


@dataclass(frozen=True)
class LocalDisk:
    """A disk that comes and goes with its instance.

    `name` is ``ephemeral0`` and so on, or ``swap``; `size` is in bytes; `content` is its file system, ``swap`` or
    ``none``; `device_name` is the target in the definition, as long as nothing is rescued.
    """

    name: str
    size: int
    content: str
    device_name: str


def local_disks(spec: InstanceSpec) -> list[LocalDisk]:
    """Return them in Nova's order: the ephemeral disks, then swap; they follow the root disk."""
    flavor = spec.flavor
    ephemeral = spec.ephemeral or ([EphemeralDisk(flavor.ephemeral_gb)] if flavor.ephemeral_gb else [])
    asked = [(f"ephemeral{number}", disk.size_gb * GIB, disk.format) for number, disk in enumerate(ephemeral)]
    if flavor.swap_mb:
        asked.append((SWAP, flavor.swap_mb * MIB, SWAP))
    return [LocalDisk(*disk, f"vd{letter}") for disk, letter in zip(asked, ascii_lowercase[1:])]
