# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role controller_timer: its units are right, and what they run is what was asked for."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.playbooks import ROOT, Outcome, run_playbook

HOSTILE = ["--limit", "rack 1,50%", 'quote " and back\\slash', "$HOME;`id`"]


def apply_role(folder: Path, *options: str, **variables: Any) -> Outcome:
    role = {
        "role": "novella.compute.controller_timer",
        "controller_timer_unit_path": str(folder / "units"),
        "controller_timer_started": False,
        "controller_timer_inventory": ["/etc/ansible/hosts"],
        "controller_timer_user": "daemon",
        **variables,
    }
    (folder / "units").mkdir(exist_ok=True)
    path = folder / "play.yml"
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "roles": [role]}
    path.write_text(yaml.safe_dump([play]))
    return run_playbook(str(path), *options)


def read_unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(path.read_text())
    return parser


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    options = {"controller_timer_executable": "/usr/bin/env", "controller_timer_environment": {"A": 'b "c" 5%'}}
    first = apply_role(tmp_path, controller_timer_extra_args=HOSTILE, **options)
    assert (first.code, first.changed) == (0, 1), first.text
    units = [str(tmp_path / "units" / f"novella-periodic.{kind}") for kind in ("service", "timer")]
    said = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    about_ours = [line for line in said.stderr.splitlines() if "novella-periodic" in line]
    assert (said.returncode, about_ours) == (0, []), said.stderr
    assert apply_role(tmp_path, controller_timer_extra_args=HOSTILE, **options).changed == 0


def test_what_is_asked_for_stands_in_the_units_and_every_argument_stays_one(tmp_path: Path) -> None:
    outcome = apply_role(tmp_path, controller_timer_extra_args=HOSTILE, controller_timer_spacing="5min")
    assert outcome.code == 0, outcome.text
    service, timer = (read_unit(tmp_path / "units" / f"novella-periodic.{kind}") for kind in ("service", "timer"))
    assert service["Service"]["User"] == "daemon"
    assert timer["Timer"]["OnUnitInactiveSec"] == "5min"
    assert service["Service"]["ExecStart"] == " ".join(
        [
            "/usr/bin/ansible-playbook",
            '-i "/etc/ansible/hosts"',
            '"--limit"',
            '"rack 1,50%%"',
            r'"quote \" and back\\slash"',
            '"$$HOME;`id`"',
            '"novella.compute.periodic"',
        ]
    )


def test_a_check_writes_nothing_and_absent_removes_the_units(tmp_path: Path) -> None:
    assert apply_role(tmp_path, "--check").changed == 1
    assert list((tmp_path / "units").iterdir()) == []
    apply_role(tmp_path)
    gone = apply_role(tmp_path, controller_timer_state="absent")
    assert (gone.code, gone.changed) == (0, 1), gone.text
    assert list((tmp_path / "units").iterdir()) == []
    assert apply_role(tmp_path, controller_timer_state="absent").changed == 0


def test_a_timer_for_no_hosts_is_refused(tmp_path: Path) -> None:
    outcome = apply_role(tmp_path, controller_timer_inventory=[])
    assert outcome.code != 0
    assert "Say whose hosts to look after" in outcome.text


def test_the_example_of_the_page_on_periodic_tasks_is_accepted(tmp_path: Path) -> None:
    page = (ROOT / "docs/periodic.md").read_text()
    block = next(text for text in re.findall(r"```yaml\n(.*?)```", page, re.S) if "controller_timer" in text)
    role = yaml.safe_load(block)[0]["roles"][0]
    outcome = apply_role(tmp_path, **{name: value for name, value in role.items() if name != "role"})
    assert outcome.code == 0, outcome.text
    service = read_unit(tmp_path / "units/novella-periodic.service")["Service"]
    assert service["User"] == "ansible"
    assert '"--limit" "rack1:rack2"' in service["ExecStart"]
