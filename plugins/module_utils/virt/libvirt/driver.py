# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver for QEMU and KVM through libvirt, on the host itself."""

from __future__ import annotations

import contextlib
import functools
import threading
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Optional

from ...objects.adoption import Adoption
from ...objects.diagnostics import Diagnostics
from ...objects.errors import (
    DeadlineExceeded,
    HypervisorError,
    InstanceExists,
    InstanceInvalidState,
    InstanceNotFound,
    NotSupported,
    NovellaError,
)
from ...objects.instance import Instance, InstanceSpec
from ...objects.pci import PciDevice
from ..hypervisor import CachedImage, ConsoleAddress, Copying, DiskSpace, Domain, HostResources, UnusedImage
from ..image_usage import used_images
from ..images import ImageCache
from ..local_disks import local_disks
from . import observation, surroundings
from .adopted_domain import check_persistent, describe_adoption, keeping_flags
from .binding import libvirt
from .connection import Connection
from .console_log import find_logs, read_tail
from .definition import change_everywhere
from .diagnostics import read_diagnostics
from .disk_copy import DiskCopies
from .disk_sources import list_disk_sources
from .domain_xml import (
    METADATA_PREFIX,
    NAMESPACE,
    GuestDisks,
    GuestPlatform,
    build_domain,
    check_supported,
    read_record,
    record_element,
)
from .fingerprint import read_fingerprint
from .firewall_driving import FirewallDriving
from .guest_agent import GuestAgent
from .guest_changes import GuestChanges
from .guest_configuration import GuestConfiguration
from .hardware_xml import list_pci_devices
from .host_abilities import platform_for
from .image_driving import ImageDriving
from .interface_plug import InterfacePlug
from .network_driving import NetworkDriving
from .power import GuestPower
from .qemu_img import convert_foreign
from .screens import read_console
from .screenshot import take_screenshot
from .serial_ports import SerialPorts
from .storage import DiskStore
from .storage import checked_uuid as checked
from .volume_driving import VolumeDriving

POOL_TYPES = ("dir", "fs", "netfs")


