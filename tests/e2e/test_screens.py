# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Screens of real guests: where nothing was said there is none, and where one is, it answers."""

from __future__ import annotations

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


def ask(made: LabFleet, inventory: Path, **options: Any) -> Outcome:
    task = {"name": "Ask", "novella.compute.instance_console": {**options}}
    path = made.folder / "ask.yml"
    path.write_text(yaml.safe_dump([{"hosts": "kvm2", "gather_facts": False, "tasks": [task]}]))
    return run_playbook(str(path), inventory=inventory)


def test_a_screen_is_there_where_it_was_asked_for_and_its_token_is_good_once(fleet: LabFleet) -> None:
    fleet.declare(web={"host": "kvm2"})
    fleet.apply()
    refused = ask(fleet, fleet.lab.inventory, name="web", fleet=fleet.name)
    assert refused.code == 2
    assert "web has no vnc console on kvm2." in " ".join(refused.text.split())
    inventory = fleet.inventory_with("kvm2", novella_vnc_server_listen="127.0.0.1")
    rebooted = fleet.run("hard_reboot", inventory, instances="web", only_fleet=fleet.name)
    assert rebooted.code == 0, rebooted.text
    given = ask(fleet, inventory, name="web", fleet=fleet.name).result("Ask")["console"]
    assert given["address"] == "127.0.0.1"
    reach = f"exec 3<>/dev/tcp/127.0.0.1/{given['port']} && head -c 4 <&3"
    home = fleet.lab.host("kvm2")
    assert home.run(["bash", "-c", reach]) == "RFB "
    listening = home.run(["ss", "-Hltn", f"sport = :{given['port']}"])
    assert "127.0.0.1" in listening
    assert "0.0.0.0:" + str(given["port"]) not in listening
    token = {"token": given["token"], "port": given["port"]}
    assert [ask(fleet, inventory, **token).result("Ask")["valid"] for _time in range(2)] == [True, False]
