# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks that Novella defines on hosts, and the addresses that NICs have of them."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .base import Document, Record

MODES = ("nat", "routed", "isolated", "bridge")
MODELS = ("virtio", "e1000e", "e1000", "rtl8139")


@dataclass(frozen=True)
class Route(Record):
    """A route that guests are told of. `destination` is a CIDR, `nexthop` an address of the subnet."""

    destination: str
    nexthop: str


@dataclass(frozen=True)
class FixedIP(Record):
    """An address of a NIC (Nova's fixed IP), with what its guest must know of the subnet.

    `dhcp`: the guest is given it by DHCP on its host, if it is the first of its family. Else its config drive tells it.
    """

    address: str
    prefix_length: int
    gateway: Optional[str] = None
    dns: list[str] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    dhcp: bool = False

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4


@dataclass(frozen=True)
class Bandwidth(Record):
    """How much a NIC may receive (inbound) and send (outbound), in KiB per second; bursts in KiB. None: no limit."""

    inbound_kibps: Optional[int] = None
    inbound_peak_kibps: Optional[int] = None
    inbound_burst_kib: Optional[int] = None
    outbound_kibps: Optional[int] = None
    outbound_peak_kibps: Optional[int] = None
    outbound_burst_kib: Optional[int] = None


@dataclass(frozen=True)
class HostSubnet(Record):
    """The addresses of a network that Novella defines: the host has `host_address` there, with its prefix length."""

    cidr: str
    host_address: str
    dhcp: bool = True
    dns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Network(Document):
    """A network that Novella has libvirt define on a host. It lies in the metadata of libvirt's network.

    `name` is the fleet's; libvirt knows it by `libvirt_name`. `bridge` is one that exists, with mode ``bridge``.
    """

    KIND: ClassVar[str] = "network"
    VERSION: ClassVar[str] = "1.0"

    name: str
    mode: str
    fleet: str = "default"
    project_id: str = "default"
    bridge: Optional[str] = None
    virtualport: Optional[str] = None
    vlan: Optional[int] = None
    mtu: Optional[int] = None
    dns_domain: Optional[str] = None
    subnets: list[HostSubnet] = field(default_factory=list)
    unknown_keys: dict[str, Any] = field(default_factory=dict)

    @property
    def libvirt_name(self) -> str:
        """What libvirt calls it."""
        return libvirt_name(self.fleet, self.project_id, self.name)


def libvirt_name(fleet: str, project_id: str, name: str) -> str:
    """Return what libvirt calls a network: the name, behind its fleet and project where these are not the default."""
    return ".".join([part for part in (fleet, project_id) if part != "default"] + [name])
