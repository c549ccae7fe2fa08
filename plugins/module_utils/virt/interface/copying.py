# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a driver copies the root disk of a guest. See `virt.driver`."""

from __future__ import annotations

import abc

from ..hypervisor import CachedImage, Copying


class CopyingDriver(abc.ABC):
    """How a driver copies the root disk of a guest."""

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
