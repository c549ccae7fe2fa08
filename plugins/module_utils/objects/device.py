# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is plugged into a guest, in the words of Nova's metadata (its ``devices``).

None stands for what a device of its type has not, or the hypervisor does not tell.
"""

from dataclasses import dataclass
from typing import Optional

from .base import Record


@dataclass(frozen=True)
class Device(Record):
    """One disk, network interface or device of the host.

    Args:
        type: ``disk``, ``nic`` or ``hostdev``.
        name: How the hypervisor calls it: a disk's target (``vda``), an interface's tap device while the guest runs.
        kind: What the guest takes it for: ``disk`` or ``cdrom``, an interface's model (``virtio``), ``pci``.
        bus: What it hangs on: ``virtio``, ``sata``, ``scsi``, ``pci``.
        address: Its PCI address in the guest (``0000:01:00.0``), or for ``hostdev`` that on the host.
        source: The file or address that a disk's data are at, the network or bridge of an interface.
        serial: What a disk calls itself; that of a volume is its uuid.
        mac: An interface's hardware address.
        read_only: Whether the guest cannot write to a disk.
        is_linked: Whether an interface's link is up.
    """

    type: str
    name: Optional[str] = None
    kind: Optional[str] = None
    bus: Optional[str] = None
    address: Optional[str] = None
    source: Optional[str] = None
    serial: Optional[str] = None
    mac: Optional[str] = None
    read_only: Optional[bool] = None
    is_linked: Optional[bool] = None
