# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet: what shall exist, checked and ready to be expanded. Names have been resolved to exist."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.pool import StoragePool

DesiredState = Literal["active", "stopped", "paused", "suspended", "shelved", "any"]


@dataclass(frozen=True)
class Network:
    """How a NIC is attached on its host. Exactly one of `bridge` and `libvirt_network` is set."""

    name: str
    bridge: str | None = None
    libvirt_network: str | None = None


@dataclass(frozen=True)
class DeclaredVolume:
    """A disk with a life of its own. The size is in GiB. `name_in_pool` and `limits` are as in `VolumeRequest`."""

    name: str
    size_gb: int
    format: str = "qcow2"
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
    """An entry under ``instances``: one instance, or `count` equal ones. Ingredients are named, not held."""

    name: str
    flavor: str
    image: str
    count: int | None = None
    networks: tuple[str, ...] = ()
    volumes: tuple[Attachment, ...] = ()
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


@dataclass(frozen=True)
class Fleet:
    """All that was declared, each section by name in the order of the file.

    `scheduler` holds the options that were written, under Nova's names.
    """

    name: str = "default"
    project_id: str = "default"
    flavors: dict[str, Flavor] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    volumes: dict[str, DeclaredVolume] = field(default_factory=dict)
    storage_pools: dict[str, StoragePool] = field(default_factory=dict)
    server_groups: dict[str, ServerGroup] = field(default_factory=dict)
    aggregates: dict[str, Aggregate] = field(default_factory=dict)
    instances: dict[str, DeclaredInstance] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    version: str = "1.0"
