# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that make images of instances' disks, wherever they live."""

from __future__ import annotations

from typing import Any

import yaml
from support.playbooks import run_playbook


def images(site: Any) -> list[str]:
    return sorted(path.stem for host in site.names for path in site.state_path(host).glob("snapshots/*/*.qcow2"))


def test_snapshots_are_made_wherever_instances_are_by_one_module_run_per_host_and_once(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2, "vm_state": "any"}, "db": {"vm_state": "stopped"}})
    assert site.run("apply").code == 0
    checked = site.run("snapshot", "--check", "--diff", instances="web-*,db", snapshot="first")
    assert (checked.code, checked.changed) == (0, 2), checked.text
    assert "+- first" in checked.text
    assert images(site) == []
    done = site.run("snapshot", instances="web-*,db", snapshot="first")
    assert (done.code, done.changed, len(done.results["Snapshot"])) == (0, 2, 2), done.text
    assert images(site) == ["first"] * 3
    assert "The image is " in done.text
    again = site.run("snapshot", instances="web-*,db", snapshot="first")
    assert (again.code, again.changed) == (0, 0), again.text
    gone = site.run("snapshot", instances="web-1,db", snapshot="first", snapshot_state="absent")
    assert gone.code == 0, gone.text
    assert images(site) == ["first"]
    refused = site.run("snapshot", instances="db", snapshot="../first")
    assert refused.code == 2
    assert "snapshot is '../first', which is no name of a snapshot." in " ".join(refused.text.split())


def test_a_backup_says_itself_when_it_was_made_and_its_image_can_be_had_back(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {"vm_state": "any"}})
    assert site.run("apply").code == 0
    for name in ("one", "two"):
        assert site.run("backup", instances="web", rotation=2, snapshot=name).code == 0
    done = site.run("backup", instances="web", rotation=2)
    assert (done.code, done.changed) == (0, 1), done.text
    [older, newest] = sorted(images(site), key=len)
    assert (older, newest.startswith("daily-20")) == ("two", True)
    tasks = [
        {"name": "List", "novella.compute.instance_snapshot_info": {"names": ["web"]}, "register": "found"},
        {
            "name": "Restore",
            "novella.compute.instance_action": {
                "action": "rebuild",
                "names": ["web"],
                "image": "{{ found.snapshots[0].image }}",
            },
        },
    ]
    path = site.write_text(yaml.safe_dump([{"hosts": "compute", "gather_facts": False, "tasks": tasks}]), "restore.yml")
    restored = run_playbook(str(path), inventory=site.inventory)
    assert (restored.code, restored.changed) == (0, 1), restored.text
    [domain] = site.driver("kvm1").list_domains()
    image = domain.record["spec"]["image"]
    assert (image["name"], image["source"].endswith(f"/{newest}.qcow2")) == (newest, True)
