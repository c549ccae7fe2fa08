# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations by name on real guests, as the guests tell it."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from support.lab_fleet import POOL, LabFleet, await_condition
from support.lab_guest import Guest, have_guest

PASSWORD = "correct horse battery"
SHUTDOWN = "NOVELLA-GUEST shutdown"


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()


@pytest.fixture
def guest(fleet: LabFleet) -> Guest:
    return have_guest(fleet)


def act(fleet: LabFleet, playbook: str, **extra_vars: Any) -> str:
    """Do an operation to the guest, and return what was printed."""
    ended = fleet.run(playbook, instances="web", only_fleet=fleet.name, **extra_vars)
    assert (ended.code, ended.changed) == (0, 1), ended.text
    return ended.text


def boots(guest: Guest) -> list[str]:
    """What each boot found on the disk that it booted from: how often that one was booted, itself included."""
    return re.findall(r"NOVELLA-GUEST boots=(\w+)", guest.console)


def next_boot(guest: Guest, before: list[str]) -> str:
    """Wait for one more boot, and return what it found."""
    guest.await_boot(len(before) + 1)
    assert boots(guest)[:-1] == before
    return boots(guest)[-1]


def one_more(before: list[str]) -> str:
    """What a boot from the same disk finds."""
    return str(int(before[-1]) + 1)


def test_a_soft_reboot_shuts_the_guest_down_and_a_hard_one_does_not(fleet: LabFleet, guest: Guest) -> None:
    before, shutdowns = boots(guest), guest.console.count(SHUTDOWN)
    act(fleet, "reboot")
    assert next_boot(guest, before) == one_more(before)
    assert guest.console.count(SHUTDOWN) == shutdowns + 1
    before = boots(guest)
    act(fleet, "hard_reboot")
    assert next_boot(guest, before) == one_more(before)
    assert guest.console.count(SHUTDOWN) == shutdowns + 1
    assert fleet.is_converged()


def test_a_guest_that_cannot_shut_down_is_stopped_all_the_same_and_that_is_said(fleet: LabFleet, guest: Guest) -> None:
    shutdowns = guest.console.count(SHUTDOWN)
    guest.home.virsh("suspend", guest.domain)
    ended = fleet.run("stop", instances="web", only_fleet=fleet.name, novella_shutdown_timeout=2)
    assert ended.code == 0, ended.text
    assert "It did not shut down within 2 s, so its power was cut." in " ".join(ended.text.split())
    assert guest.state == "shut off"
    assert guest.console.count(SHUTDOWN) == shutdowns


def test_a_rescued_guest_boots_another_disk_and_has_its_own_as_the_second(fleet: LabFleet, guest: Guest) -> None:
    before = boots(guest)
    act(fleet, "rescue")
    assert next_boot(guest, before) == "1"
    sizes = {name: int(guest.read(f"/sys/block/{name}/size")) * 512 for name in ("vda", "vdb")}
    assert sizes["vdb"] == 1 << 30, "the flavor's root disk"
    assert sizes["vda"] < sizes["vdb"]
    assert fleet.is_converged()
    act(fleet, "unrescue")
    assert next_boot(guest, [*before, "1"]) == one_more(before)
    assert not list((guest.home.files / POOL).glob("*.rescue.qcow2"))
    assert fleet.is_converged()


def test_a_rebuilt_guest_is_itself_on_a_new_disk(fleet: LabFleet, guest: Guest) -> None:
    def identity() -> tuple[str, str]:
        return guest.home.virsh("domuuid", guest.domain), guest.home.virsh("domiflist", guest.domain).split()[-1]

    before, same = boots(guest), identity()
    act(fleet, "rebuild")
    assert next_boot(guest, before) == "1"
    assert identity() == same
    assert not list((guest.home.files / POOL).glob("*.old.*"))
    assert fleet.is_converged()


def test_a_rebuild_from_an_image_that_is_no_image_leaves_the_guest_as_it_was(fleet: LabFleet, guest: Guest) -> None:
    before, life = boots(guest), guest.life()
    ended = fleet.run("rebuild", instances="web", only_fleet=fleet.name, image={"source": "/etc/hostname"})
    assert ended.code == 2
    assert "web on kvm2: Image 'custom' is not acceptable" in ended.complaints
    assert (boots(guest), guest.life()) == (before, life)
    assert fleet.is_converged()


def test_a_fleet_with_other_user_data_rebuilds_with_consent_and_hands_them_over(fleet: LabFleet, guest: Guest) -> None:
    before, life = boots(guest), guest.life()
    fleet.declare(web={"host": "kvm2", "user_data": "#!/bin/sh\n"})
    refused = fleet.run()
    assert refused.code == 2
    assert "Say consent=rebuild to have it done." in " ".join(refused.text.split())
    assert guest.life() == life
    fleet.apply(consent="rebuild")
    assert next_boot(guest, before) == "1"
    digest = hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    assert f"NOVELLA-GUEST user_data sha256={digest}" in guest.console
    assert fleet.is_converged()
    fleet.declare(web={"host": "kvm2"})
    fleet.apply(consent="rebuild")


def test_a_new_password_is_in_the_guests_shadow_file_and_nowhere_else(fleet: LabFleet, guest: Guest) -> None:
    ended = fleet.run(
        "act", instances="web", only_fleet=fleet.name, operation="set_admin_password", admin_password=PASSWORD
    )
    assert (ended.code, ended.changed) == (0, 1), ended.text
    [root] = [line.split(":") for line in guest.read("/etc/shadow").splitlines() if line.startswith("root:")]
    _nothing, kind, salt, _digest = root[1].split("$")
    assert kind == "6"
    hashing = ["busybox", "mkpasswd", "-m", "sha512", "-S", salt, "-P", "0"]
    hashed = subprocess.run(hashing, input=PASSWORD, capture_output=True, text=True, check=True).stdout.strip()
    assert root[1] == hashed
    assert PASSWORD not in ended.text
    remembered = [
        *(guest.home.files / "var/lib/novella").rglob("*"),
        *(guest.home.files / "etc/libvirt/qemu").glob("*.xml"),
    ]
    assert [path for path in remembered if path.is_file() and PASSWORD.encode() in path.read_bytes()] == []


def test_a_file_is_written_in_the_guest(fleet: LabFleet, guest: Guest) -> None:
    act(fleet, "act", operation="inject_file", path="/etc/motd", content="Grüß Gott\n")
    assert guest.read("/etc/motd") == "Grüß Gott\n"


def test_an_agent_that_never_answers_is_not_waited_for(fleet: LabFleet, guest: Guest) -> None:
    guest.ask("guest-exec", path="/bin/sh", arg=["-c", "sleep 1; kill -STOP $(pidof qemu-ga)"])
    await_condition(lambda: not guest.answers, "the agent has fallen silent")
    ended = fleet.run(
        "act", instances="web", only_fleet=fleet.name, operation="inject_file", path="/etc/motd", content="x"
    )
    assert ended.code == 2
    assert "See to it that qemu-guest-agent is installed and runs in the guest." in " ".join(ended.text.split())
    assert guest.state == "running"
    act(fleet, "hard_reboot")
    guest.await_answer()


def test_a_crash_dump_reaches_the_guest_as_an_interrupt(fleet: LabFleet, guest: Guest) -> None:
    def interrupts() -> int:
        [line] = [line for line in guest.read("/proc/interrupts").splitlines() if line.split()[:1] == ["NMI:"]]
        return int(line.split()[1])

    before = interrupts()
    act(fleet, "act", operation="trigger_crash_dump")
    assert interrupts() == before + 1
    assert fleet.is_converged()
