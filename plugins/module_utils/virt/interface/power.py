# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a driver starts, stops and holds guests. See `virt.driver`."""

from __future__ import annotations

import abc
from collections.abc import Collection
from typing import Optional


class PowerDriver(abc.ABC):
    """How a driver starts, stops and holds guests."""

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
