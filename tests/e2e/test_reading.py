# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a real guest: what it uses, what it said, and how Ansible reaches it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.controllers import ENVIRONMENT
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import Guest, have_guest
from support.playbooks import run_playbook

READY = "NOVELLA-GUEST READY"
LOGS = "var/log/libvirt/qemu"
HOSTILE = b"\x1b[2J\x1b]0;owned\x07 \xff END-OF-HARM\n"


@dataclass
class ToldGuest(Guest):
    """One guest on kvm2, and what Novella tells of it."""

    fleet: LabFleet

    def told(self, **options: Any) -> dict[str, Any]:
        outcome = run_playbook(
            "instance_info", inventory=self.fleet.lab.inventory, names="web", only_fleet=self.fleet.name, **options
        )
        assert outcome.code == 0, outcome.text
        (told,) = [item for result in outcome.results["Ask"] for item in result["instances"]]
        assert told["host"] == self.home.name
        return told


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()


@pytest.fixture
def guest(fleet: LabFleet) -> ToldGuest:
    made = have_guest(fleet, metadata={"role": "front"})
    return ToldGuest(made.home, made.domain, fleet)


def test_what_a_guest_uses_grows_from_one_reading_to_the_next(guest: ToldGuest) -> None:
    first = guest.told(diagnostics=True)["diagnostics"]
    assert (first["state"], first["driver"], first["hypervisor_os"]) == ("running", "libvirt", "linux")
    assert first["hypervisor"] in ("qemu", "kvm")
    assert (first["num_cpus"], first["num_nics"], first["num_disks"]) == (1, 1, 2)
    assert first["config_drive"] is True
    assert first["memory_details"] == {"maximum": 128, "used": 128}
    spec = guest.told()["instance"]["spec"]
    assert [nic["mac_address"] for nic in first["nic_details"]] == [nic["mac_address"] for nic in spec["networks"]]
    assert first["disk_details"][0]["read_bytes"] > 0
    plugged = guest.told(devices=True)["devices"]
    assert [(device["type"], device["kind"]) for device in plugged] == [
        ("disk", "disk"),
        ("disk", "disk"),
        ("nic", "virtio"),
    ]
    assert plugged[2]["mac"] == spec["networks"][0]["mac_address"]
    # The guest asked for its address.
    assert first["nic_details"][0]["tx_packets"] > 0

    def spent(figures: dict[str, Any]) -> int:
        return sum(cpu["time"] for cpu in figures["cpu_details"])

    second = guest.told(diagnostics=True)["diagnostics"]
    assert spent(second) > spent(first) > 0
    assert second["uptime"] > first["uptime"] >= 0
    guest.home.virsh("destroy", guest.domain)
    off = guest.told(diagnostics=True)
    assert (off["diagnostics"], off["diagnostics_reason"]) == (None, "There are none, as it is off.")


def test_what_a_guest_said_is_told_across_rotation_and_does_no_harm(guest: ToldGuest) -> None:
    assert READY in guest.told(console_bytes=1 << 20)["console_output"]
    handle = guest.ask("guest-file-open", path="/dev/ttyS0", mode="w")
    guest.ask("guest-file-write", handle=handle, **{"buf-b64": base64.b64encode(HOSTILE).decode()})
    guest.ask("guest-file-close", handle=handle)
    guest.home.wait_for_console(guest.domain, "END-OF-HARM")
    said = guest.told(console_lines=5)["console_output"]
    assert r"\x1b[2J\x1b]0;owned\x07 \xff END-OF-HARM" in said
    assert not {char for char in said if ord(char) < 32} - {"\n", "\t"}
    # As virtlogd does it: what was written is in another file then.
    (log,) = (guest.home.files / LOGS).glob(f"novella-{guest.told()['uuid']}.console.log")
    log.rename(log.with_name(f"{log.name}.0"))
    log.write_text("after the rotation\n")
    try:
        told = guest.told(console_bytes=1 << 20)["console_output"]
        assert told.index(READY) < told.index("END-OF-HARM") < told.index("after the rotation")
    finally:
        log.with_name(f"{log.name}.0").rename(log)


def test_the_inventory_lists_the_guest_with_its_address(guest: ToldGuest, tmp_path: Path) -> None:
    lab = guest.fleet.lab
    source = {"plugin": "novella.compute.instances", "inventory": [str(lab.inventory)], "fleets": [guest.fleet.name]}
    (tmp_path / "instances.yml").write_text(yaml.safe_dump(source))
    found: dict[str, Any] = {}

    def has_address() -> bool:
        outcome = subprocess.run(
            [sys.executable, "-m", "ansible", "inventory", "-i", "instances.yml", "--list"],
            cwd=tmp_path,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stderr
        found.update(json.loads(outcome.stdout))
        return "ansible_host" in found["_meta"]["hostvars"]["web"]

    await_condition(has_address, "the guest's address is known")
    web = found["_meta"]["hostvars"]["web"]
    assert f"address eth0={web['ansible_host']}" in guest.console
    assert (web["novella"]["host"], web["novella"]["metadata"]) == ("kvm2", {"role": "front"})
    for group in ("novella_instances", "host_kvm2", "metadata_role_front", "flavor_tiny"):
        assert found[group]["hosts"] == ["web"]
