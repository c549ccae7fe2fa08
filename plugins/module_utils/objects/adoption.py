# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance has that was a domain of somebody else before: it is kept as it is, and told of here."""

from dataclasses import dataclass, field
from typing import Optional

from .base import Record


@dataclass(frozen=True)
class AdoptedDisk(Record):
    """A disk that is not Novella's.

    Args:
        device_name: Its target in the guest, such as ``vda``.
        kind: ``disk``, ``cdrom``, ``floppy`` or ``lun``.
        source: The file, device or address that its data are at.
        size_gb: What it takes of the host, in GiB, rounded up; 0 where it takes nothing there.
        is_file: Whether it is a file of the host that the guest can write to.
    """

    device_name: str
    kind: str = "disk"
    source: Optional[str] = None
    size_gb: int = 0
    is_file: bool = False


@dataclass(frozen=True)
class AdoptedNic(Record):
    """A network interface that is not Novella's. `kind` is the hypervisor's word for what it hangs on."""

    mac_address: str
    kind: str
    source: Optional[str] = None


@dataclass(frozen=True)
class Adoption(Record):
    """What a domain was when it was adopted.

    Args:
        domain_name: The hypervisor's name of it, which it keeps.
        kept: What it has that Novella builds otherwise or not at all, in words.
    """

    domain_name: str
    disks: list[AdoptedDisk] = field(default_factory=list)
    nics: list[AdoptedNic] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
