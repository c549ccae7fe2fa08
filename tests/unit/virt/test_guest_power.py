# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By what a guest is asked to shut down, whatever its agent and its power button are worth."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import guest_links, power
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.connection import Connection
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.guest_links import list_links, set_links
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.power import GuestPower

TAKES, HANGS, REFUSES = (True, True), (True, False), (False, False)
# The binding is not everywhere where tests are run.
BINDING = SimpleNamespace(VIR_DOMAIN_PAUSED=3, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN=1, VIR_DOMAIN_AFFECT_LIVE=1)
INTERFACES = """<domain><devices>
  <interface type="bridge"><mac address="52:54:00:00:00:01"/><source bridge="br0"/></interface>
  <interface type="bridge"><mac address="52:54:00:00:00:02"/><link state="down"/></interface>
</devices></domain>"""


class Guest:
    """Goes off at the press of its button, if it obeys that."""

    def __init__(self, obeys: bool = True, is_on: bool = True, is_paused: bool = False) -> None:
        self.obeys, self.is_on, self.is_paused = obeys, is_on, is_paused
        self.presses = 0
        self.updates: list[str] = []

    def state(self) -> list[int]:
        return [3 if self.is_paused else 1]

    def isActive(self) -> bool:
        return self.is_on

    def shutdownFlags(self, flags: int) -> None:
        self.presses += 1
        self.is_on = not self.obeys

    def XMLDesc(self) -> str:
        return INTERFACES

    def updateDeviceFlags(self, xml: str, flags: int) -> None:
        self.updates.append(xml)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Asks a guest to shut down whose agent does that; returns the answer."""
    monkeypatch.setattr(power, "libvirt", BINDING)
    monkeypatch.setattr(power, "SHUTDOWN_REPEAT", 0.1)
    monkeypatch.setattr(power, "POLL_INTERVAL", 0.01)

    def shut_down(guest: Guest, agent: tuple[bool, bool], seconds: float = 5, goes_off: bool = False) -> Any:
        def ask_agent(uuid: str, most: float) -> tuple[bool, bool]:
            assert most <= seconds / 2
            guest.is_on = guest.is_on and not goes_off
            return agent

        asked = GuestPower(Connection("test:///default", 5), 5)
        monkeypatch.setattr(asked, "_domain", lambda uuid: guest)
        monkeypatch.setattr(asked, "_ask_agent", ask_agent)
        return asked.shut_down("some-uuid", seconds)

    return shut_down


def test_an_agent_that_shuts_its_guest_down_is_all_that_it_takes(ask: Any) -> None:
    guest = Guest()
    assert ask(guest, TAKES, goes_off=True) == "its agent"
    assert guest.presses == 0


@pytest.mark.parametrize(
    ("agent", "told"), [(REFUSES, "ACPI"), (HANGS, "its agent and ACPI"), (TAKES, "its agent and ACPI")]
)
def test_where_the_agent_does_not_get_it_off_the_power_button_does(ask: Any, agent: Any, told: str) -> None:
    guest = Guest()
    assert ask(guest, agent) == told
    assert guest.presses == 1


def test_a_guest_that_obeys_nothing_is_asked_again_and_given_up_in_time(ask: Any) -> None:
    guest, began = Guest(obeys=False), time.monotonic()
    assert ask(guest, REFUSES, seconds=0.5) is None
    assert guest.presses > 1
    assert time.monotonic() - began < 5


def test_what_is_off_is_off_and_what_stands_still_hears_nothing(ask: Any) -> None:
    assert ask(Guest(is_on=False), REFUSES) == ""
    still = Guest(is_paused=True)
    assert ask(still, TAKES) is None
    assert still.presses == 0


def test_a_link_is_taken_from_the_interfaces_that_have_one_and_given_to_those_that_are_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guest_links, "libvirt", BINDING)
    guest = Guest()
    assert list_links(guest) == ["52:54:00:00:00:01"]
    set_links(guest, list_links(guest), False)
    [pulled] = guest.updates
    assert '<link state="down"' in pulled
    assert "52:54:00:00:00:01" in pulled
    set_links(guest, ["52:54:00:00:00:02"], True)
    assert '<link state="up"' in guest.updates[-1]
    set_links(guest, ["52:54:00:00:00:01"], True)
    assert len(guest.updates) == 2, "it has its link already"
