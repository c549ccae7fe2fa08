# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shelving, shutting down, and what guests are handed and tell, on a real guest and as it tells it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.lab_fleet import POOL, LabFleet, await_condition
from support.lab_guest import Guest, have_guest
from support.playbooks import run_playbook

SECRET = "correct horse battery"
SHUTDOWN = "NOVELLA-GUEST shutdown"
DRIVE = "/config/openstack"


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
    """Do an operation to the guest, and return what was printed, in one line."""
    ended = fleet.run(playbook, instances="web", only_fleet=fleet.name, **extra_vars)
    assert (ended.code, ended.changed) == (0, 1), ended.text
    return " ".join(ended.text.split())


def boots(guest: Guest) -> list[str]:
    """What each boot found on the disk that it booted from: how often that one was booted, itself included."""
    return re.findall(r"NOVELLA-GUEST boots=(\w+)", guest.console)


def test_a_shelved_guest_is_shut_down_through_its_agent_and_comes_back_on_its_disk(
    fleet: LabFleet, guest: Guest
) -> None:
    before, shutdowns = boots(guest), guest.console.count(SHUTDOWN)
    said = act(fleet, "shelve")
    assert "active -> shelved" in said
    assert "It shut down by itself, asked through its agent." in said
    assert (guest.state, guest.console.count(SHUTDOWN)) == ("shut off", shutdowns + 1)
    fleet.declare(web={"host": "kvm2", "vm_state": "shelved"})
    assert fleet.is_converged()
    act(fleet, "unshelve")
    guest.await_boot(len(before) + 1)
    assert boots(guest) == [*before, str(int(before[-1]) + 1)]


def test_a_stopped_guest_finds_a_file_in_its_config_drive_when_it_boots(fleet: LabFleet, guest: Guest) -> None:
    number = len(boots(guest))
    act(fleet, "stop")
    said = act(fleet, "act", operation="inject_file", path="/etc/motd", content="Grüß Gott\n")
    assert "It is in the config drive, which offers it at the next boot." in said
    act(fleet, "start")
    guest.await_boot(number + 1)
    files = json.loads(guest.read(f"{DRIVE}/latest/meta_data.json"))["files"]
    assert files == [{"path": "/etc/motd", "content_path": "/content/0000"}]
    assert guest.read(f"{DRIVE}/content/0000") == "Grüß Gott\n"


def test_a_guest_whose_agent_hangs_is_shut_down_by_its_power_button(fleet: LabFleet, guest: Guest) -> None:
    shutdowns = guest.console.count(SHUTDOWN)
    guest.ask("guest-exec", path="/bin/sh", arg=["-c", "sleep 1; kill -STOP $(pidof qemu-ga)"])
    await_condition(lambda: not guest.answers, "the agent has fallen silent")
    said = act(fleet, "stop")
    assert "It shut down by itself, asked through ACPI." in said
    assert (guest.state, guest.console.count(SHUTDOWN)) == ("shut off", shutdowns + 1)


def test_a_guest_that_ignores_everything_has_its_power_cut_in_time(fleet: LabFleet, guest: Guest) -> None:
    shutdowns = guest.console.count(SHUTDOWN)
    deafen = "sleep 1; rm -f /etc/acpi/PWRF/*; printf '#!/bin/sh\\n' >/sbin/shutdown; kill -STOP $(pidof acpid qemu-ga)"
    guest.ask("guest-exec", path="/bin/sh", arg=["-c", deafen])
    await_condition(lambda: not guest.answers, "the guest has gone deaf")
    began = time.monotonic()
    said = act(fleet, "stop", novella_shutdown_timeout=8)
    assert "It did not shut down within 8 s, so its power was cut." in said
    assert time.monotonic() - began < 120
    assert (guest.state, guest.console.count(SHUTDOWN)) == ("shut off", shutdowns)


