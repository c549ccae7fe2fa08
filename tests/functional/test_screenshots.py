# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture of a screen ends up in a file of the controller, and nowhere else."""

from typing import Any

import pytest
import yaml
from support.playbooks import Outcome, run_playbook


@pytest.fixture
def site(make_site) -> Any:
    site = make_site(1)
    site.write_fleet({"web": {}, "off": {"vm_state": "stopped"}})
    assert site.run("apply").code == 0
    return site


def take(site: Any, *arguments: str, **options: Any) -> Outcome:
    task = {"name": "Take", "novella.compute.instance_screenshot": options}
    play = site.write_text(yaml.safe_dump([{"hosts": "compute", "gather_facts": False, "tasks": [task]}]), "take.yml")
    return run_playbook(str(play), *arguments, inventory=site.inventory)


def test_a_picture_is_written_for_its_owner_alone_and_once(site) -> None:
    dest = site.folder / "web.png"
    checked = take(site, "--check", name="web", dest=str(dest))
    assert (checked.code, checked.changed, dest.exists()) == (0, 1, False)
    taken = take(site, "-vvv", name="web", dest="web.png")
    assert (taken.code, taken.changed) == (0, 1)
    assert taken.result("Take")["screenshot"]["dest"] == str(dest)
    assert "content" not in taken.result("Take")
    assert dest.read_bytes().startswith(b"\x89PNG")
    assert dest.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in site.folder.glob(".web.png*")] == []
    assert take(site, name="web", dest=str(dest)).changed == 0


def test_who_cannot_have_a_picture_is_told_why(site) -> None:
    off = take(site, name="off", dest=str(site.folder / "off.png"))
    assert (off.code, "off on kvm1 is shutdown: its screen shows nothing." in " ".join(off.text.split())) == (2, True)
    nowhere = take(site, name="web", dest=str(site.folder / "no/folder/web.png"))
    assert nowhere.code == 2
    assert "on the controller cannot be written: No such file or directory." in " ".join(nowhere.text.split())
