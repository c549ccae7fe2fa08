# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dedicated CPUs on real hosts: each has two CPUs, of which one is shared and the other is to be had once."""

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.playbooks import Outcome, run_playbook

CPU_SETS = {"novella_cpu_shared_set": "0", "novella_cpu_dedicated_set": "1"}
PINNED = {"vcpus": 1, "memory_mb": 128, "root_gb": 1, "extra_specs": {"hw:cpu_policy": "dedicated"}}
PARTS = {
    "version": "1.0",
    "name": "numa",
    "flavors": {"pinned": PINNED, "plain": {"vcpus": 1, "memory_mb": 128, "root_gb": 1}},
    "images": {"guest": {"source": "/srv/images/tiny.qcow2"}},
    "networks": {"front": {"libvirt_network": "default"}},
}
# What another controller's plan, made of the same audit, would hand to this host.
RIVAL = """
- hosts: {host}
  gather_facts: false
  tasks:
    - name: Reconcile
      novella.compute.reconcile:
        actions: "{{{{ rival }}}}"
        on_failure: report
"""


@dataclass
class Fleet:
    """A fleet file and the lab it is for."""

    lab: Any
    folder: Path

    def declare(self, instances: dict[str, Any]) -> None:
        common = {"image": "guest", "networks": [{"network": "front"}]}
        content = {**PARTS, "instances": {name: {**common, **body} for name, body in instances.items()}}
        (self.folder / "fleet.yml").write_text(yaml.safe_dump(content, sort_keys=False))

    def apply(self, **extra_vars: Any) -> Outcome:
        path = str(self.folder / "fleet.yml")
        return run_playbook("apply", inventory=self.lab.inventory, fleet=path, **CPU_SETS, **extra_vars)

    def claim(self, host: str, name: str) -> dict[str, Any]:
        """Have one more pinned instance claimed on a host, as a plan that knows nothing of the others would."""
        spec = {
            "name": name,
            "flavor": {"name": "pinned", **PINNED},
            "image": {"name": "guest", **PARTS["images"]["guest"]},
        }
        action = {
            "operation": "create",
            "uuid": str(uuid.uuid4()),
            "name": name,
            "host": host,
            "reason": "a rival plan",
        }
        playbook = self.folder / "rival.yml"
        playbook.write_text(RIVAL.format(host=host))
        rival = [{**action, "spec": {**spec, "fleet": "numa"}, "vm_state": "active"}]
        outcome = run_playbook(str(playbook), inventory=self.lab.inventory, rival=rival, **CPU_SETS)
        assert outcome.code == 0, outcome.text
        return outcome.result("Reconcile")["results"][0]

    def homes(self) -> dict[str, Any]:
        """By domain name of this fleet: its host."""
        return {
            name: host
            for host in self.lab.hosts
            for name in host.virsh("list", "--all", "--name").split()
            if name.startswith("numa.")
        }


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet of its own; whatever the test built is gone afterwards."""
    fleet = Fleet(lab, tmp_path)
    yield fleet
    fleet.declare({})
    gone = fleet.apply(prune=True)
    assert gone.code == 0, gone.text
    assert fleet.homes() == {}


def test_a_pinned_instance_runs_on_its_cpu_and_the_next_is_refused_by_scheduler_and_claim(fleet: Fleet) -> None:
    count = len(fleet.lab.hosts)
    fleet.declare({"db": {"flavor": "pinned", "count": count + 1}, "web": {"flavor": "plain"}})
    outcome = fleet.apply()
    assert outcome.code != 0
    assert "NUMATopologyFilter" in outcome.text
    assert "has 0 of 1 dedicated CPUs free in NUMA cell 0" in outcome.text
    homes = fleet.homes()
    pinned = {name: host for name, host in homes.items() if name.startswith("numa.db-")}
    assert len(pinned) == len({host.name for host in pinned.values()}) == count
    for name, host in pinned.items():
        tree = ET.fromstring(host.virsh("dumpxml", name))
        assert [pin.attrib for pin in tree.findall("cputune/vcpupin")] == [{"vcpu": "0", "cpuset": "1"}]
        assert tree.find("cputune/emulatorpin").get("cpuset") == "1"
        assert tree.find("numatune/memory").get("nodeset") == "0"
        assert host.virsh("vcpupin", name, "--live").split()[-2:] == ["0", "1"]
        host.wait_for_console(name, "NOVELLA-GUEST READY")
    plain = ET.fromstring(homes["numa.web"].virsh("dumpxml", "numa.web"))
    assert plain.find("vcpu").get("cpuset") == "0"

    name, host = next(iter(pinned.items()))
    refused = fleet.claim(host.name, "rival")
    assert refused["status"] == "failed"
    assert refused["error"]["code"] == "ComputeResourcesUnavailable"
    assert "has 0 of 1 dedicated CPUs free" in refused["error"]["message"]
    assert "numa.rival" not in fleet.homes()

    # What the claim gave is in the record, so the next audit counts it, and gives it again once it is free.
    fleet.declare({"db": {"flavor": "pinned", "count": count}, "web": {"flavor": "plain"}})
    pruned = fleet.apply(prune=True)
    assert pruned.code == 0, pruned.text
    assert fleet.apply().changed == 0
    host.virsh("destroy", name)
    restarted = fleet.apply()
    assert restarted.code == 0, restarted.text
    assert host.virsh("vcpupin", name, "--live").split()[-2:] == ["0", "1"]
