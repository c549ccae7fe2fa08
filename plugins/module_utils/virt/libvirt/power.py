# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting guests, stopping them, and having them stand still."""

from __future__ import annotations

import time
from typing import Any, Callable, Optional

from ...objects.errors import DeadlineExceeded, HypervisorError, InstanceInvalidState, InstanceNotFound
from .binding import libvirt
from .connection import Connection, within
from .faults import AGENT_FAILED

# A start reserves memory and opens disks; QEMU may take its time over both.
START_DEADLINE = 120.0
# A guest's whole memory is written to disk, or read from there.
SAVE_DEADLINE = 3600.0
POLL_INTERVAL = 0.2
# A guest that is still booting misses the first request.
SHUTDOWN_REPEAT = 10.0
# How long an agent is waited for that took the request and does not get the guest to shut down.
AGENT_SECONDS = 10.0
AGENT, ACPI = "its agent", "ACPI"


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
        # Nor shall anything wait behind agents that hang.
        self._agents = Connection(connection.uri, deadline)
        self._deadline = deadline

    def power_on(self, uuid: str) -> None:
        """Start a guest, from its saved memory if there is one."""
        domain = self._slow.host().lookupByUUIDString(uuid)
        if domain.isActive():
            return
        seconds = SAVE_DEADLINE if domain.hasManagedSaveImage() else START_DEADLINE
        _unless(domain.isActive, self._slowly(domain, seconds).create)

    def shut_down(self, uuid: str, timeout: float) -> Optional[str]:
        """Ask a guest to shut down, first through its agent, then by the power button, again and again.

        One that stands still hears nothing.

        Returns:
            What it was asked through, empty where it was off; None where it is on after so many seconds.
        """
        domain = self._domain(uuid)
        if _is_paused(domain):
            return None
        end = time.monotonic() + timeout
        asked: list[str] = []
        ask_at: Optional[float] = None
        while domain.isActive():
            now = time.monotonic()
            if now >= end:
                return None
            if ask_at is None:
                # An agent that hangs shall leave some of the time to the power button.
                is_asked, is_taken = self._ask_agent(uuid, min(AGENT_SECONDS, timeout / 2))
                asked += [AGENT] if is_asked else []
                ask_at = now + SHUTDOWN_REPEAT if is_taken else now
            elif now >= ask_at:
                _unless(
                    lambda: not domain.isActive(),
                    lambda: domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN),
                )
                asked += [] if ACPI in asked else [ACPI]
                ask_at = now + SHUTDOWN_REPEAT
            else:
                time.sleep(min(POLL_INTERVAL, end - now))
        return " and ".join(asked)

    def _ask_agent(self, uuid: str, seconds: float) -> tuple[bool, bool]:
        """Ask the guest's agent to shut it down. Return whether it may have heard it, and whether it took it."""
        domain = self._agents.host().lookupByUUIDString(uuid)
        try:
            within(domain, seconds, self._connection.answers).shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
        except DeadlineExceeded:
            if not self._connection.answers():
                raise
            return True, False
        except AGENT_FAILED:
            return False, False
        return True, True

    def power_off(self, uuid: str) -> None:
        """Cut the power."""
        domain = self._domain(uuid)
        if domain.isActive():
            _unless(lambda: not domain.isActive(), domain.destroy)

    def pause(self, uuid: str) -> None:
        """Stop a guest's processors."""
        domain = self._domain(uuid)
        _unless(lambda: _is_paused(domain), domain.suspend)

    def unpause(self, uuid: str) -> None:
        """Let them go on."""
        domain = self._domain(uuid)
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

    def has_memory(self, uuid: str) -> bool:
        """Return whether a guest's memory is saved; that of one that is not there is not."""
        try:
            return bool(self._domain(uuid).hasManagedSaveImage())
        except InstanceNotFound:
            return False

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
