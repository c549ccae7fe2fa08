# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbook instance_info shows of guests, and the blocks of the page about reading."""

import re
from typing import Any

import pytest
import yaml
from support.playbooks import ROOT, run_playbook

PAGE = (ROOT / "docs" / "reading.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)]


@pytest.fixture
def site(make_site) -> Any:
    site = make_site(2)
    instances = {"web": {"count": 2, "networks": [{"network": "front"}]}, "off": {"vm_state": "stopped"}}
    site.write_fleet({**instances, "db": {"volumes": [{"size_gb": 1}]}})
    assert site.run("apply").code == 0
    return site


def test_what_guests_use_and_say_is_shown_below_the_table(site) -> None:
    home = next(host for host, names in site.domains().items() if "test.web-1" in names)
    site.settings(home, consoles={"test.web-1": "booting\r\n\x1b[2J\x1b]0;owned\x07login: "})
    outcome = site.run("instance_info", diagnostics=True, console_lines=1)
    assert outcome.code == 0, outcome.text
    assert outcome.changed == 0
    text = " ".join(outcome.text.split())
    assert f"web-1 on {home}: running, CPU time 0.0 s, memory 512 of 512 MiB" in text
    assert "There are none, as it is off." in text
    assert rf"web-1 on {home} \x1b[2J\x1b]0;owned\x07login:" in text
    assert "booting" not in text
    assert "\x1b" not in outcome.text

    refused = site.run("instance_info", console_bytes=2 << 20)
    assert refused.code == 2
    assert "console_bytes must be from 0 to 1048576, but is 2097152." in " ".join(refused.text.split())

    tasks = [task for block in BLOCKS if isinstance(block, list) for task in block]
    play = site.write_text(yaml.safe_dump([{"hosts": "compute", "gather_facts": False, "tasks": tasks}]), "play.yml")
    ran = run_playbook(str(play), inventory=site.inventory)
    assert ran.code == 0, ran.text
    assert {task["name"] for task in tasks} <= set(ran.results)