class LibvirtDriver(GuestConfiguration, GuestChanges, VolumeDriving, FirewallDriving, NetworkDriving, ImageDriving):
    """Drives the libvirt of the host it runs on. Threads may share one driver.

    Args:
        uri: libvirt's, of this host: disks and logs are read and written as files.
        pool: The storage pool that holds disks and base images; one that is a directory.
        deadline: Seconds that libvirt may take to answer a call.
        image_deadline: Seconds that fetching an image may take.
        shared_cpus: The CPUs that vCPUs share; None for all.
        screens: By kind, ``vnc`` or ``spice``, the address at which guests' screens can be reached.
        serial_listen, serial_ports: The same for their serial consoles, and at which ports.
        volumes_dir, keys_dir, detach_attempts, detach_timeout: See VolumeDriving.
        host: The host's name in the inventory.
    """

    def __init__(
        self,
        uri: str = "qemu:///system",
        pool: str = "default",
        deadline: float = 30.0,
        image_deadline: float = 3600.0,
        shared_cpus: Optional[str] = None,
        record_version_cap: Optional[str] = None,
        screens: Optional[Mapping[str, Optional[str]]] = None,
        serial_listen: Optional[str] = None,
        serial_ports: range = range(10000, 20001),
        volumes_dir: Optional[str] = None,
        detach_attempts: int = 8,
        detach_timeout: float = 20.0,
        keys_dir: str = "/var/lib/novella/passphrases",
        host: str = "",
    ) -> None:
        super().__init__(Connection(uri, deadline), deadline, volumes_dir, keys_dir, detach_attempts, detach_timeout)
        self._power = GuestPower(self._connection, deadline)
        self._agent = GuestAgent(self._connection)
        self._interfaces = InterfacePlug(self._connection, detach_attempts, detach_timeout)
        self._pool = pool
        self._host = host
        self._image_deadline = image_deadline
        self._shared_cpus = shared_cpus
        self._record_version_cap = record_version_cap
        self._screens = {kind: listen for kind, listen in (screens or {}).items() if listen is not None}
        self._serial_ports = SerialPorts(serial_listen, serial_ports, deadline)
        self._validated: set[Any] = set()
        self._refreshing = threading.Lock()
        self._is_pool_stale = False

    # -- reading ---------------------------------------------------------------------------------------------

    def get_available_resource(self) -> HostResources:
        facts, disks = self._facts, self._disks
        return HostResources(
            uuid=facts.uuid,
            hypervisor_hostname=facts.hostname,
            vcpus=facts.vcpus,
            memory_mb=facts.memory_mb,
            local_gb=disks.total_gb(),
            hypervisor_type=facts.hypervisor_type,
            hypervisor_version=facts.hypervisor_version,
            host_ip=surroundings.own_address(),
            cpu_info=facts.cpu_info,
            supported_instances=facts.supported_instances,
            numa_cells=facts.numa_cells,
        )

    def list_pci_devices(self) -> list[PciDevice]:
        return self._connection.read("list the PCI devices", list_pci_devices)

    def list_domains(self) -> list[Domain]:
        size = self._disks.root_disk_size
        return self._connection.read("list the domains", lambda raw: observation.list_domains(raw, size))

    def get_domain(self, uuid: str) -> Optional[Domain]:
        size = self._disks.root_disk_size
        return self._connection.read("find the domain", lambda raw: observation.find_domain(raw, uuid, size))

    def get_disk_space(self, domains: Iterable[Domain]) -> DiskSpace:
        disks, domains = self._disks, list(domains)
        ours = {domain.uuid for domain in domains if domain.record is not None}
        files = [*(path for domain in domains for path in domain.disk_files), *self._volumes.own.files()]
        return DiskSpace(disks.free_bytes(), disks.growth(ours, files))

    def list_addresses(self) -> dict[str, tuple[str, ...]]:
        return self._connection.read("list the DHCP leases", surroundings.list_leases)

    def read_adoption(self, uuid: str) -> Adoption:
        domain = self._domain(uuid)
        check_persistent(domain)
        return self._connection.read("read the domain", lambda raw: describe_adoption(raw, checked(uuid)))

    def get_diagnostics(self, uuids: Collection[str]) -> dict[str, Diagnostics]:
        disks = self._disks

        def read() -> dict[str, Diagnostics]:
            return self._connection.read(
                "read the guests' figures",
                lambda raw: read_diagnostics(raw, uuids, lambda uuid: str(disks.config_drive(uuid))),
            )

        try:
            return read()
        except DeadlineExceeded:
            # A guest whose QEMU hangs is still busy with that call, so the next one passes it over.
            return read()

    def read_fingerprint(self, with_pci: bool) -> str:
        return read_fingerprint(self._connection, self._pool, with_pci, self._volumes_dir)

    def list_root_disks(self) -> set[str]:
        return self._disks.list_root_disks()

    def list_unused_images(self, minimum_age: float) -> list[UnusedImage]:
        attached = self._connection.read("list the disks of all domains", list_disk_sources)
        used = used_images([*attached, *self._disks.list_files()])
        return self._images.list_unused(lambda path: path.name in used, minimum_age)

    # -- building --------------------------------------------------------------------------------------------

    def ensure_image(self, instance: Instance) -> CachedImage:
        # Before anything is made for it.
        self._platform(instance.spec)
        image = instance.spec.image
        if image is None:
            raise NotSupported(f"'{instance.spec.name}' has no image.")
        # What a guest is rescued with is a disk of its own.
        root_gb = 0 if instance.rescue_image is not None else instance.spec.flavor.root_gb
        return self._images.ensure(image, lambda size: self._disks.check_fits(size, root_gb))

    def create_root_disk(self, instance: Instance, image: CachedImage) -> bool:
        return self._disks.create_root_disk(checked(instance.uuid), image, instance.spec.flavor.root_gb)

    def create_local_disks(self, instance: Instance) -> None:
        self._disks.local.create(checked(instance.uuid), local_disks(instance.spec))

    def set_disks_aside(self, uuid: str, preserve_ephemeral: bool) -> None:
        self._disks.set_aside(checked(uuid), preserve_ephemeral)

    def take_disks_back(self, uuid: str) -> None:
        self._disks.take_back(checked(uuid))

    def drop_disks_aside(self, uuid: str) -> None:
        self._disks.drop_aside(checked(uuid))

    def create_rescue_disk(self, uuid: str, image: CachedImage) -> None:
        self._disks.create_rescue_disk(checked(uuid), image)

    def delete_rescue_disk(self, uuid: str) -> None:
        self._disks.delete_rescue_disk(checked(uuid))

    def define(self, instance: Instance) -> None:
        if instance.adopted is not None:
            self._power.forget_memory(checked(instance.uuid))
            self.save_record(instance)
            return
        self._refuse_others(instance)
        uuid = checked(instance.uuid)
        self._power.forget_memory(uuid)
        self._define_filter(instance)
        with self._serial_ports.held():
            serial = self._connection.read(
                "choose the port of the serial console", lambda raw: self._serial_ports.choose(raw, uuid)
            )
            tree = self._build(instance, serial)
            # libvirt takes 15 ms to hold a domain against its schema. Domains of one shape are valid together.
            shape = tuple((element.tag, *sorted(element.attrib)) for element in tree.iter())
            flags = 0 if shape in self._validated else libvirt.VIR_DOMAIN_DEFINE_VALIDATE
            self._connection.host().defineXMLFlags(ET.tostring(tree, encoding="unicode"), flags)
        self._validated.add(shape)

    def save_record(self, instance: Instance) -> None:
        domain = self._domain(instance.uuid)
        record = ET.tostring(
            record_element(instance, prefixed=False, version_cap=self._record_version_cap), encoding="unicode"
        )
        told = (libvirt.VIR_DOMAIN_METADATA_ELEMENT, record, METADATA_PREFIX, NAMESPACE)
        change_everywhere(self._connection.host(), domain, lambda flags: domain.setMetadata(*told, flags))

    def set_title(self, uuid: str, title: Optional[str]) -> None:
        domain = self._domain(uuid)
        told = (libvirt.VIR_DOMAIN_METADATA_TITLE, title, None, None)
        change_everywhere(self._connection.host(), domain, lambda flags: domain.setMetadata(*told, flags))

    # -- copying ---------------------------------------------------------------------------------------------

    def get_copy_size(self, uuid: str) -> int:
        return self._copies.measure(checked(uuid))

    def freeze_guest(self, uuid: str) -> None:
        self._agent.freeze(checked(uuid))

    def thaw_guest(self, uuid: str) -> None:
        self._agent.thaw(checked(uuid))

    def begin_copy(self, uuid: str) -> None:
        self._copies.begin(checked(uuid))

    def finish_copy(self, uuid: str, target: str, progress: Copying) -> CachedImage:
        return self._copies.finish(checked(uuid), target, progress)

    def drop_copy(self, uuid: str) -> None:
        self._copies.drop(checked(uuid))

    # -- power -----------------------------------------------------------------------------------------------

    def power_on(self, uuid: str) -> None:
        # What was saved goes on with the config drive that it had; all else boots with the newest.
        if not self._power.has_memory(checked(uuid)):
            self._disks.install_config_drive(uuid)
        self.lend_passphrases(uuid)
        self._power.power_on(uuid)

    def shut_down(self, uuid: str, timeout: float) -> Optional[str]:
        return self._power.shut_down(checked(uuid), timeout)

    def power_off(self, uuid: str) -> None:
        self._power.power_off(checked(uuid))

    def pause(self, uuid: str) -> None:
        self._power.pause(checked(uuid))

    def unpause(self, uuid: str) -> None:
        self._power.unpause(checked(uuid))

    def suspend(self, uuid: str) -> None:
        self._power.suspend(checked(uuid))

    def resume(self, uuid: str) -> None:
        self.lend_passphrases(checked(uuid))
        self._power.resume(uuid)

    def inject_nmi(self, uuid: str) -> None:
        self._power.inject_nmi(checked(uuid))

    # -- removing --------------------------------------------------------------------------------------------

    def undefine(self, uuid: str, keep_state: bool = False) -> None:
        try:
            domain = self._domain(uuid)
            if domain.isActive():
                raise InstanceInvalidState(f"The domain {uuid} is running, and was to be undefined.", "Stop it first.")
            self.release_volumes(uuid)
            domain.undefineFlags(
                libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
                | (keeping_flags() if keep_state else libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
                | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
            )
        except InstanceNotFound:
            pass
        self._drop_filter(uuid)

    def delete_disks(self, uuid: str) -> None:
        self._disks.delete(checked(uuid))
        for log in find_logs(uuid):
            log.unlink(missing_ok=True)
        self._refresh_pool()

    def remove_image(self, image: UnusedImage) -> bool:
        removed = self._images.remove(image)
        self._refresh_pool()
        return removed

    # -- the guest's words -----------------------------------------------------------------------------------

    def get_console(self, uuid: str, kind: str) -> Optional[ConsoleAddress]:
        return self._connection.read("read the domain's screens", lambda raw: read_console(raw, checked(uuid), kind))

    def get_screenshot(self, uuid: str, max_bytes: int) -> Optional[bytes]:
        return self._connection.read(
            "take a picture of the guest's screen", lambda raw: take_screenshot(raw, checked(uuid), max_bytes)
        )

    def set_password(self, uuid: str, user: str, password: str) -> None:
        self._agent.set_password(checked(uuid), user, password)

    def write_guest_file(self, uuid: str, path: str, content: bytes) -> None:
        self._agent.write_file(checked(uuid), path, content)

    def get_console_output(self, uuid: str, max_bytes: int) -> bytes:
        return read_tail(checked(uuid), max_bytes)

    def _build(self, instance: Instance, serial: Optional[ConsoleAddress] = None) -> ET.Element:
        uuid = checked(instance.uuid)
        disks = GuestDisks(
            root=None if instance.spec.boots_from_volume else str(self._disks.root_disk(uuid)),
            config_drive=str(self._disks.current_config_drive(uuid, instance.rescue_image is not None)),
            rescue=None if instance.rescue_image is None else str(self._disks.rescue_disk(uuid)),
            volumes=self.volume_disks(instance),
            local=tuple(str(self._disks.local.path(uuid, disk.name)) for disk in local_disks(instance.spec)),
        )
        platform = self._platform(instance.spec)
        return build_domain(instance, platform, disks, self._record_version_cap, self._screens, serial)

    # -- own ways --------------------------------------------------------------------------------------------

    @functools.cached_property
    def _facts(self) -> observation.HostFacts:
        return self._connection.read("read the host's capabilities", observation.read_host)

    def _platform(self, spec: InstanceSpec) -> GuestPlatform:
        """Return what an instance's guest runs on here, if such a one can."""
        return platform_for(check_supported(spec), self._facts.platform(self._shared_cpus), self._connection)

    @functools.cached_property
    def _disks(self) -> DiskStore:
        kind, path, is_active = self._connection.read(
            f"find the storage pool '{self._pool}'", lambda raw: surroundings.read_pool_directory(raw, self._pool)
        )
        if kind not in POOL_TYPES:
            raise NotSupported(
                f"The storage pool '{self._pool}' is of type '{kind}'.", "Use a pool that is a directory (type 'dir')."
            )
        if not is_active or not Path(path).is_dir():
            raise HypervisorError(
                f"The storage pool '{self._pool}' ({path}) is not active.",
                f"Start it on this host: 'virsh pool-start {self._pool}'.",
            )
        return DiskStore(path, self._deadline)

    @functools.cached_property
    def _copies(self) -> DiskCopies:
        return DiskCopies(self._connection, self._disks)

    @property
    def _images(self) -> ImageCache:
        return ImageCache(str(self._disks.directory), self._image_deadline, convert=convert_foreign, host=self._host)

    def _domain(self, uuid: str) -> Any:
        return self._connection.host().lookupByUUIDString(checked(uuid))

    def _refuse_others(self, instance: Instance) -> None:
        host, name = self._connection.host(), instance.spec.domain_name
        for lookup, key in ((host.lookupByName, name), (host.lookupByUUIDString, instance.uuid)):
            try:
                found = lookup(key)
            except InstanceNotFound:
                continue
            record = read_record(ET.fromstring(found.XMLDesc()))  # noqa: S314 - libvirtd is trusted
            if record is None or found.UUIDString() != instance.uuid or found.name() != name:
                raise InstanceExists(
                    f"'{instance.spec.name}' cannot be defined: this host has the domain '{found.name()}' "
                    f"({found.UUIDString()}), {_owner(record)}.",
                    "Rename one of them, or remove that domain.",
                )

    def _refresh_pool(self) -> None:
        """Have libvirt forget volumes that are gone. Many threads' wishes are one refresh.

        Only operators' tools read that list, so a busy pool is no failure.
        """
        self._is_pool_stale = True
        while self._is_pool_stale and self._refreshing.acquire(blocking=False):
            try:
                self._is_pool_stale = False
                with contextlib.suppress(NovellaError):
                    self._connection.host().storagePoolLookupByName(self._pool).refresh()
            finally:
                self._refreshing.release()


def _owner(record: Optional[Mapping[str, Any]]) -> str:
    if record is None:
        return "which is not Novella's"
    spec = record.get("spec") or {}
    fleet, project = spec.get("fleet", "default"), spec.get("project_id", "default")
    return f"instance '{spec.get('name')}' of fleet '{fleet}', project '{project}'"
