# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What config drives tell real guests, in both forms, as the guests read them; and waiting until guests are ready.

The tests follow each other on one guest: it takes long to boot.
"""

from __future__ import annotations

import email
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.lab_fleet import LabFleet
from support.lab_guest import Guest, guest_of

SECRET = "correct horse battery"
MOTD = {"path": "/etc/motd", "content": f"welcome, {SECRET}\n"}
OPENSTACK = "/config/openstack/latest"
BODY: dict[str, Any] = {
    "host": "kvm2",
    "metadata": {"role": "front"},
    "files": [MOTD],
    "ssh_keys": ["ssh-ed25519 AAAA me"],
}
GUESTS = {"guest": {"dns_domain": "example.org", "vendor_data": {"cloud-init": "#cloud-config\n{}\n"}}}
# It mounts the drive, if it can find it by the label, and prints a file of it.
MOUNT = "grep -qs ' /mnt ' /proc/mounts || mount -o ro $(findfs LABEL=cidata) /mnt"
# Within so many seconds any guest has shown something on its console, also on a busy machine that emulates it.
PATIENCE = 45
# What a run may take besides waiting for the guest, on such a machine.
OVERHEAD = 110


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()


@pytest.fixture
def web(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "web")


def text_of(ended: Any) -> str:
    return " ".join(ended.text.split())


def mac_of(guest: Guest) -> str:
    return guest.home.virsh("domiflist", guest.domain).split()[-1]


def reboot(fleet: LabFleet, guest: Guest) -> None:
    number = guest.boots
    ended = fleet.run("reboot", instances="web", only_fleet=fleet.name)
    assert ended.code == 0, ended.text
    guest.await_boot(number + 1)


def test_an_apply_ends_when_the_guest_is_ready_and_the_guest_reads_what_was_declared(
    fleet: LabFleet, web: Guest
) -> None:
    fleet.declare(GUESTS, web={**BODY, "hostname": "www", "wait_for": {"agent": True, "timeout": 120}})
    ended = fleet.apply()
    assert web.answers
    assert SECRET not in ended.text
    told = json.loads(web.read(f"{OPENSTACK}/meta_data.json"))
    assert (told["hostname"], told["name"], told["meta"]) == ("www.example.org", "web", {"role": "front"})
    assert told["public_keys"] == {"key-0": "ssh-ed25519 AAAA me"}
    assert [item["path"] for item in told["files"]] == ["/etc/motd"]
    assert web.read("/config/openstack" + told["files"][0]["content_path"]) == MOTD["content"]
    assert web.read("/config/openstack/2018-08-27/meta_data.json") == web.read(f"{OPENSTACK}/meta_data.json")
    assert json.loads(web.read(f"{OPENSTACK}/vendor_data.json")) == {"cloud-init": "#cloud-config\n{}\n"}
    [link] = json.loads(web.read(f"{OPENSTACK}/network_data.json"))["links"]
    assert link["ethernet_mac_address"] == mac_of(web)
    assert "NOVELLA-GUEST hostname=www" in web.console
    assert "NOVELLA-GUEST meta role=front" in web.console
    assert SECRET not in json.dumps(web.record())
    assert fleet.is_converged()


def test_a_change_is_offered_at_the_next_boot_and_not_before(fleet: LabFleet, web: Guest) -> None:
    life = web.life()
    changed = {**BODY, "metadata": {"role": "back"}, "files": [{**MOTD, "content": "new\n"}]}
    fleet.declare(GUESTS, web=changed)
    planned = text_of(fleet.run("plan"))
    assert "a change of the file /etc/motd" in planned
    assert "hostname www -> none" in planned
    assert SECRET not in planned
    said = text_of(fleet.apply())
    assert "1 to update" in said
    assert fleet.is_converged()
    before = json.loads(web.read(f"{OPENSTACK}/meta_data.json"))
    assert (web.life(), before["hostname"], before["meta"]) == (life, "www.example.org", {"role": "front"})
    assert web.read("/config/openstack/content/0000") == MOTD["content"]
    reboot(fleet, web)
    after = json.loads(web.read(f"{OPENSTACK}/meta_data.json"))
    assert (after["uuid"], after["hostname"], after["meta"]) == (before["uuid"], "web.example.org", {"role": "back"})
    assert web.read("/config/openstack/content/0000") == "new\n"
    assert fleet.is_converged()


def test_a_suspended_guest_goes_on_with_the_drive_it_had_and_boots_with_the_new_one(
    fleet: LabFleet, web: Guest
) -> None:
    suspended = {**BODY, "vm_state": "suspended", "files": [{**MOTD, "content": "new\n"}]}
    fleet.declare(GUESTS, web=suspended)
    fleet.apply()
    assert fleet.is_converged()
    fleet.declare(GUESTS, web={**suspended, "metadata": {"role": "last"}})
    fleet.apply()
    assert fleet.is_converged()
    fleet.declare(GUESTS, web={**suspended, "metadata": {"role": "last"}, "vm_state": "active"})
    fleet.apply()
    web.await_answer()
    web.execute("umount /config; mount -o ro $(findfs LABEL=config-2) /config")
    assert '"role": "last"' not in web.read(f"{OPENSTACK}/meta_data.json")
    reboot(fleet, web)
    assert '"role": "last"' in web.read(f"{OPENSTACK}/meta_data.json")


def test_the_guest_reads_the_same_in_nocloud_form(fleet: LabFleet, web: Guest) -> None:
    form = {"format": "nocloud"}
    fleet.declare(GUESTS, web={**BODY, "config_drive": form, "files": [{**MOTD, "mode": "0600"}]})
    said = text_of(fleet.run("plan"))
    assert "config_drive.format openstack -> nocloud" in said
    fleet.apply()
    assert fleet.is_converged()
    reboot(fleet, web)
    web.execute(MOUNT)
    told = json.loads(web.read("/mnt/meta-data"))
    assert (told["local-hostname"], told["public-keys"]) == ("web.example.org", ["ssh-ed25519 AAAA me"])
    assert told["instance-id"] == web.record()["uuid"]
    network = json.loads(web.read("/mnt/network-config"))
    assert (network["version"], network["ethernets"]["eth0"]["match"]) == (2, {"macaddress": mac_of(web)})
    assert web.read("/mnt/user-data") == ""
    # The vendor data's script writes the file, as cloud-init would have it do.
    script, *_rest = email.message_from_string(web.read("/mnt/vendor-data")).get_payload()
    web.execute(script.get_payload(decode=True).decode())
    assert (web.read("/etc/motd"), web.execute("stat -c %a /etc/motd").strip()) == (MOTD["content"], "600")


def test_a_guest_that_shows_no_such_text_fails_the_apply_in_time_and_is_left_as_it_is(
    fleet: LabFleet, web: Guest
) -> None:
    fleet.declare(GUESTS, web={**BODY, "vm_state": "stopped"})
    fleet.apply()
    # What an earlier boot has shown does not count.
    fleet.declare(GUESTS, web={**BODY, "wait_for": {"console": "boots=1\r", "timeout": PATIENCE}})
    began = time.monotonic()
    failed = fleet.run()
    assert failed.code == 2
    assert PATIENCE <= time.monotonic() - began < PATIENCE + OVERHEAD
    said = text_of(failed)
    assert f"web was not ready {PATIENCE} s after start: its console did not show" in said
    # How far it has come by then is a matter of the machine.
    _before, _colon, shown = said.partition("Its console showed last: ")
    lines = [" ".join(line.split()) for line in web.console.splitlines()]
    assert any(line in shown for line in lines if len(line) > len("NOVELLA-GUEST")), said
    assert web.state == "running"
    assert fleet.is_converged()


def test_guests_are_waited_for_together_by_what_their_consoles_show(fleet: LabFleet) -> None:
    ready = {"wait_for": {"console": "READY hostname=", "timeout": 120}}
    fleet.declare(GUESTS, web={**BODY}, one={"host": "kvm2", **ready}, two={"host": "kvm2", **ready})
    fleet.apply()
    assert all("READY hostname=" in guest_of(fleet, name).console for name in ("one", "two"))
