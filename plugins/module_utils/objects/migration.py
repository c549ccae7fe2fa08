# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The migration: an instance on its way from one host, or one size, to another."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .base import Document, Record
from .compute_node import Usage
from .ingredients import Flavor
from .numa import InstanceNUMATopology
from .pci import PciDevice


@dataclass(frozen=True)
class MoveHalf(Record):
    """What one end of a move takes of its host (what Nova's migration context holds as ``old_`` or ``new_``).

    `usage` is what the flavor asks for, without the hypervisor's own overhead.
    """

    flavor: Flavor
    usage: Usage
    numa_topology: Optional[InstanceNUMATopology] = None
    pci_devices: list[PciDevice] = field(default_factory=list)


@dataclass(frozen=True)
class Migration(Document):
    """Nova's migration record, as one of its two hosts keeps it.

    `migration_type` is resize, migration, live-migration, evacuation or rebuild; `status` is Nova's
    (`compute.migrations`). `old` and `new` are the halves that this host holds; a move within the host has both.
    `owner` is the process that claimed. Times are ISO-8601 UTC.
    """

    KIND: ClassVar[str] = "migration"
    VERSION: ClassVar[str] = "1.0"

    uuid: str
    instance_uuid: str
    name: str
    migration_type: str
    status: str
    source_host: str
    dest_host: str
    owner: str
    old: Optional[MoveHalf] = None
    new: Optional[MoveHalf] = None
    created_at: Optional[str] = None
    updated_at: Optional[str] = None
    unknown_keys: dict[str, Any] = field(default_factory=dict)
