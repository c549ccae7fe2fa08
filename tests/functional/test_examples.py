# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of every module and lookup do what they say, run one after the other on fake hosts."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from support.playbooks import ROOT, run_playbook

PLUGINS = sorted([*(ROOT / "plugins/modules").glob("*.py"), *(ROOT / "plugins/lookup").glob("*.py")])

# What the reader of an example has done before: an audit, a plan, and saved files of both.
BEFORE = """
- name: Audit
  novella.compute.compute_node_facts:
  register: novella_audit
- name: Plan
  novella.compute.plan: {fleet: fleet.yml}
  register: novella_plan
  run_once: true
- name: Snapshot
  novella.compute.snapshot: {save_to: snapshot.json}
  run_once: true
"""

# Whose examples speak of instances that are there, and of those which speak to the one host that has them.
OF_INSTANCES = {"summary", "instance_action_table", "instance_console", "instance_screenshot", "instance_snapshot_info"}
AT_HOME = {"instance_console", "instance_screenshot"}
EXTRAS = {
    "user_data": {"user_data": "#!/bin/sh\n"},
    "guest_contents": {"files": [{"path": "/etc/motd", "content": "hello\n"}]},
}
# Whose examples speak of domains that are not Novella's.
OF_FOREIGN = {"adoption", "instance_adopt"}


def examples_of(plugin: Path) -> list[dict[str, Any]]:
    for node in ast.parse(plugin.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "EXAMPLES":
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{plugin} has no examples")


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: f"{plugin.parent.name}-{plugin.stem}")
def test_the_examples_of_a_plugin_run(make_site, plugin: Path) -> None:
    site = make_site(1 if plugin.stem in AT_HOME else 3)
    site.write_fleet({"web": {"count": 3, **EXTRAS.get(plugin.stem, {})}, "db": {}})
    if plugin.stem in OF_INSTANCES:
        assert site.run("apply").code == 0
        assert site.run("snapshot", instances="db", snapshot="before").code == 0
    if plugin.stem in OF_FOREIGN:
        domain = Domain("6ba7b811-9dad-51d1-80b4-00c04fd430c8", "legacy-mail", "running", Usage(1, 512, 1))
        site.driver("kvm2").put_foreign(domain)
    tasks = yaml.safe_load(BEFORE) + examples_of(plugin)
    path = site.write_text(yaml.safe_dump([{"hosts": "compute", "gather_facts": False, "tasks": tasks}]), "play.yml")
    outcome = run_playbook(str(path), inventory=site.inventory, folder=site.folder)
    assert outcome.code == 0, outcome.text
    for task in tasks:
        assert task["name"] in outcome.results
