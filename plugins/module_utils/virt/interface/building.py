# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a driver makes of an instance, and takes away again. See `virt.driver`."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Optional

from ...objects.instance import Instance
from ..hypervisor import CachedImage


class BuildingDriver(abc.ABC):
    """What a driver makes of an instance, and takes away again."""

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
