# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody does to a guest with virsh is seen, told, and handled by the table of docs/periodic.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import Guest, have_guest

SYNC = "sync_power_states"


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()


@pytest.fixture
def guest(fleet: LabFleet) -> Guest:
    return have_guest(fleet)


def sync(fleet: LabFleet) -> str:
    """Have the periodic task look at all hosts, and return what was printed, in one line."""
    ended = fleet.run("periodic", periodic_tasks=SYNC, force=True)
    assert ended.code == 0, ended.text
    return " ".join(ended.text.split())


def state(guest: Guest) -> tuple[str, str]:
    return guest.record()["vm_state"], guest.state


def test_a_guest_that_somebody_has_paused_is_left_standing_until_its_fleet_is_applied(
    fleet: LabFleet, guest: Guest
) -> None:
    boots = guest.boots
    guest.home.virsh("suspend", guest.domain)
    assert "web" not in sync(fleet)
    assert state(guest) == ("active", "paused")
    assert "was paused outside Novella" in " ".join(fleet.apply().text.split())
    assert guest.answers
    assert guest.boots == boots


def test_memory_that_somebody_has_saved_is_kept_and_the_guest_goes_on_from_it(fleet: LabFleet, guest: Guest) -> None:
    boots, up = guest.boots, guest.uptime()
    guest.home.virsh("managedsave", guest.domain)
    assert "has suspended itself (vm_state active, power_state suspended)" in sync(fleet)
    assert state(guest) == ("stopped", "shut off")
    # Nothing is left to be done, however often it looks.
    assert "web" not in sync(fleet)
    started = fleet.run("start", instances="web", only_fleet=fleet.name)
    assert (started.code, started.changed) == (0, 1), started.text
    await_condition(lambda: guest.answers, "the agent answers again")
    assert guest.uptime() > up
    assert guest.boots == boots
    assert fleet.is_converged()


def test_a_guest_that_somebody_has_reset_boots_and_needs_nobody(fleet: LabFleet, guest: Guest) -> None:
    boots, life = guest.boots, guest.life()
    guest.home.virsh("reset", guest.domain)
    guest.await_boot(boots + 1)
    assert guest.life() == life
    assert "web" not in sync(fleet)
    assert fleet.is_converged()


def test_a_rescued_guest_that_somebody_has_switched_off_is_warned_of_and_can_be_unrescued(
    fleet: LabFleet, guest: Guest
) -> None:
    rescued = fleet.run("rescue", instances="web", only_fleet=fleet.name)
    assert rescued.code == 0, rescued.text
    guest.home.virsh("destroy", guest.domain)
    told = sync(fleet)
    assert "web on kvm2 is rescued, and off (vm_state rescued, power_state shutdown); unrescue it" in told
    assert state(guest) == ("rescued", "shut off")
    unrescued = fleet.run("unrescue", instances="web", only_fleet=fleet.name)
    assert unrescued.code == 0, unrescued.text
    assert state(guest) == ("active", "running")
    assert fleet.is_converged()


def test_a_guest_whose_definition_somebody_has_removed_while_it_runs_is_stopped_and_kept(
    fleet: LabFleet, guest: Guest
) -> None:
    uuid = guest.record()["uuid"]
    guest.home.virsh("undefine", guest.domain)
    assert "web" not in sync(fleet)
    stopped = fleet.run("stop", instances="web", only_fleet=fleet.name)
    assert (stopped.code, stopped.changed) == (0, 1), stopped.text
    assert guest.state == "shut off"
    assert guest.record("--config")["uuid"] == uuid
    fleet.apply()
    assert guest.state == "running"
    assert fleet.is_converged()
