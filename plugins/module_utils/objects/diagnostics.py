# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running guest uses, in the words of Nova's standardised diagnostics (microversion 2.48).

None stands for what the hypervisor does not tell.
"""

from dataclasses import dataclass, field
from typing import Any, Optional

from .base import Record


@dataclass(frozen=True)
class CpuDetails(Record):
    """One vCPU. `time` is in nanoseconds since its guest was started, `utilisation` in percent."""

    id: int
    time: Optional[int] = None
    utilisation: Optional[int] = None


@dataclass(frozen=True)
class NicDetails(Record):
    """One network interface, counted since its guest was started. Rates are in bytes per second."""

    mac_address: str
    rx_octets: Optional[int] = None
    rx_errors: Optional[int] = None
    rx_drop: Optional[int] = None
    rx_packets: Optional[int] = None
    rx_rate: Optional[int] = None
    tx_octets: Optional[int] = None
    tx_errors: Optional[int] = None
    tx_drop: Optional[int] = None
    tx_packets: Optional[int] = None
    tx_rate: Optional[int] = None


@dataclass(frozen=True)
class DiskDetails(Record):
    """One disk, counted since its guest was started."""

    read_bytes: Optional[int] = None
    read_requests: Optional[int] = None
    write_bytes: Optional[int] = None
    write_requests: Optional[int] = None
    errors_count: Optional[int] = None


@dataclass(frozen=True)
class MemoryDetails(Record):
    """Memory in MiB: what the guest may have, and what it has been given of that."""

    maximum: Optional[int] = None
    used: Optional[int] = None


@dataclass(frozen=True)
class Diagnostics(Record):
    """A running guest.

    Args:
        state: running, paused or crashed.
        driver: The driver's name.
        hypervisor: What runs the guest, such as ``kvm``.
        hypervisor_os: What the hypervisor runs on.
        uptime: Seconds since its hypervisor process began: a guest that was off, or saved, counts anew.
        config_drive: Whether it has one.
    """

    state: str
    driver: str
    hypervisor: str
    hypervisor_os: Optional[str] = None
    uptime: Optional[int] = None
    config_drive: bool = False
    cpu_details: list[CpuDetails] = field(default_factory=list)
    nic_details: list[NicDetails] = field(default_factory=list)
    disk_details: list[DiskDetails] = field(default_factory=list)
    memory_details: MemoryDetails = field(default_factory=MemoryDetails)

    def as_dict(self, sparse: bool = False, cap: Optional[tuple[int, int]] = None) -> dict[str, Any]:
        """Return JSON types, with Nova's counts. A hypervisor_os that is not known is left out."""
        content = super().as_dict(sparse, cap)
        if self.hypervisor_os is None:
            content.pop("hypervisor_os", None)
        counts = {
            "num_cpus": len(self.cpu_details),
            "num_nics": len(self.nic_details),
            "num_disks": len(self.disk_details),
        }
        return {**content, **counts}
