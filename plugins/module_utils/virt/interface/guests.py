# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a driver has from guests: their screens, consoles, and agents. See `virt.driver`."""

from __future__ import annotations

import abc
from typing import Any, Optional

from ..hypervisor import ConsoleAddress


class GuestDriver(abc.ABC):
    """What a driver has from guests: their screens, consoles, and agents."""

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
