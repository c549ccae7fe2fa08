# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet: what shall exist, checked and ready to be expanded. Names have been resolved to exist."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.novella.compute.plugins.module_utils.objects.ephemeral_disk import EphemeralDisk
from ansible_collections.novella.compute.plugins.module_utils.objects.guest import GuestSettings, Readiness
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.network import Bandwidth, Route
from ansible_collections.novella.compute.plugins.module_utils.objects.pool import StoragePool

from .security_groups import SecurityGroup, SecurityRule

DesiredState = Literal["active", "stopped", "paused", "suspended", "shelved", "any"]


@dataclass(frozen=True)
class Subnet:
    """A range of addresses of a network. `pool` has the first and the last address that instances are given.

    `dhcp` None stands for what the network can do: DHCP where it is one of Novella's own, for IPv4.
    """

    cidr: str
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    pool: tuple[tuple[str, str], ...] = ()
    dhcp: bool | None = None
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class Network:
    """How a NIC is attached on its host: to a bridge or a libvirt network that is there, or (`mode`) to one of ours."""

    name: str
    bridge: str | None = None
    libvirt_network: str | None = None
    mode: str | None = None
    virtualport: str | None = None
    vlan: int | None = None
    mtu: int | None = None
    dns_domain: str | None = None
    subnets: tuple[Subnet, ...] = ()


@dataclass(frozen=True)
class Nic:
    """A NIC of an instance: on which network, and what was asked for besides."""

    network: str
    addresses: tuple[str, ...] = ()
    mac_address: str | None = None
    mtu: int | None = None
    model: str = "virtio"
    bandwidth: Bandwidth | None = None


@dataclass(frozen=True)
class DeclaredVolume:
    """A disk with a life of its own. The size is in GiB.

    A new one is filled with `image`, by its name, or with `snapshot`, ``INSTANCE/NAME``. `name_in_pool` and `limits`
    are as in `VolumeRequest`.
    """

    name: str
    size_gb: int
    format: str = "qcow2"
    image: str | None = None
    snapshot: str | None = None
    pool: str | None = None
    name_in_pool: str | None = None
    limits: dict[str, int] = field(default_factory=dict)
    encrypted: bool = False
    passphrase: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Attachment:
    """A volume of an instance: one that is declared, by its name, or one of its own, by its size in GiB."""

    volume: str | None = None
    size_gb: int | None = None
    format: str = "qcow2"
    bus: str = "virtio"
    delete_on_termination: bool = False
    image: str | None = None
    snapshot: str | None = None
    boot_index: int | None = None
    pool: str | None = None
    limits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerGroup:
    """A placement rule. `policy` is one of affinity, anti-affinity, soft-affinity, soft-anti-affinity and none.

    `max_server_per_host` counts for anti-affinity. `spread_over` and `max_per_domain` are as in `InstanceGroup`.
    """

    name: str
    policy: str = "none"
    max_server_per_host: int = 1
    spread_over: str | None = None
    max_per_domain: int = 1


@dataclass(frozen=True)
class Aggregate:
    """A group of hosts. A host is in one availability zone at most, whatever aggregates it is in."""

    name: str
    hosts: tuple[str, ...] = ()
    availability_zone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeclaredInstance:
    """An entry under ``instances``: one instance, or `count` equal ones. Ingredients are named, not held.

    `adopted` is the uuid of the domain that it was before; such an instance has no image.
    """

    name: str
    flavor: str
    image: str | None = None
    adopted: str | None = None
    count: int | None = None
    networks: tuple[Nic, ...] = ()
    volumes: tuple[Attachment, ...] = ()
    ephemeral: tuple[EphemeralDisk, ...] = ()
    server_group: str | None = None
    availability_zone: str | None = None
    vm_state: DesiredState = "active"
    metadata: dict[str, str] = field(default_factory=dict)
    ssh_keys: tuple[str, ...] = ()
    user_data: bytes | None = field(default=None, repr=False)
    host: str | None = None
    where: tuple[dict[str, Any], ...] = ()
    scheduler_hints: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    display_name: str | None = None
    locked: bool | None = None
    allow: tuple[str, ...] = ()
    guest: GuestSettings = field(default_factory=GuestSettings)
    contents: dict[str, bytes] = field(default_factory=dict, repr=False)
    wait_for: Readiness | None = None
    security_groups: tuple[str, ...] | None = None
    port_security: bool = True


@dataclass(frozen=True)
class Fleet:
    """All that was declared, each section by name in the order of the file.

    `scheduler` holds the options that were written, under Nova's names. `allow` is what may be done to every instance
    without asking.
    """

    name: str = "default"
    project_id: str = "default"
    flavors: dict[str, Flavor] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    volumes: dict[str, DeclaredVolume] = field(default_factory=dict)
    storage_pools: dict[str, StoragePool] = field(default_factory=dict)
    security_groups: dict[str, SecurityGroup] = field(default_factory=dict)
    provider_rules: tuple[SecurityRule, ...] = ()
    server_groups: dict[str, ServerGroup] = field(default_factory=dict)
    aggregates: dict[str, Aggregate] = field(default_factory=dict)
    instances: dict[str, DeclaredInstance] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    version: str = "1.0"
    allow: tuple[str, ...] = ()
