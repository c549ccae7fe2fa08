# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The instance: what was asked for, and where its life stands."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .adoption import Adoption
from .base import Document, Record, since
from .drift import Drift
from .ephemeral_disk import EphemeralDisk
from .firewall import Firewall
from .guest import GuestSettings
from .ingredients import Flavor, Image, NetworkRequest
from .numa import InstanceNUMATopology
from .pci import PciDevice
from .volume import VolumeRequest


@dataclass(frozen=True)
class InstanceSpec(Record):
    """The intent, as the fleet declares it and as it was last applied. Two equal specs need no change.

    User data is a secret: the spec holds its digest only. `tags` are sorted. `display_name` is what people call it; it
    names nothing. `ephemeral` are the ephemeral disks; none means one that is as large as the flavor says. Of one that
    boots from a volume, `image` is what that was made of. `firewall` is what its packets go by; None where
    they pass unseen.
    """

    name: str
    flavor: Flavor
    image: Optional[Image] = None
    fleet: str = "default"
    project_id: str = "default"
    networks: list[NetworkRequest] = field(default_factory=list)
    availability_zone: Optional[str] = None
    server_group: Optional[str] = None
    metadata: dict[str, str] = field(default_factory=dict)
    ssh_keys: list[str] = field(default_factory=list)
    user_data_sha256: Optional[str] = None
    tags: list[str] = field(default_factory=list, metadata=since("1.2"))
    display_name: Optional[str] = field(default=None, metadata=since("1.2"))
    volumes: list[VolumeRequest] = field(default_factory=list, metadata=since("1.3"))
    firewall: Optional[Firewall] = field(default=None, metadata=since("1.4"))
    guest: GuestSettings = field(default_factory=GuestSettings, metadata=since("1.4"))
    ephemeral: list[EphemeralDisk] = field(default_factory=list, metadata=since("1.4"))

    @property
    def boots_from_volume(self) -> bool:
        """Whether its root disk is a volume (Nova's is_volume_backed_instance)."""
        return any(item.boot_index == 0 for item in self.volumes)

    @property
    def domain_name(self) -> str:
        """What libvirt shows: the name, behind its fleet and project where these are not the default."""
        return ".".join([part for part in (self.fleet, self.project_id) if part != "default"] + [self.name])


@dataclass(frozen=True)
class Instance(Document):
    """The record of an instance. It lies in the libvirt domain's metadata.

    `vm_state` and `task_state` are Nova's (`compute.states`). `generation` counts the changes made to this
    record. Times are ISO-8601 UTC. `numa_topology` and `pci_devices` are what its host has given it for good.
    `deleted_at` and `old_vm_state` tell of one that is soft-deleted since when, and what it was before. `rescue_image`
    is what a rescued one has booted. One that is `locked` is left as it is, for `locked_reason`, whoever asks for what
    (`compute.locking`). `device_names` has the name of each attached volume's disk, by the volume's uuid. One that was
    `adopted` was somebody else's domain before, whose definition and disks are kept as they are (`compute.adopted`).

    Version history:
        1.1  deleted_at, old_vm_state
        1.2  rescue_image, locked, locked_reason; InstanceSpec.tags and .display_name
        1.3  device_names, InstanceSpec.volumes
        1.4  adopted; InstanceSpec.guest, .ephemeral and .firewall; VolumeRequest.image, .snapshot, .boot_index, .pool,
             .name_in_pool, .encrypted and .limits;
             NetworkRequest.addresses, .mtu, .model, .bandwidth, .virtualport and .vlan
    """

    KIND: ClassVar[str] = "instance"
    VERSION: ClassVar[str] = "1.4"

    uuid: str
    spec: InstanceSpec
    vm_state: str = "building"
    task_state: Optional[str] = None
    host: Optional[str] = None
    generation: int = 0
    created_at: Optional[str] = None
    launched_at: Optional[str] = None
    numa_topology: Optional[InstanceNUMATopology] = None
    pci_devices: list[PciDevice] = field(default_factory=list)
    deleted_at: Optional[str] = field(default=None, metadata=since("1.1"))
    old_vm_state: Optional[str] = field(default=None, metadata=since("1.1"))
    rescue_image: Optional[Image] = field(default=None, metadata=since("1.2"))
    locked: bool = field(default=False, metadata=since("1.2"))
    locked_reason: Optional[str] = field(default=None, metadata=since("1.2"))
    device_names: dict[str, str] = field(default_factory=dict, metadata=since("1.3"))
    adopted: Optional[Adoption] = field(default=None, metadata=since("1.4"))
    unknown_keys: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ObservedInstance(Record):
    """An instance as its host sees it: the record, and what libvirt says. `addresses` may lag behind a boot.

    `drift` is what of its domain is otherwise than the record says.
    """

    instance: Instance
    power_state: str
    addresses: list[str] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list, metadata=since("1.4"))
