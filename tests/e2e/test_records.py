# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks, metadata, tags and display names of real guests, as virsh and the guests themselves tell it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support.lab_fleet import LabFleet
from support.lab_guest import Guest, have_guest
from support.playbooks import Outcome, run_playbook

LABELS = {"metadata": {"owner": "shop team"}, "tags": ["public", "front"], "display_name": "Shop <window> & till"}


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    # A test that failed may have left it locked.
    operate(made, "unlock")
    made.end()


@pytest.fixture
def guest(fleet: LabFleet) -> Guest:
    """A guest on kvm2 that has booted."""
    return have_guest(fleet)


def operate(fleet: LabFleet, playbook: str, **variables: Any) -> Outcome:
    """Run one of the playbooks for instances on all that the fleet has."""
    return run_playbook(playbook, inventory=fleet.lab.inventory, only_fleet=fleet.name, **variables)


def describe(fleet: LabFleet, *options: str, **labels: Any) -> Outcome:
    task = {"name": "Describe", "novella.compute.instance_metadata": {"fleet": fleet.name, **labels}}
    path = fleet.folder / "describe.yml"
    path.write_text(yaml.safe_dump([{"hosts": "compute", "gather_facts": False, "tasks": [task]}]))
    return run_playbook(str(path), *options, inventory=fleet.lab.inventory)


def test_metadata_of_a_running_guest_changes_in_record_and_title_and_it_goes_on(fleet: LabFleet, guest: Guest) -> None:
    up, life, began = guest.uptime(), guest.life(), time.monotonic()
    checked = describe(fleet, "--check", "--diff", **LABELS)
    assert (checked.code, checked.changed) == (0, 1), checked.text
    assert "metadata" not in guest.record()["spec"]
    done = describe(fleet, **LABELS)
    assert (done.code, done.changed) == (0, 1), done.text
    for where in ((), ("--config",)):
        spec = guest.record(*where)["spec"]
        assert (spec["metadata"], spec["tags"]) == ({"owner": "shop team"}, ["front", "public"])
        assert spec["display_name"] == guest.title(*where) == LABELS["display_name"]
    assert guest.life() == life
    assert 0 < guest.uptime() - up <= time.monotonic() - began + 1
    again = describe(fleet, **LABELS)
    assert (again.code, again.changed) == (0, 0), again.text


def test_a_title_outlives_a_hard_reboot_and_goes_when_it_is_taken_away(fleet: LabFleet, guest: Guest) -> None:
    assert describe(fleet, display_name="Till").code == 0
    assert operate(fleet, "hard_reboot").code == 0
    assert (guest.title(), guest.title("--config")) == ("Till", "Till")
    assert describe(fleet, display_name="Till", state="absent").code == 0
    assert "display_name" not in guest.record()["spec"]
    assert "Till" not in guest.title() + guest.title("--config")


def test_a_fleet_brings_back_what_it_declares(fleet: LabFleet, guest: Guest) -> None:
    life = guest.life()
    assert describe(fleet, **LABELS).code == 0
    fleet.declare(web={"host": "kvm2", "tags": ["declared"], "display_name": "Declared"})
    fleet.apply()
    assert (guest.record()["spec"]["tags"], guest.title()) == (["declared"], "Declared")
    assert guest.life() == life
    assert fleet.is_converged()


def test_a_locked_guest_survives_prune(fleet: LabFleet, guest: Guest) -> None:
    life = guest.life()
    locked = operate(fleet, "lock", reason="an audit")
    assert (locked.code, locked.changed) == (0, 1), locked.text
    assert operate(fleet, "lock", reason="an audit").changed == 0
    record = guest.record()
    assert (record["locked"], record["locked_reason"]) == (True, "an audit")
    refused = operate(fleet, "stop")
    assert refused.code == 2
    fleet.declare(other={})
    pruned = fleet.run("apply", prune=True)
    assert pruned.code != 0
    for text in (refused.text, pruned.text):
        assert "web is locked: an audit. Unlock it first" in " ".join(text.split())
    assert sorted(fleet.homes()) == ["other", "web"]
    assert guest.life() == life
    assert guest.answers
    assert operate(fleet, "unlock").code == 0
    fleet.apply(prune=True)
    assert sorted(fleet.homes()) == ["other"]


def test_what_is_made_locked_stays_so_until_its_fleet_says_otherwise(fleet: LabFleet) -> None:
    fleet.declare(vault={"host": "kvm2", "locked": True})
    fleet.apply()
    assert fleet.is_converged()
    home, domain = fleet.lab.host("kvm2"), f"{fleet.name}.vault"
    fleet.declare(vault={"host": "kvm2", "vm_state": "stopped"})
    refused = fleet.run()
    assert refused.code != 0
    assert "vault is locked: it is declared locked." in " ".join(refused.text.split())
    assert home.virsh("domstate", domain).strip() == "running"
    fleet.declare(vault={"host": "kvm2", "vm_state": "stopped", "locked": False})
    fleet.apply()
    assert home.virsh("domstate", domain).strip() == "shut off"
    assert fleet.is_converged()
