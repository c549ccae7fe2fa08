# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver interface: the only door from `compute` to a hypervisor.

A driver acts and never decides. Each method is one side effect (or one reading) that may be repeated
after a crash: creating what is already there, whole, is success; removing what is gone is success.
All calls come back within their deadline or raise DeadlineExceeded.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Optional

from ..objects.adoption import Adoption
from ..objects.device import Device
from ..objects.diagnostics import Diagnostics
from ..objects.drift import Drift
from ..objects.image_transfer import ImageOffer, ImagePiece
from ..objects.ingredients import Image, NetworkRequest
from ..objects.instance import Instance
from ..objects.network import Network
from ..objects.pci import PciDevice
from ..objects.volume import Volume, VolumeRequest
from .hypervisor import CachedImage, ConsoleAddress, Copying, DiskSpace, Domain, HostResources, UnusedImage


class ComputeDriver(abc.ABC):
    """What ComputeManager and ResourceTracker may ask of a hypervisor."""

    # -- reading ---------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def get_available_resource(self) -> HostResources:
        """Return what the host has."""

    @abc.abstractmethod
    def list_pci_devices(self) -> list[PciDevice]:
        """Return every PCI function of the host, without tags."""

    @abc.abstractmethod
    def list_domains(self) -> list[Domain]:
        """Return every defined or running domain, without addresses."""

    @abc.abstractmethod
    def get_domain(self, uuid: str) -> Optional[Domain]:
        """Return one domain, without addresses, or None."""

    @abc.abstractmethod
    def get_disk_space(self, domains: Iterable[Domain]) -> Optional[DiskSpace]:
        """Return the room in the pool, and how far the disks of these domains may grow, or None."""

    @abc.abstractmethod
    def list_addresses(self) -> dict[str, tuple[str, ...]]:
        """Return the known IP addresses by MAC address, for the whole host in as few calls as possible."""

    @abc.abstractmethod
    def list_devices(self, uuid: str) -> list[Device]:
        """Return the disks, network interfaces and host devices of a guest, as it has them now.

        Raises:
            InstanceNotFound: There is no such domain.
        """

    @abc.abstractmethod
    def read_adoption(self, uuid: str) -> Adoption:
        """Return what a domain has that is not Novella's: all of it, while it is foreign.

        Raises:
            InstanceNotFound: There is no such domain.
            NotSupported: It is gone as soon as it is off, so nothing of it can be kept.
        """

    @abc.abstractmethod
    def get_diagnostics(self, uuids: Collection[str]) -> dict[str, Diagnostics]:
        """Return what those of the guests use that are running, by uuid, for all of them at once.

        A guest that does not answer is told of with what is known without asking it.
        """

    @abc.abstractmethod
    def read_fingerprint(self, with_pci: bool) -> str:
        """Return a text that differs as soon as one of the readings above would; it costs far less than they do.

        Args:
            with_pci: Whether the PCI devices count.
        """

    @abc.abstractmethod
    def list_root_disks(self) -> set[str]:
        """Return the uuids of the instances that have a root disk, or other local disks, in the pool."""

    @abc.abstractmethod
    def list_unused_images(self, minimum_age: float) -> list[UnusedImage]:
        """Return the cached images that back no disk of any domain, ours or foreign, and no disk that was kept.

        Args:
            minimum_age: Only those that `ensure_image` has not returned for so many seconds.
        """

    @abc.abstractmethod
    def offer_image(self, image: Image) -> ImageOffer:
        """Tell of an image that is a file of this host, and that other hosts are to have.

        Raises:
            ImageUnacceptable: It is not there, or no file to be read.
        """

    @abc.abstractmethod
    def lacks_image(self, image: Image, offer: Optional[ImageOffer]) -> bool:
        """Return whether an image of another host is to be brought here before it can be used.

        Args:
            offer: As it is there now. None where that host does not say: then what was brought last will do.
        """

    @abc.abstractmethod
    def list_volumes(self) -> list[Volume]:
        """Return every volume that is on the host, attached or not, with the size that its file has now."""

    @abc.abstractmethod
    def list_networks(self) -> list[Network]:
        """Return the networks that Novella has defined on the host and that are up."""

    @abc.abstractmethod
    def list_drift(self, instances: Collection[Instance]) -> dict[str, list[Drift]]:
        """Return what of these instances' domains is otherwise than their records say, by uuid; only of those.

        Intent is compared: what the hypervisor adds or expands on its own is nothing. What a running guest has not got
        yet that its definition has it get at its next boot is nothing either.
        """

    @abc.abstractmethod
    def find_volume(self, request: VolumeRequest) -> Optional[Volume]:
        """Return a volume of a pool as it is there now, or None where it is to be made.

        Raises:
            InvalidVolume: The pool is not there, or is to have the volume and has not.
        """

    @abc.abstractmethod
    def check_volume_free(self, request: VolumeRequest, instance_uuid: str) -> None:
        """Refuse a volume that an instance of another host has.

        Raises:
            InvalidVolume: It has.
        """

    # -- building --------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def ensure_image(self, instance: Instance) -> CachedImage:
        """Have the instance's image in the host's cache, verified against its checksum.

        Many threads and processes may ask at once for one image: it is fetched once. A half file is never seen.

        Raises:
            ImageUnacceptable: It is not there, its checksum differs, or its content is not an acceptable image.
        """

    @abc.abstractmethod
    def read_image(self, image: Image, offer: ImageOffer, begin: int, into: str) -> ImagePiece:
        """Write the next piece of an image that is a file of this host to a file, for whom its folder belongs to.

        Args:
            begin: The byte that the piece begins with.
            into: The file's path.

        Raises:
            ImageUnacceptable: The image is gone, or is not as it was offered.
        """

    @abc.abstractmethod
    def receive_image(self, image: Image, offer: ImageOffer, piece: ImagePiece, run: str) -> None:
        """Take over a piece of an image of another host. With the last one, have the image in the host's cache.

        Args:
            run: Names what has come so far: several may bring one image at once.

        Raises:
            ImageUnacceptable: What came is not what was offered, its checksum differs, or it is no acceptable image.
            ComputeResourcesUnavailable: The disk is full.
        """

    @abc.abstractmethod
    def create_root_disk(self, instance: Instance, image: CachedImage) -> bool:
        """Make the root disk from the image, `root_gb` large. Return False where it was there already, kept.

        Raises:
            ImageUnacceptable: The image is larger than the flavor's root disk.
        """

    @abc.abstractmethod
    def resize_root_disk(self, uuid: str, size_gb: int) -> None:
        """Have the root disk be so large, in GiB, with what is on it; a running guest sees it at once.

        One that is as large or larger is left alone.
        """

    @abc.abstractmethod
    def create_local_disks(self, instance: Instance) -> None:
        """Make the ephemeral disks, with their file systems, and the swap disk. What is there is kept.

        Raises:
            HypervisorError: The host cannot make such a file system.
        """

    @abc.abstractmethod
    def set_disks_aside(self, uuid: str, preserve_ephemeral: bool) -> None:
        """Keep the instance's own disks under other names, so that new ones can be made. What is aside stays so.

        Args:
            preserve_ephemeral: Ephemeral disks and swap stay in their places.
        """

    @abc.abstractmethod
    def take_disks_back(self, uuid: str) -> None:
        """Put the disks back that were set aside, in the place of what was made instead."""

    @abc.abstractmethod
    def drop_disks_aside(self, uuid: str) -> None:
        """Delete the disks that were set aside."""

    @abc.abstractmethod
    def create_rescue_disk(self, uuid: str, image: CachedImage) -> None:
        """Make a disk to rescue a guest with, as large as the image. One that is there is replaced."""

    @abc.abstractmethod
    def delete_rescue_disk(self, uuid: str) -> None:
        """Delete it."""

    @abc.abstractmethod
    def write_config_drive(self, instance: Instance, files: Mapping[str, bytes]) -> None:
        """Write the config drive with these files, path to content; their names tell its form and so its label.

        A guest that is running, or whose memory is saved, has this one from its next boot on.
        """

    @abc.abstractmethod
    def read_config_drive(self, uuid: str) -> dict[str, bytes]:
        """Return what `write_config_drive` wrote last.

        Empty where there is none.

        Raises:
            HypervisorError: It is none of ours.
        """

    @abc.abstractmethod
    def write_rescue_config_drive(self, uuid: str, files: Mapping[str, bytes]) -> None:
        """Write a config drive to have instead of its own while it is rescued. It goes with the rescue disk."""

    @abc.abstractmethod
    def define(self, instance: Instance) -> None:
        """Define the domain, with the record in its metadata and its display name as title. It is not started.

        Memory that was saved is dropped. It has the volumes that its record names, and its packets go by the record's
        firewall from the first one on.

        An adopted instance keeps the definition that it has; only its record is written.

        With a `rescue_image`, it boots from the rescue disk, and its root disk is the second one. A config drive that
        was written for the rescue stands in the place of its own.

        Raises:
            InstanceExists: A domain that is not this instance has its name or uuid.
            InstanceNotFound: It was adopted, and its domain is gone.
        """

    @abc.abstractmethod
    def save_record(self, instance: Instance) -> None:
        """Write the record into the metadata of the existing domain (running or not).

        Raises:
            InstanceNotFound: There is no such domain.
        """

    @abc.abstractmethod
    def set_title(self, uuid: str, title: Optional[str]) -> None:
        """Have the existing domain (running or not) show a display name beside its name, or none.

        Raises:
            InstanceNotFound: There is no such domain.
        """

    # -- copying ---------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def get_copy_size(self, uuid: str) -> int:
        """Return how many bytes a copy of the root disk takes, about."""

    @abc.abstractmethod
    def freeze_guest(self, uuid: str) -> None:
        """Have a running guest write out its file systems and stand still with them, through its agent.

        Raises:
            GuestAgentUnavailable: It cannot be asked to.
        """

    @abc.abstractmethod
    def thaw_guest(self, uuid: str) -> None:
        """Have a guest's file systems go on; those of one that is off do.

        Raises:
            GuestAgentUnavailable: It cannot be asked to.
        """

    @abc.abstractmethod
    def begin_copy(self, uuid: str) -> None:
        """Begin to copy the root disk of a running guest, as it is now; that of one that is off stays so anyhow.

        Raises:
            ComputeResourcesUnavailable: There is too little room where the copy is made.
        """

    @abc.abstractmethod
    def finish_copy(self, uuid: str, target: str, progress: Copying) -> CachedImage:
        """Wait for the copy, and have it at `target`, complete in itself. What is there is overwritten.

        Args:
            progress: Told now and then how many bytes of how many are copied.

        Raises:
            ComputeResourcesUnavailable: A disk is full.
            ImageUnacceptable: The copy is not what an image has to be.
        """

    @abc.abstractmethod
    def drop_copy(self, uuid: str) -> None:
        """End the copying of a root disk, and delete what there is of the copy, but for what is at its target."""

    # -- volumes ---------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def keep_passphrase(self, uuid: str, passphrase: bytes) -> None:
        """Keep the passphrase of an encrypted volume on the host, secret, for as long as the volume is there."""

    @abc.abstractmethod
    def create_volume(self, volume: Volume, content: Optional[Image]) -> None:
        """Make a volume. One that is there is kept as it is; what is half-made is never seen.

        Args:
            content: What it is filled with; None leaves it empty.

        Raises:
            ImageUnacceptable: The image cannot be used, or is larger than the volume.
            InvalidVolume: Its pool is not there, or it is to be encrypted and its passphrase is not known.
        """

    @abc.abstractmethod
    def resize_volume(self, uuid: str, size_gb: int, instance_uuid: Optional[str]) -> None:
        """Have a volume be so large, in GiB; one that is as large or larger is left alone.

        Args:
            instance_uuid: The instance that has it: a running guest sees the new size at once.
        """

    @abc.abstractmethod
    def delete_volume(self, uuid: str) -> None:
        """Delete a volume and its data. One that an instance of another host has stays."""

    @abc.abstractmethod
    def attach_volume(self, instance_uuid: str, request: VolumeRequest, device_name: str) -> None:
        """Give a guest a volume as a disk, at once if it runs and in its definition.

        Raises:
            InvalidVolume: The volume is not there, or the running guest cannot be given it.
        """

    @abc.abstractmethod
    def detach_volume(self, instance_uuid: str, volume_uuid: str) -> None:
        """Take a volume from a guest. A running one must let go of it.

        Raises:
            DeviceDetachFailed: It has not, in time.
        """

    @abc.abstractmethod
    def limit_volume(self, instance_uuid: str, volume_uuid: str, limits: Mapping[str, int]) -> None:
        """Limit the input and output of a guest's volume, at once if it runs and in its definition.

        Args:
            limits: Bytes or requests per second, by the names of `objects.volume.LIMITS`; the rest is not limited.
        """

    @abc.abstractmethod
    def copy_volume(
        self, instance_uuid: str, old_uuid: str, request: VolumeRequest, device_name: str, progress: Copying
    ) -> None:
        """Have a running guest's volume copied to another one, until all that it writes goes to both.

        Args:
            request: The other volume, which is there and as large or larger.
            progress: Told now and then how many bytes of how many are copied.

        Raises:
            InvalidVolume: It has no such volume, or the other one is not there.
            HypervisorError: The copying ended before that.
        """

    @abc.abstractmethod
    def pivot_volume(self, instance_uuid: str, old_uuid: str, request: VolumeRequest, device_name: str) -> None:
        """Have the guest go on with the copy alone, and its definition say so. The old volume is free then."""

    @abc.abstractmethod
    def drop_volume_copy(self, instance_uuid: str, old_uuid: str, new_uuid: str) -> Optional[bool]:
        """End the copying of a volume that nobody waits for.

        Returns:
            Whether the guest has the new volume by now; None where it is off, so that nothing tells.
        """

    # -- networks --------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def define_network(self, network: Network) -> None:
        """Have a network of Novella's own up, now and after the host has booted. It keeps what is reserved in it.

        Raises:
            NetworkInUse: It is another one now, and guests are on it, who would be cut off.
            NotSupported: The host has a network of that name which is not Novella's.
        """

    @abc.abstractmethod
    def delete_network(self, name: str) -> None:
        """Take a network of Novella's own away. One that is not Novella's is left alone.

        Args:
            name: Its `libvirt_name`.

        Raises:
            NetworkInUse: Guests are on it.
        """

    @abc.abstractmethod
    def reserve_addresses(self, request: NetworkRequest, name: str) -> None:
        """Have the network's DHCP server give a NIC the address that it has, and no other; without cutting anybody.

        Nothing is done on networks that are not Novella's, nor for addresses that DHCP does not give.

        Args:
            name: The host name that goes with the address.

        Raises:
            FixedIpAlreadyInUse: Another guest of the host has it.
        """

    @abc.abstractmethod
    def release_addresses(self, request: NetworkRequest) -> None:
        """Take back what is reserved for a NIC, and its leases, so that another one can have the address at once."""

    @abc.abstractmethod
    def attach_interface(self, instance_uuid: str, request: NetworkRequest) -> None:
        """Give a guest a NIC, at once if it runs and in its definition.

        Raises:
            InterfaceAttachFailed: The running guest cannot be given it.
        """

    @abc.abstractmethod
    def detach_interface(self, instance_uuid: str, mac_address: str) -> None:
        """Take a NIC from a guest. A running one must let go of it.

        Raises:
            DeviceDetachFailed: It has not, in time.
        """

    @abc.abstractmethod
    def plug_devices(self, instance: Instance) -> None:
        """Have a running guest have the disks and interfaces that its record names, and no others.

        Raises:
            DeviceDetachFailed: It does not let go of one.
        """

    # -- firewalls -------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def set_firewall(self, instance: Instance) -> None:
        """Have the packets of an existing domain go by the firewall of this record, or by none; at once if it runs.

        What is there already is made anew, as somebody may have taken it from the host by hand.

        Raises:
            InstanceNotFound: There is no such domain.
            InstanceInvalidState: Its memory is saved, with filters or without; that stays so until it is resumed.
            NotSupported: The driver cannot match what a rule is about.
        """

    # -- power -----------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def power_on(self, uuid: str) -> None:
        """Start the domain; a running one stays as it is."""

    @abc.abstractmethod
    def shut_down(self, uuid: str, timeout: float) -> Optional[str]:
        """Ask the guest to shut down and wait up to `timeout` seconds.

        Returns:
            What it was asked through (``its agent``, ``ACPI`` or both), empty where it was off; None where it is on.
        """

    @abc.abstractmethod
    def power_off(self, uuid: str) -> None:
        """Cut the power; a guest that is off stays as it is."""

    @abc.abstractmethod
    def pause(self, uuid: str) -> None:
        """Stop the processors of a running guest; a paused one stays as it is."""

    @abc.abstractmethod
    def unpause(self, uuid: str) -> None:
        """Let the processors of a paused guest go on; a running one stays as it is."""

    @abc.abstractmethod
    def suspend(self, uuid: str) -> None:
        """Save the memory of a running guest to disk and switch it off; a saved one stays as it is."""

    @abc.abstractmethod
    def resume(self, uuid: str) -> None:
        """Start a saved guest from its memory; a running one stays as it is.

        Raises:
            InstanceInvalidState: There is no saved memory: it would boot.
        """

    @abc.abstractmethod
    def inject_nmi(self, uuid: str) -> None:
        """Give a running guest a non-maskable interrupt."""

    @abc.abstractmethod
    def list_links(self, uuid: str) -> list[str]:
        """Return the MAC addresses of the interfaces of a running guest whose link is up, in order."""

    @abc.abstractmethod
    def set_links(self, uuid: str, macs: Collection[str], is_up: bool) -> None:
        """Plug these interfaces of a running guest in, or pull them. Its definition stays as it is."""

    # -- removing --------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def undefine(self, uuid: str, keep_state: bool = False) -> None:
        """Remove the definition of a domain that is off, with its managed save and firewall.

        Where the domain is gone, what is left of these goes all the same.

        Args:
            keep_state: Leave what its firmware and its TPM have stored where it is.
        """

    @abc.abstractmethod
    def delete_disks(self, uuid: str) -> None:
        """Delete every disk, config drive and console log that was made for this instance."""

    @abc.abstractmethod
    def remove_image(self, image: UnusedImage) -> bool:
        """Remove an unused image from the cache. Return False, and keep it, where it was used since it was listed."""

    # -- the guest's words -----------------------------------------------------------------------------------

    @abc.abstractmethod
    def get_console(self, uuid: str, kind: str) -> Optional[ConsoleAddress]:
        """Return where a running guest's screen can be reached, by ``vnc`` or ``spice``, or None."""

    @abc.abstractmethod
    def get_screenshot(self, uuid: str, max_bytes: int) -> Optional[bytes]:
        """Return at most so many bytes of a picture (PNG or PPM) of a running guest's screen; None without a screen."""

    @abc.abstractmethod
    def set_password(self, uuid: str, user: str, password: str) -> None:
        """Give a user of a running guest a password, through its agent.

        Raises:
            GuestAgentUnavailable: There is no agent, or it does not answer.
        """

    @abc.abstractmethod
    def write_guest_file(self, uuid: str, path: str, content: bytes) -> None:
        """Write a file in a running guest, through its agent.

        Raises:
            GuestAgentUnavailable: There is no agent, or it does not answer, or answers nonsense.
        """

    @abc.abstractmethod
    def get_guest_facts(self, uuid: str) -> dict[str, Any]:
        """Return what the agent of a running guest tells of it, by the agent's commands; one it has not is left out.

        It is a guest's word: never trust it, nor its shape.

        Raises:
            GuestAgentUnavailable: There is no agent, or it does not answer, or answers nonsense.
        """

    @abc.abstractmethod
    def is_agent_ready(self, uuid: str) -> bool:
        """Return whether the guest's agent answers."""

    @abc.abstractmethod
    def mark_console(self, uuid: str) -> str:
        """Return a mark for where the serial console's log ends now; empty where there is none yet."""

    @abc.abstractmethod
    def read_console_since(self, uuid: str, mark: str, max_bytes: int) -> bytes:
        """Return what the console's log has behind a mark, the last `max_bytes` of it. It is a guest's word."""

    @abc.abstractmethod
    def get_console_output(self, uuid: str, max_bytes: int) -> bytes:
        """Return the last `max_bytes` of the serial console's log. It is a guest's word: never trust it."""
