# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations by name on real guests, as the guests tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lab_fleet import POOL, LabFleet
from support.lab_guest import Guest, boot_guest

SHUTDOWN = "NOVELLA-GUEST shutdown"


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[LabFleet]:
    made = LabFleet(lab, tmp_path)
    yield made
    made.end()


@pytest.fixture
def guest(fleet: LabFleet) -> Guest:
    return boot_guest(fleet, vm_state="any")


def act(fleet: LabFleet, playbook: str, **extra_vars: Any) -> str:
    """Do an operation to the guest, and return what was printed."""
    ended = fleet.run(playbook, instances="web", only_fleet=fleet.name, **extra_vars)
    assert (ended.code, ended.changed) == (0, 1), ended.text
    return ended.text


def boots(guest: Guest) -> list[str]:
    """What each boot found on the disk that it booted from: how often that one was booted, itself included."""
    return re.findall(r"NOVELLA-GUEST boots=(\w+)", guest.console)


def test_a_soft_reboot_shuts_the_guest_down_and_a_hard_one_does_not(fleet: LabFleet, guest: Guest) -> None:
    act(fleet, "reboot")
    guest.await_boot(2)
    assert (boots(guest), guest.console.count(SHUTDOWN)) == (["1", "2"], 1)
    act(fleet, "hard_reboot")
    guest.await_boot(3)
    assert (boots(guest), guest.console.count(SHUTDOWN)) == (["1", "2", "3"], 1)
    assert fleet.is_converged()


def test_a_guest_that_cannot_shut_down_is_stopped_all_the_same_and_that_is_said(fleet: LabFleet, guest: Guest) -> None:
    guest.home.virsh("suspend", guest.domain)
    ended = fleet.run("stop", instances="web", only_fleet=fleet.name, novella_shutdown_timeout=2)
    assert ended.code == 0, ended.text
    assert "It did not shut down within 2 s, so its power was cut." in " ".join(ended.text.split())
    assert guest.state == "shut off"
    assert SHUTDOWN not in guest.console


def test_a_rescued_guest_boots_another_disk_and_has_its_own_as_the_second(fleet: LabFleet, guest: Guest) -> None:
    act(fleet, "rescue")
    guest.await_boot(2)
    assert boots(guest) == ["1", "1"]
    sizes = {name: int(guest.read(f"/sys/block/{name}/size")) * 512 for name in ("vda", "vdb")}
    assert sizes["vdb"] == 1 << 30, "the flavor's root disk"
    assert sizes["vda"] < sizes["vdb"]
    assert fleet.is_converged()
    act(fleet, "unrescue")
    guest.await_boot(3)
    assert boots(guest) == ["1", "1", "2"]
    assert not list((guest.home.files / POOL).glob("*.rescue.qcow2"))
    assert fleet.is_converged()


def test_a_rebuilt_guest_is_itself_on_a_new_disk(fleet: LabFleet, guest: Guest) -> None:
    identity = (guest.home.virsh("domuuid", guest.domain), guest.home.virsh("domiflist", guest.domain).split()[-1])
    act(fleet, "reboot")
    guest.await_boot(2)
    act(fleet, "rebuild")
    guest.await_boot(3)
    assert boots(guest) == ["1", "2", "1"]
    assert identity == (
        guest.home.virsh("domuuid", guest.domain),
        guest.home.virsh("domiflist", guest.domain).split()[-1],
    )
    assert not list((guest.home.files / POOL).glob("*.old.*"))
    assert fleet.is_converged()


def test_a_rebuild_from_an_image_that_is_no_image_leaves_the_guest_as_it_was(fleet: LabFleet, guest: Guest) -> None:
    up = guest.uptime()
    ended = fleet.run("rebuild", instances="web", only_fleet=fleet.name, image={"source": "/etc/hostname"})
    assert ended.code == 2
    assert "/etc/hostname" in ended.complaints
    assert guest.uptime() > up
    assert boots(guest) == ["1"]
    assert fleet.is_converged()


def test_a_fleet_with_another_image_rebuilds_with_consent_and_hands_over_its_user_data(
    fleet: LabFleet, guest: Guest
) -> None:
    again = {"again": {"source": "/srv/images/tiny.qcow2"}}
    body = {"host": "kvm2", "vm_state": "any", "user_data": "#!/bin/sh\n"}
    fleet.declare(parts={"images": {**again, "guest": {"source": "/srv/images/tiny.qcow2"}}}, web=body)
    refused = fleet.run()
    assert refused.code == 2
    assert "Say consent=rebuild to have it done." in " ".join(refused.text.split())
    assert boots(guest) == ["1"]
    fleet.apply(consent="rebuild")
    guest.await_boot(2)
    assert boots(guest) == ["1", "1"]
    assert "NOVELLA-GUEST user_data sha256=" in guest.console
    assert fleet.is_converged()


def test_a_crash_dump_reaches_the_guest_as_an_interrupt(fleet: LabFleet, guest: Guest) -> None:
    def interrupts() -> int:
        [line] = [line for line in guest.read("/proc/interrupts").splitlines() if line.split()[:1] == ["NMI:"]]
        return int(line.split()[1])

    before = interrupts()
    act(fleet, "act", operation="trigger_crash_dump")
    assert interrupts() == before + 1
    assert fleet.is_converged()
