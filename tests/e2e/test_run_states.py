# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests that stand still, in memory and on disk, as the guests themselves tell it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import Guest, have_guest


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()


@pytest.fixture
def guest(fleet: LabFleet) -> Guest:
    """A guest on kvm2 that has booted."""
    return have_guest(fleet)


def declare(fleet: LabFleet, vm_state: str) -> str:
    fleet.declare(web={"host": "kvm2", "vm_state": vm_state})
    told = fleet.apply().text
    assert fleet.is_converged()
    return told


def go_on(fleet: LabFleet, guest: Guest) -> float:
    """Have the guest active again, and return how long it has been up."""
    declare(fleet, "active")
    assert guest.state == "running"
    await_condition(lambda: guest.answers, "the agent answers again")
    return guest.uptime()


def test_a_paused_guest_stops_ticking_and_goes_on(fleet: LabFleet, guest: Guest) -> None:
    boots, up, began = guest.boots, guest.uptime(), time.monotonic()
    assert "vm_state: paused is declared, the instance is active" in declare(fleet, "paused")
    assert guest.state == "paused"
    stopped = time.monotonic()
    assert not guest.answers
    stood_still = time.monotonic() - stopped
    lived = go_on(fleet, guest) - up
    assert 0 < lived <= time.monotonic() - began - stood_still
    assert guest.boots == boots


def test_a_suspended_guest_goes_on_from_where_it_was(fleet: LabFleet, guest: Guest) -> None:
    boots, up = guest.boots, guest.uptime()
    declare(fleet, "suspended")
    assert guest.state == "shut off"
    assert go_on(fleet, guest) > up
    assert guest.boots == boots


def test_a_suspended_guest_outlives_its_host(fleet: LabFleet, guest: Guest) -> None:
    boots, up = guest.boots, guest.uptime()
    declare(fleet, "suspended")
    guest.home.power_off()
    guest.home.power_on()
    assert fleet.is_converged()
    assert go_on(fleet, guest) > up
    assert guest.boots == boots


def test_a_guest_that_somebody_has_paused_or_saved_is_brought_back(fleet: LabFleet, guest: Guest) -> None:
    boots = guest.boots
    guest.home.virsh("suspend", guest.domain)
    assert "was paused outside Novella" in fleet.apply().text
    assert guest.answers
    guest.home.virsh("managedsave", guest.domain)
    assert "was suspended outside Novella" in fleet.apply().text
    assert guest.answers
    assert guest.boots == boots


def test_an_instance_is_made_paused_or_suspended_at_once(fleet: LabFleet) -> None:
    fleet.declare(one={"vm_state": "paused"}, other={"vm_state": "suspended"})
    fleet.apply()
    assert fleet.is_converged()
    homes = fleet.homes()
    states = {
        name: fleet.lab.host(homes[name]).virsh("domstate", f"{fleet.name}.{name}").strip() for name in ("one", "other")
    }
    assert states == {"one": "paused", "other": "shut off"}