def test_a_rescued_guest_is_handed_a_password_that_goes_with_the_rescue(fleet: LabFleet, guest: Guest) -> None:
    ended = fleet.run("rescue", instances="web", only_fleet=fleet.name, rescue_password=SECRET)
    assert (ended.code, ended.changed) == (0, 1), ended.text
    assert SECRET not in ended.text
    guest.await_answer()
    assert json.loads(guest.read(f"{DRIVE}/latest/meta_data.json"))["admin_pass"] == SECRET
    pool = guest.home.files / POOL
    [drive] = pool.glob("*.rescue.iso")
    assert drive.stat().st_mode & 0o077 == 0
    act(fleet, "unrescue")
    guest.await_answer()
    assert "admin_pass" not in json.loads(guest.read(f"{DRIVE}/latest/meta_data.json"))
    assert not list(pool.glob("*.rescue.*"))
    remembered = [
        *(guest.home.files / "var/lib/novella").rglob("*"),
        *(guest.home.files / "etc/libvirt/qemu").glob("*.xml"),
        *pool.glob("*.iso"),
    ]
    assert [path for path in remembered if path.is_file() and SECRET.encode() in path.read_bytes()] == []


def test_a_reset_network_is_seen_by_the_guest_and_leaves_its_cable_plugged_in(fleet: LabFleet, guest: Guest) -> None:
    def carrier() -> tuple[int, str]:
        folder = "/sys/class/net/eth0"
        return int(guest.read(f"{folder}/carrier_down_count")), guest.read(f"{folder}/carrier").strip()

    before, is_up = carrier()
    assert is_up == "1"
    act(fleet, "act", operation="reset_network")
    await_condition(lambda: carrier() == (before + 1, "1"), "the cable is back")
    assert fleet.is_converged()


def test_new_network_data_are_there_after_the_next_start(fleet: LabFleet, guest: Guest) -> None:
    began, number = guest.read(f"{DRIVE}/latest/network_data.json"), len(boots(guest))
    said = act(fleet, "act", operation="inject_network_info")
    assert "It is in the config drive that the guest has from its next start on." in said
    assert guest.read(f"{DRIVE}/latest/network_data.json") == began
    act(fleet, "reboot")
    guest.await_boot(number + 1)
    assert guest.read(f"{DRIVE}/latest/network_data.json") == began
    assert guest.home.virsh("domiflist", guest.domain).split()[-1] in began


def test_a_guest_tells_who_it_is_and_one_that_is_silent_is_no_failure(fleet: LabFleet, guest: Guest) -> None:
    def told() -> dict[str, Any]:
        outcome = run_playbook(
            "instance_info", inventory=fleet.lab.inventory, names="web", only_fleet=fleet.name, guest_facts=True
        )
        assert outcome.code == 0, outcome.text
        [item] = [item for answer in outcome.results["Ask"] for item in answer["instances"]]
        return item

    item = told()
    assert item["guest_reason"] is None
    assert item["guest"]["hostname"] == "web"
    assert item["guest"]["os"]["kernel"] == guest.read("/proc/sys/kernel/osrelease").strip()
    [nic] = [nic for nic in item["guest"]["interfaces"] if nic["name"] == "eth0"]
    assert nic["mac_address"] in guest.home.virsh("domiflist", guest.domain)
    assert item["addresses"][0] in nic["addresses"]

    rename = "ip link set eth0 down; ip link set eth0 name \"$(printf '\\033[2Jevil')\""
    guest.ask("guest-exec", path="/bin/sh", arg=["-c", rename])
    await_condition(lambda: "evil" in guest.said("guest-network-get-interfaces"), "a name is hostile")
    assert "\\x1b[2Jevil" in [nic["name"] for nic in told()["guest"]["interfaces"]]

    guest.ask("guest-exec", path="/bin/sh", arg=["-c", "sleep 1; kill -STOP $(pidof qemu-ga)"])
    await_condition(lambda: not guest.answers, "the agent has fallen silent")
    silent = told()
    assert silent["guest"] is None
    assert "agent" in silent["guest_reason"]
