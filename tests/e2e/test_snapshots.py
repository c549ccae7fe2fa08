# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots and backups of real guests' disks: what a guest had written is there again, in it and in others."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from support.lab_fleet import POOL, LabFleet, await_condition
from support.lab_guest import Guest, have_guest
from support.playbooks import Outcome, run_playbook

HOME = "kvm2"
# The root disk stays mounted.
MOUNT = "grep -q ' /mnt ' /proc/mounts || mount -t vfat /dev/vda /mnt"
PLACE = "var/lib/novella/snapshots"
NAMES = ("live", "still", "killed", "one", "two", "three", "four")


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()
    # They outlive their instances.
    for name in NAMES:
        assert run_playbook(
            "snapshot",
            inventory=lab.inventory,
            snapshot=name,
            snapshot_state="absent",
            only_fleet=made.name,
        ).code == 0  # fmt: skip
    assert listed(made) == []


@pytest.fixture
def guest(fleet: LabFleet) -> Guest:
    return have_guest(fleet)


def act(fleet: LabFleet, playbook: str, **extra_vars: Any) -> str:
    """Do an operation to the guest, and return what was printed."""
    ended = fleet.run(playbook, instances="web", only_fleet=fleet.name, **extra_vars)
    assert (ended.code, ended.changed) == (0, 1), ended.text
    return " ".join(ended.text.split())


def tell(fleet: LabFleet, module: str, **options: Any) -> Outcome:
    """Run a module on the guest's host."""
    task = {"name": "Tell", f"novella.compute.{module}": {"fleet": fleet.name, **options}}
    path = fleet.folder / "tell.yml"
    path.write_text(yaml.safe_dump([{"hosts": HOME, "gather_facts": False, "tasks": [task]}]))
    return run_playbook(str(path), inventory=fleet.lab.inventory)


def listed(fleet: LabFleet) -> list[dict[str, Any]]:
    """The snapshots that there are, newest first."""
    return tell(fleet, "instance_snapshot_info").result("Tell")["snapshots"]


def files(guest: Guest) -> list[str]:
    return sorted(path.name for path in (guest.home.files / PLACE).rglob("*") if path.is_file())


def copies(guest: Guest) -> list[Path]:
    """What there is of copies in the pool."""
    return list((guest.home.files / POOL).glob("*.snapshot.qcow2"))


def worker(guest: Guest) -> str:
    """The number of the process that works on the guest."""
    with closing(sqlite3.connect(guest.home.files / "var/lib/novella/tracker.db")) as connection:
        [[owner]] = connection.execute("SELECT owner FROM journal").fetchall()
    return str(owner.split(":")[1])


def shell(guest: Guest, script: str) -> None:
    """Have a script run in the guest, and wait for its end."""
    pid = guest.ask("guest-exec", path="/bin/sh", arg=["-c", f"{{ {script}; }} >/dev/null 2>&1"])["pid"]
    told: dict[str, Any] = {}

    def is_over() -> bool:
        # The agent tells of an end only once.
        told.update(guest.ask("guest-exec-status", pid=pid))
        return bool(told["exited"])

    await_condition(is_over, script)
    assert told["exitcode"] == 0, script


def write(guest: Guest, note: str) -> None:
    """Write a line on the root disk, which stays mounted."""
    shell(guest, f"{MOUNT}; echo {note} >/mnt/note && sync")


def note(guest: Guest) -> str:
    """What is written on the root disk."""
    shell(guest, MOUNT)
    return guest.read("/mnt/note").strip()


def boots(guest: Guest) -> list[str]:
    """What each boot found on its disk: how often that was booted, itself included."""
    return re.findall(r"NOVELLA-GUEST boots=(\w+)", guest.console)


def test_a_new_instance_boots_with_what_a_running_guest_had_written_which_goes_on(
    fleet: LabFleet, guest: Guest
) -> None:
    write(guest, "before")
    life, up = guest.life(), guest.uptime()
    text = act(fleet, "snapshot", snapshot="live", quiesce=True)
    assert "The image is" in text
    assert files(guest) == ["live.json", "live.qcow2"]
    assert copies(guest) == []
    # It is the same life of the same guest, its clock goes on, and its file system takes what it writes.
    assert guest.life() == life
    assert guest.uptime() > up
    assert guest.ask("guest-fsfreeze-status") == "thawed"
    write(guest, "after")
    [found] = listed(fleet)
    assert (found["quiesced"], found["vm_state"], found["image_type"]) == (True, "active", "snapshot")
    about = json.loads(guest.home.run(["qemu-img", "info", "--output", "json", found["file"]]))
    assert (about["format"], about.get("backing-filename"), about["virtual-size"]) == ("qcow2", None, 1 << 30)
    assert json.loads(guest.home.run(["qemu-img", "check", "--output", "json", found["file"]]))["check-errors"] == 0
    again = fleet.run("snapshot", instances="web", only_fleet=fleet.name, snapshot="live")
    assert (again.code, again.changed) == (0, 0), again.text

    image = {key: found["image"][key] for key in ("source", "checksum")}
    images = {"images": {"guest": {"source": "/srv/images/tiny.qcow2"}, "live": image}}
    fleet.declare(images, web={"host": HOME}, copy={"host": HOME, "image": "live"})
    fleet.apply()
    copy = Guest(guest.home, f"{fleet.name}.copy")
    copy.await_answer()
    assert boots(copy) == [str(int(boots(guest)[-1]) + 1)]
    assert (note(copy), note(guest)) == ("before", "after")
    assert fleet.is_converged()


