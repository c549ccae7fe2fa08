# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Screens of real guests: where nothing was said there is none, and where one is, it answers."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.lab_fleet import LabFleet
from support.playbooks import Outcome, run_playbook


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[LabFleet]:
    made = LabFleet(lab, tmp_path)
    yield made
    made.end()


def ask(made: LabFleet, inventory: Path, module: str = "instance_console", **options: Any) -> Outcome:
    task = {"name": "Ask", f"novella.compute.{module}": {**options}}
    path = made.folder / "ask.yml"
    path.write_text(yaml.safe_dump([{"hosts": "kvm2", "gather_facts": False, "tasks": [task]}]))
    return run_playbook(str(path), inventory=inventory)


def test_a_screen_is_there_where_it_was_asked_for_and_its_token_is_good_once(fleet: LabFleet) -> None:
    fleet.declare(web={"host": "kvm2"})
    fleet.apply()
    refused = ask(fleet, fleet.lab.inventory, name="web", fleet=fleet.name)
    assert refused.code == 2
    assert "web has no vnc console on kvm2." in " ".join(refused.text.split())
    unseen = ask(fleet, fleet.lab.inventory, "instance_screenshot", name="web", fleet=fleet.name, dest="web.png")
    assert unseen.code == 2
    assert "web has no screen on kvm2." in " ".join(unseen.text.split())
    home = fleet.lab.host("kvm2")
    listening = {f"novella_{kind}_server_listen": "127.0.0.1" for kind in ("vnc", "spice", "serial")}
    inventory = fleet.inventory_with("kvm2", **listening)
    rebooted = fleet.run("hard_reboot", inventory, instances="web", only_fleet=fleet.name)
    assert rebooted.code == 0, rebooted.text
    given = ask(fleet, inventory, name="web", fleet=fleet.name).result("Ask")["console"]
    assert given["address"] == "127.0.0.1"
    reach = f"exec 3<>/dev/tcp/127.0.0.1/{given['port']} && head -c 4 <&3"
    assert home.run(["bash", "-c", reach]) == "RFB "
    listening = home.run(["ss", "-Hltn", f"sport = :{given['port']}"])
    assert "127.0.0.1" in listening
    assert "0.0.0.0:" + str(given["port"]) not in listening
    token = {"token": given["token"], "port": given["port"]}
    assert [ask(fleet, inventory, **token).result("Ask")["valid"] for _time in range(2)] == [True, False]
    spice = ask(fleet, inventory, name="web", fleet=fleet.name, type="spice").result("Ask")
    assert spice["topic"] == "console.kvm2"
    assert spice["pool_info"] == {"address": "127.0.0.1", "username": "", "password": ""}
    assert spice["console"]["port"] != given["port"]
    assert "127.0.0.1" in home.run(["ss", "-Hltn", f"sport = :{spice['console']['port']}"])
    take_picture(fleet, inventory)
    speak_on_the_serial_console(fleet, inventory)


def take_picture(fleet: LabFleet, inventory: Path) -> None:
    """What the guest's firmware and boot loader have written stands on the screen: it is not of one colour."""
    taken = ask(fleet, inventory, "instance_screenshot", name="web", fleet=fleet.name, dest="web.png")
    told, png = taken.result("Ask")["screenshot"], fleet.folder / "web.png"
    assert told["dest"] == str(png)
    assert (png.stat().st_mode & 0o777, png.stat().st_size) == (0o600, told["size_bytes"])
    width, height = struct.unpack_from(">II", png.read_bytes(), 16)
    assert (told["width"], told["height"]) == (width, height)
    assert width >= 640 and height >= 350
    assert len(set(zlib.decompress(pixels(png.read_bytes())))) > 2


def pixels(png: bytes) -> bytes:
    """The packed pixels of a PNG: its chunks of data, put together."""
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return data


def speak_on_the_serial_console(fleet: LabFleet, inventory: Path) -> None:
    """The guest has a shell there: it answers, and what it answers is in the log that there always is."""
    home, domain = fleet.lab.host("kvm2"), f"{fleet.name}.web"
    given = ask(fleet, inventory, name="web", fleet=fleet.name, type="serial").result("Ask")["console"]
    assert (given["address"], given["tls_port"]) == ("127.0.0.1", None)
    assert 10000 <= given["port"] <= 20000
    listening = home.run(["ss", "-Hltn", f"sport = :{given['port']}"])
    assert f"127.0.0.1:{given['port']}" in listening
    home.wait_for_console(domain, "NOVELLA-GUEST READY")
    speak = f"exec 3<>/dev/tcp/127.0.0.1/{given['port']} && echo 'echo sum=$((40+2))' >&3 && sleep 1"
    home.run(["bash", "-c", speak])
    home.wait_for_console(domain, "sum=42")
    token = {"token": given["token"], "port": given["port"]}
    assert [ask(fleet, inventory, **token).result("Ask")["valid"] for _time in range(2)] == [True, False]
    # It keeps its port.
    assert fleet.run("hard_reboot", inventory, instances="web", only_fleet=fleet.name).code == 0
    again = ask(fleet, inventory, name="web", fleet=fleet.name, type="serial").result("Ask")["console"]
    assert again["port"] == given["port"]
    assert fleet.run(inventory=inventory).changed == 0
