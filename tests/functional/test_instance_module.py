# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module for a single instance, in a play of a user's own."""

from typing import Any

import yaml
from support.playbooks import run_playbook

BUILD = {
    "name": "build-1",
    "flavor": {"vcpus": 2, "memory_mb": 1024, "root_gb": 5},
    "image": {"source": "/srv/images/tiny.qcow2"},
    "networks": [{"network": "front", "libvirt_network": "default"}],
}


def play(site: Any, options: dict[str, Any], *arguments: str) -> Any:
    task = {"name": "The instance", "novella.compute.instance": options}
    path = site.write_text(yaml.safe_dump([{"hosts": "compute", "gather_facts": False, "tasks": [task]}]), "play.yml")
    return run_playbook(str(path), *arguments, inventory=site.inventory)


def test_an_instance_is_brought_to_any_state_and_deleted_and_each_again_changes_nothing(make_site) -> None:
    site = make_site(1)
    steps = [
        (BUILD, {"build-1": "running"}, ["create"]),
        ({**BUILD, "vm_state": "stopped"}, {"build-1": "shutdown"}, ["stop"]),
        ({**BUILD, "vm_state": "paused"}, {"build-1": "paused"}, ["start", "pause"]),
        ({**BUILD, "vm_state": "suspended"}, {"build-1": "suspended"}, ["unpause", "suspend"]),
        (BUILD, {"build-1": "running"}, ["resume"]),
        ({"name": "build-1", "state": "absent"}, {}, ["delete"]),
    ]
    for options, domains, operations in steps:
        before = site.domains()
        checked = play(site, options, "--check", "--diff")
        assert (checked.code, checked.changed) == (0, 1), checked.text
        assert [action["operation"] for action in checked.result("The instance")["actions"]] == operations
        assert site.domains() == before
        done = play(site, options)
        assert (done.code, done.changed) == (0, 1), done.text
        assert site.domains() == {"kvm1": domains}
        assert play(site, options).changed == 0


def test_on_a_host_that_keeps_what_is_deleted_an_absent_instance_can_be_had_back(make_site) -> None:
    site = make_site(1, novella_reclaim_instance_interval=3600)
    play(site, BUILD)
    absent = {"name": "build-1", "state": "absent"}
    steps = [(absent, "shutdown", "soft_delete"), (BUILD, "running", "restore")]
    for options, power, operation in steps:
        checked = play(site, options, "--check", "--diff")
        done = play(site, options)
        for outcome in (checked, done):
            assert (outcome.code, outcome.changed) == (0, 1), outcome.text
            assert outcome.result("The instance")["actions"][0]["operation"] == operation
        assert site.domains() == {"kvm1": {"build-1": power}}
        assert play(site, options).changed == 0
    site.driver("kvm1").undefine(site.driver("kvm1").list_domains()[0].uuid)
    refused = play(site, absent)
    assert refused.result("The instance")["code"] == "NotSupported"
    gone = play(site, {**absent, "reclaim_instance_interval": 0})
    assert (gone.code, gone.changed) == (0, 1), gone.text
    assert site.driver("kvm1").list_root_disks() == set()


def test_what_the_guest_would_feel_is_done_with_consent_alone(make_site) -> None:
    site = make_site(1)
    play(site, BUILD)
    larger = {**BUILD, "flavor": {"vcpus": 2, "memory_mb": 2048, "root_gb": 5}}
    refused = play(site, larger)
    assert refused.result("The instance")["code"] == "NotSupported"
    assert "flavor.memory_mb 1024 -> 2048 needs a restart" in refused.text
    assert site.driver("kvm1").list_domains()[0].size.memory_mb == 1024
    checked = play(site, {**larger, "consent": ["restart"]}, "--check", "--diff")
    done = play(site, {**larger, "consent": ["restart"]})
    for outcome in (checked, done):
        assert (outcome.code, outcome.changed) == (0, 1), outcome.text
        assert [action["operation"] for action in outcome.result("The instance")["actions"]] == ["reconfigure"]
    assert site.driver("kvm1").list_domains()[0].size.memory_mb == 2048
    assert play(site, larger).changed == 0
    rebuilt = play(site, {**larger, "user_data": "#!/bin/sh", "consent": ["rebuild"]})
    assert [action["operation"] for action in rebuilt.result("The instance")["actions"]] == ["rebuild"], rebuilt.text


def test_an_instance_that_does_not_fit_is_refused_with_the_reason(make_site) -> None:
    site = make_site(1)
    site.settings("kvm1", resources={"memory_mb": 1024})
    outcome = play(site, BUILD)
    assert outcome.result("The instance")["code"] == "ComputeResourcesUnavailable"
    assert "wants 1024 MB of memory, 512 are free" in outcome.text
    assert site.domains() == {"kvm1": {}}


def test_a_name_that_leaves_its_folder_is_refused(make_site) -> None:
    site = make_site(1)
    outcome = play(site, {**BUILD, "name": "../../etc/passwd"})
    assert "name is '../../etc/passwd', which is no host name" in outcome.text
    assert "Traceback" not in outcome.text