def test_a_volume_is_made_of_a_snapshot_and_changes_alone(fleet: LabFleet, guest: Guest) -> None:
    """The snapshot is that of the test before this."""
    [found] = [item for item in listed(fleet) if item["name"] == "live"]
    # It is larger than what it is made of.
    volumes = {"old": {"size_gb": 2, "snapshot": "web/live"}}
    fleet.declare({"volumes": volumes}, web={"host": HOME, "volumes": [{"volume": "old"}]})
    life = guest.life()
    fleet.apply()
    serial = volume_uuid(fleet.name, "default", "old")[:20]
    look = f'for disk in /sys/block/*; do grep -qs "^{serial}" $disk/serial && basename $disk; done; true'
    await_condition(lambda: guest.execute(look).strip() != "", "the disk appears in the guest")
    disk = guest.execute(look).strip()
    assert int(guest.read(f"/sys/block/{disk}/size")) * 512 == 2 << 30
    guest.execute(f"mkdir -p /old && mount -t vfat /dev/{disk} /old")
    assert (guest.read("/old/note").strip(), note(guest), guest.life()) == ("before", "after", life)
    guest.execute("echo changed >/old/note && umount /old")
    assert fleet.is_converged()
    # What was written to the volume is in neither the snapshot nor the guest's root disk.
    digest = guest.home.run(["sha256sum", found["file"]]).split()[0]
    assert found["image"]["checksum"].removeprefix("sha256:") == digest
    assert note(guest) == "after"
    fleet.declare({"volumes": volumes}, web={"host": HOME})
    fleet.apply()
    other = {"old": {"size_gb": 2, "snapshot": "web/other"}}
    fleet.declare({"volumes": other}, web={"host": HOME, "volumes": [{"volume": "old"}]})
    refused = fleet.run()
    assert refused.code == 2
    assert "what is on it is never overwritten" in " ".join(refused.text.split())


def test_an_agent_that_cannot_be_asked_is_told_and_nothing_is_made(fleet: LabFleet, guest: Guest) -> None:
    before = files(guest)
    act(fleet, "pause")
    ended = fleet.run("snapshot", instances="web", only_fleet=fleet.name, snapshot="still", quiesce=True)
    assert ended.code == 2
    assert "web cannot write out its file systems: it is paused." in " ".join(ended.text.split())
    assert files(guest) == before
    act(fleet, "snapshot", snapshot="still")
    assert guest.state == "paused"
    act(fleet, "unpause")
    guest.await_answer()


def test_of_backups_the_newest_are_kept(fleet: LabFleet, guest: Guest) -> None:
    for name in ("one", "two", "three"):
        act(fleet, "backup", snapshot=name, rotation=2)
    act(fleet, "stop")
    act(fleet, "backup", snapshot="four", rotation=2)
    backups = [item["name"] for item in listed(fleet) if item["image_type"] == "backup"]
    assert backups == ["four", "three"]
    assert {"four.qcow2", "three.qcow2", "live.qcow2"} <= set(files(guest))
    assert not {"one.qcow2", "one.json", "two.qcow2"} & set(files(guest))


def test_a_run_that_is_killed_while_a_disk_is_copied_leaves_nothing_and_the_guest_goes_on(
    fleet: LabFleet, guest: Guest
) -> None:
    act(fleet, "stop")
    [disk] = (guest.home.files / POOL).glob(f"{guest.home.virsh('domuuid', guest.domain).strip()}.root.qcow2")
    # Much to copy, beyond what the guest's file system uses.
    guest.home.run(["qemu-io", "-c", "write -P 7 300M 500M", f"/{disk.relative_to(guest.home.files)}"])
    act(fleet, "start")
    guest.await_answer()
    before, life = files(guest), guest.life()
    controller = fleet.start("snapshot", instances="web", only_fleet=fleet.name, snapshot="killed", quiesce=True)
    await_condition(lambda: bool(copies(guest)), "the copy has begun")
    guest.home.run(["kill", "-9", worker(guest)])
    assert controller.wait().code != 0
    assert fleet.run("audit").code == 0
    assert (files(guest), copies(guest)) == (before, [])
    assert "None" in guest.home.virsh("domjobinfo", guest.domain)
    assert guest.life() == life
    assert guest.ask("guest-fsfreeze-status") == "thawed"
    write(guest, "goes on")
    act(fleet, "snapshot", snapshot="killed", quiesce=True)


def test_a_rebuild_brings_back_what_was_there(fleet: LabFleet, guest: Guest) -> None:
    write(guest, "later")
    [image] = [item["image"] for item in listed(fleet) if item["name"] == "live"]
    before = boots(guest)
    act(fleet, "rebuild", image=image)
    guest.await_boot(len(before) + 1)
    assert note(guest) == "before"
