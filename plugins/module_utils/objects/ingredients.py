# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance is made from: flavor, image, networks. Nova copies them into the instance at boot; so do we."""

from dataclasses import dataclass, field
from typing import Optional

from .base import Record, since
from .network import Bandwidth, FixedIP


@dataclass(frozen=True)
class Flavor(Record):
    """The size of an instance. `root_gb` 0 means the image's own virtual size."""

    name: str
    vcpus: int
    memory_mb: int
    root_gb: int = 0
    ephemeral_gb: int = 0
    swap_mb: int = 0
    extra_specs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Image(Record):
    """A disk image and where to get it: a path on the host, an http(s) address, or ``HOST:/path`` on another host.

    `checksum` is ``sha256:`` and 64 hexadecimal digits. `min_ram_mb` and `min_disk_gb` are Nova's min_ram
    and min_disk.
    """

    name: str
    source: str
    checksum: Optional[str] = None
    min_ram_mb: int = 0
    min_disk_gb: int = 0
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> Optional[str]:
        """The compute node that alone has the file, where the source names one."""
        host, is_path, rest = self.source.partition(":/")
        is_address = rest.startswith("/")
        return host if is_path and host and "/" not in host and not is_address else None

    @property
    def path(self) -> str:
        """The source without that node."""
        return self.source if self.host is None else self.source[len(self.host) + 1 :]


@dataclass(frozen=True)
class NetworkRequest(Record):
    """One NIC, known by its MAC address. Exactly one of `bridge` and `libvirt_network` is set.

    `virtualport` and `vlan` go with a bridge of Open vSwitch. The `mtu` is in bytes; None for the bridge's own.
    """

    network: str
    mac_address: str
    bridge: Optional[str] = None
    libvirt_network: Optional[str] = None
    addresses: list[FixedIP] = field(default_factory=list, metadata=since("1.4"))
    mtu: Optional[int] = field(default=None, metadata=since("1.4"))
    model: str = field(default="virtio", metadata=since("1.4"))
    bandwidth: Optional[Bandwidth] = field(default=None, metadata=since("1.4"))
    virtualport: Optional[str] = field(default=None, metadata=since("1.4"))
    vlan: Optional[int] = field(default=None, metadata=since("1.4"))
