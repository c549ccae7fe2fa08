# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disks that come and go with an instance, as it asks for them."""

from dataclasses import dataclass

from .base import Record

# ``none`` leaves a disk without a file system.
FILE_SYSTEMS = ("ext4", "xfs", "vfat", "none")


@dataclass(frozen=True)
class EphemeralDisk(Record):
    """An empty disk besides the root disk. The size is in GiB; `format` is the file system that it is made with."""

    size_gb: int
    format: str = "ext4"
