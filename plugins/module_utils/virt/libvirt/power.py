# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting guests, stopping them, and having them stand still."""

from __future__ import annotations

import time
from typing import Any, Callable

from ...objects.errors import DeadlineExceeded, HypervisorError, InstanceInvalidState, InstanceNotFound
from .binding import libvirt
from .connection import Connection, within

# A start reserves memory and opens disks; QEMU may take its time over both.
START_DEADLINE = 120.0
# A guest's whole memory is written to disk, or read from there.
SAVE_DEADLINE = 3600.0
POLL_INTERVAL = 0.2
# A guest that is still booting misses the first request.
SHUTDOWN_REPEAT = 10.0
# libvirt waits for an agent that has heard it, and then says nothing, for a minute.
AGENT_SECONDS = 5.0


class GuestPower:
    """The power of the guests of one libvirt.

    Args:
        connection: For quick calls.
        deadline: Seconds that one of those may take.
    """

    def __init__(self, connection: Connection, deadline: float) -> None:
        self._connection = connection
        # libvirtd works on five calls of one connection at a time: the quick ones shall not wait behind these.
        self._slow = Connection(connection.uri, deadline)
        # Nor shall anybody wait behind the calls that an agent keeps from coming back.
        self._asking = Connection(connection.uri, deadline)
        self._deadline = deadline

    def power_on(self, uuid: str) -> None:
        """Start a guest, from its saved memory if there is one."""
        domain = self._slow.host().lookupByUUIDString(uuid)
        if domain.isActive():
            return
        seconds = SAVE_DEADLINE if domain.hasManagedSaveImage() else START_DEADLINE
        _unless(domain.isActive, self._slowly(domain, seconds).create)

    def shut_down(self, uuid: str, timeout: float) -> bool:
        """Ask a guest to shut down, and return whether it is off within so many seconds.

        It is asked through its agent if it has one, and else by its power button; by that one alone as soon as the
        agent has kept us waiting. One that stands still hears nothing.
        """
        domain = self._domain(uuid)
        if _is_paused(domain):
            return False
        end = time.monotonic() + timeout
        ask_at = 0.0
        ask: Callable[[str, float], bool] = self._ask_agent_or_button
        while domain.isActive():
            now = time.monotonic()
            if now >= end:
                return False
            if now >= ask_at:
                if not ask(uuid, min(AGENT_SECONDS, end - now)):
                    ask, ask_at = self._press_button, 0.0
                    continue
                ask_at = now + SHUTDOWN_REPEAT
            time.sleep(min(POLL_INTERVAL, end - now))
        return True

    def _ask_agent_or_button(self, uuid: str, seconds: float) -> bool:
        """Return whether it was asked. If not, its agent keeps libvirt waiting, or answers nonsense."""
        domain = self._asking.host().lookupByUUIDString(uuid)
        try:
            _unless(lambda: not domain.isActive(), within(domain, seconds, self._connection.answers).shutdown)
        except DeadlineExceeded:
            if not self._connection.answers():
                raise
            return False
        except HypervisorError:
            # What is wrong with more than the agent is told by the button.
            return False
        return True

    def _press_button(self, uuid: str, _seconds: float) -> bool:
        domain = self._domain(uuid)
        button = libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
        _unless(lambda: not domain.isActive(), lambda: domain.shutdownFlags(button))
        return True

    def power_off(self, uuid: str) -> None:
        """Cut the power."""
        domain = self._domain(uuid)
        if domain.isActive():
            _unless(lambda: not domain.isActive(), domain.destroy)

    def pause(self, uuid: str) -> None:
        """Stop a guest's processors."""
        domain = self._domain(uuid)
        if not _is_paused(domain):
            _unless(lambda: _is_paused(domain), domain.suspend)

    def unpause(self, uuid: str) -> None:
        """Let them go on."""
        domain = self._domain(uuid)
        if _is_paused(domain):
            _unless(lambda: not _is_paused(domain), domain.resume)

    def suspend(self, uuid: str) -> None:
        """Save a guest's memory and switch it off."""
        domain = self._slow.host().lookupByUUIDString(uuid)
        if domain.isActive():
            _unless(domain.hasManagedSaveImage, lambda: self._slowly(domain, SAVE_DEADLINE).managedSave(0))

    def resume(self, uuid: str) -> None:
        """Start a guest from its saved memory, and from nothing else.

        Raises:
            InstanceInvalidState: There is none.
        """
        domain = self._domain(uuid)
        if not domain.isActive() and not domain.hasManagedSaveImage():
            raise InstanceInvalidState(f"{domain.name()} has no saved memory.", "Start it: it boots then.")
        self.power_on(uuid)

    def inject_nmi(self, uuid: str) -> None:
        """Give a guest a non-maskable interrupt."""
        self._domain(uuid).injectNMI(0)

    def forget_memory(self, uuid: str) -> None:
        """Drop a guest's saved memory, if there is any: it belongs to the definition that it was saved under."""
        try:
            domain = self._domain(uuid)
        except InstanceNotFound:
            return
        if domain.hasManagedSaveImage():
            domain.managedSaveRemove(0)

    def _domain(self, uuid: str) -> Any:
        return self._connection.host().lookupByUUIDString(uuid)

    def _slowly(self, domain: Any, seconds: float) -> Any:
        return within(domain, max(seconds, self._deadline), self._connection.answers)


def _is_paused(domain: Any) -> bool:
    return bool(domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED)


def _unless(is_so: Callable[[], Any], act: Callable[[], Any]) -> None:
    """Act, and forgive a failure where what was wanted has come about meanwhile."""
    try:
        act()
    except HypervisorError:
        if not is_so():
            raise
