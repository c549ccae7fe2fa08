# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests that are asked to shut down, and whose agents make libvirt wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import DeadlineExceeded, HypervisorError
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import connection, power
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.connection import Connection
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.faults import translate
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.power import GuestPower

RUNNING = 1
BUTTON, AGENT = 1, 2


class Domain:
    """A guest that shuts down when its agent or its button says so, or never."""

    def __init__(self, agent: str, hears_button: bool) -> None:
        self.agent = agent
        self.hears_button = hears_button
        self.is_on = True
        self.is_libvirt_silent = False
        self.given_up = threading.Event()
        self.asked: list[str] = []

    def isActive(self) -> bool:
        return self.is_on

    def state(self) -> tuple[int, int]:
        return RUNNING, 0

    def shutdownFlags(self, flags: int) -> None:
        if flags == BUTTON:
            self.asked.append("button")
            self.is_on = not self.hears_button
            return
        assert flags == AGENT
        self.asked.append("agent")
        if self.agent == "babbles":
            raise HypervisorError("Could not ask the guest to shut down: cannot parse json [[[.")
        if self.agent == "absent":
            raise translate("ask the guest to shut down", 86, 10, "QEMU guest agent is not connected")
        if self.agent == "silent":
            self.given_up.wait(60)
        self.is_on = self.agent != "obeys"

    def lookupByUUIDString(self, _uuid: str) -> Domain:
        return self

    def getLibVersion(self) -> int:
        if self.is_libvirt_silent:
            self.given_up.wait(60)
        return 9_000_000

    def close(self) -> None:
        self.given_up.set()


# What libvirt's binding returns is known by its module.
Domain.__module__ = "libvirt"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes the power of a guest."""
    made: list[Domain] = []

    def make(agent: str = "lies", hears_button: bool = False) -> tuple[GuestPower, Domain]:
        domain = Domain(agent, hears_button)
        made.append(domain)
        binding = SimpleNamespace(
            libvirtError=OSError,
            open=lambda _uri: domain,
            registerErrorHandler=lambda *_arguments: None,
            VIR_DOMAIN_PAUSED=3,
            VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN=BUTTON,
            VIR_DOMAIN_SHUTDOWN_GUEST_AGENT=AGENT,
        )
        monkeypatch.setattr(connection, "libvirt", binding)
        monkeypatch.setattr(power, "libvirt", binding)
        monkeypatch.setattr(power, "AGENT_SECONDS", 0.2)
        monkeypatch.setattr(power, "POLL_INTERVAL", 0.01)
        monkeypatch.setattr(connection.atexit, "register", lambda *_arguments: None)
        return GuestPower(Connection("test:///default", 0.3), 0.3), domain

    yield make
    for domain in made:
        domain.given_up.set()


def test_a_guest_whose_agent_obeys_is_asked_once(make: Any) -> None:
    guest, domain = make("obeys")
    assert guest.shut_down("some-uuid", 5)
    assert domain.asked == ["agent"]


@pytest.mark.parametrize("agent", ["silent", "babbles", "absent"])
def test_an_agent_that_is_no_use_keeps_nobody_from_the_button(make: Any, agent: str) -> None:
    guest, domain = make(agent, hears_button=True)
    began = time.monotonic()
    assert guest.shut_down("some-uuid", 5)
    assert domain.asked == ["agent", "button"]
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("agent", ["silent", "lies"])
def test_a_guest_that_is_deaf_to_all_is_given_its_time_and_no_more(make: Any, agent: str) -> None:
    guest, domain = make(agent)
    began = time.monotonic()
    assert not guest.shut_down("some-uuid", 0.5)
    assert 0.5 <= time.monotonic() - began < 2
    assert domain.is_on


def test_a_libvirt_that_does_not_answer_is_not_taken_for_a_deaf_guest(make: Any) -> None:
    guest, domain = make("silent")
    domain.is_libvirt_silent = True
    with pytest.raises(DeadlineExceeded):
        guest.shut_down("some-uuid", 5)
    assert domain.asked == ["agent"]
