# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of guests, as ansible-inventory shows it: from saved audits and from fake hosts."""

import ast
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.clock import now
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation, write_snapshot
from support.busy_host import interrupt
from support.playbooks import ROOT, run_playbook
from support.read_only import read_bytes

PLUGIN = "novella.compute.instances"
NETWORKS = [{"network": "front"}]
WEB = {"count": 2, "networks": NETWORKS, "metadata": {"role": "front", "template": "{{ 1 + 1 }}"}}
FLEET = {"web": WEB, "db": {"networks": NETWORKS}, "off": {"vm_state": "stopped"}}


def ask(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-inventory in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "ansible", "inventory", *options],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collection"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_NOCOLOR": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def read(folder: Path, *options: str, **environment: str) -> dict[str, Any]:
    """Return the inventory in instances.yml, with the warnings that came with it."""
    outcome = ask(folder, "-i", "instances.yml", "--list", *options, **environment)
    assert outcome.returncode == 0, outcome.stderr
    return {**json.loads(outcome.stdout), "warnings": " ".join(outcome.stderr.split())}


def complaint(folder: Path) -> str:
    outcome = ask(folder, "-i", "instances.yml", "--list")
    assert outcome.returncode != 0
    assert "Traceback" not in outcome.stderr
    return " ".join(outcome.stderr.split())


def write(folder: Path, **options: Any) -> None:
    (folder / "instances.yml").write_text(yaml.safe_dump({"plugin": PLUGIN, **options}))


def variables(inventory: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return inventory["_meta"]["hostvars"]


@pytest.fixture
def site(make_site) -> Any:
    """Two hosts with guests on them, and a saved audit of both."""
    site = make_site(2)
    reports = {}
    for host, names in (("kvm1", ("web-1", "off")), ("kvm2", ("web-2", "db"))):
        state = str(site.state_path(host))
        with contextlib.closing(TrackerDB(state)) as db:
            options = HostOptions(host=host, driver="fake", state_path=state)
            manager = ComputeManager(options, FakeDriver(host, state, db), db)
            results = manager.reconcile([create(name, host) for name in names], {})
            assert [result["status"] for result in results] == ["done", "done"], results
            reports[host] = manager.audit()
    snapshot = write_snapshot(Observation(reports), now())
    (site.folder / "snapshot.json").write_text(json.dumps(snapshot))
    return site


def create(name: str, host: str) -> Action:
    nic = NetworkRequest("front", "52:54:00:00:00:0" + str(len(name)), bridge="br0")
    metadata = {"role": "front"} if name.startswith("web") else {}
    spec = InstanceSpec(name, Flavor("small", 1, 512, 1), fleet="test", networks=[nic], metadata=metadata)
    uuid = instance_uuid("test", "default", name)
    vm_state = "stopped" if name == "off" else "active"
    return Action("create", uuid, name, host, "a test wants it", spec=spec, vm_state=vm_state)


def test_running_guests_are_hosts_with_their_addresses_variables_and_groups(make_site) -> None:
    site = make_site(2)
    site.write_fleet(FLEET)
    assert site.run("apply").code == 0
    assert site.run("audit", save_to=str(site.folder / "snapshot.json")).code == 0
    write(site.folder, hosts_from="snapshot.json")
    inventory = read(site.folder)
    hosts = variables(inventory)
    assert set(hosts) == {"web-1", "web-2", "db"}
    web = hosts["web-1"]
    assert web["ansible_host"] == web["novella"]["addresses"][0]
    assert web["ansible_host"].startswith("10.")
    home = next(host for host, names in site.domains().items() if "test.web-1" in names)
    about = {key: web["novella"][key] for key in ("name", "fleet", "project_id", "host", "flavor", "vm_state")}
    assert about == {
        "name": "web-1",
        "fleet": "test",
        "project_id": "default",
        "host": home,
        "flavor": "small",
        "vm_state": "active",
    }
    # What somebody has written into metadata is never run as a template.
    assert web["novella"]["metadata"] == {"role": "front", "template": {"__ansible_unsafe": "{{ 1 + 1 }}"}}
    groups = {name: body["hosts"] for name, body in inventory.items() if "hosts" in body and name != "_meta"}
    assert groups["metadata_role_front"] == ["web-1", "web-2"]
    assert sorted(groups["novella_instances"]) == sorted(groups["fleet_test"]) == ["db", "web-1", "web-2"]
    assert sorted(groups["project_default"]) == sorted(groups["flavor_small"]) == ["db", "web-1", "web-2"]
    assert "web-1" in groups[f"host_{home}"]
    assert "metadata_template____1___1___" in groups

    # And a play reaches them.
    task = {"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} on {{ novella.host }} {{ novella.metadata }}"}}
    play = site.write_text(
        yaml.safe_dump([{"hosts": "metadata_role_front", "gather_facts": False, "tasks": [task]}]), "play.yml"
    )
    outcome = run_playbook(str(play), inventory=site.folder / "instances.yml")
    assert outcome.code == 0, outcome.text
    assert f"web-1 on {home}" in outcome.text
    assert "{{ 1 + 1 }}" in outcome.text


def test_live_hosts_are_read_and_nothing_is_changed_on_them(site) -> None:
    (site.folder / "snapshot.json").unlink()
    with contextlib.closing(TrackerDB(str(site.state_path("kvm1")))) as db:
        interrupt(db, instance_uuid("test", "default", "web-1"), "stop")
    before = read_bytes(site.folder / "state")
    write(site.folder, inventory=["hosts.yml"], vm_states=["active", "stopped"])
    assert set(variables(read(site.folder))) == {"web-1", "web-2", "db", "off"}
    # A user's own settings of the output spoil nothing, and neither does a folder that has this very file in it.
    folder = site.folder / "inventory"
    folder.mkdir()
    site.inventory.rename(folder / "hosts.yml")
    write(folder, inventory=["."])
    found = read(folder, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal")
    assert set(variables(found)) == {"web-1", "web-2", "db"}
    assert read_bytes(site.folder / "state") == before


def test_live_answers_are_kept_in_the_cache_as_long_as_the_file_asks_for_the_same(site) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(site.folder / "cache")}
    write(site.folder, inventory=["hosts.yml"], **cache)
    assert set(variables(read(site.folder))) == {"web-1", "web-2", "db"}
    (site.state_path("kvm1") / "tracker.db").unlink()
    assert set(variables(read(site.folder))) == {"web-1", "web-2", "db"}
    assert set(variables(read(site.folder, "--flush-cache"))) == {"web-2", "db"}
    write(site.folder, inventory=["hosts.yml"], compute_group="none", **cache)
    assert "could not be read. " in complaint(site.folder)


def test_a_compute_node_that_does_not_answer_is_warned_of(site) -> None:
    hosts = yaml.safe_load(site.inventory.read_text())
    hosts["compute"]["hosts"]["kvm2"].update(
        ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1, ansible_ssh_retries=0
    )
    site.inventory.write_text(yaml.safe_dump(hosts))
    write(site.folder, inventory=["hosts.yml"])
    found = read(site.folder)
    assert {host["novella"]["host"] for host in variables(found).values()} == {"kvm1"}
    assert "The compute node kvm2 did not answer, so its instances are missing" in found["warnings"]
    hosts["compute"]["hosts"].pop("kvm1")
    site.inventory.write_text(yaml.safe_dump(hosts))
    assert "could not be read. " in (said := complaint(site.folder))
    assert "Connection refused" in said


def test_reading_takes_no_longer_than_it_may(site) -> None:
    site.settings("kvm1", delays={"list_domains": 60})
    write(site.folder, inventory=["hosts.yml"], timeout=4)
    assert "The compute nodes were not read within 4 s. Raise the option timeout." in complaint(site.folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "It needs either 'inventory' or 'hosts_from'."),
        ({"hosts_from": "snapshot.json", "inventory": ["hosts.yml"]}, "It needs either 'inventory' or 'hosts_from'."),
        ({"hosts_from": "none.json"}, "none.json' cannot be read: No such file or directory."),
        ({"hosts_from": "fleet.yml"}, "should hold a snapshot or a list of hosts, but holds a mapping without a kind."),
        ({"hosts_from": "snapshot.json", "hostname": "uuid"}, "unknown key 'hostname'. Did you mean 'hostnames'?"),
        ({"hosts_from": "snapshot.json", "vm_states": ["actve"]}, "vm_states has 'actve'. Did you mean 'active'?"),
        ({"hosts_from": "snapshot.json", "hostnames": ["id"]}, "hostnames has 'id'. Did you mean 'uuid'? Known are"),
        ({"hosts_from": "snapshot.json", "subnets": ["10.0.0.1/8"]}, "subnets has '10.0.0.1/8': 10.0.0.1/8 has host"),
        ({"hosts_from": "snapshot.json", "address_family": "ipx"}, "ipx"),
        ({"inventory": ["none.yml"]}, "could not be read. "),
        ({"hosts_from": "snapshot.json", "strict": True, "compose": {"a": "nothing.b"}}, "Could not set a for host db"),
    ],
)
def test_a_fault_is_one_clear_message(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    (tmp_path / "fleet.yml").write_text("instances: {}\n")
    (tmp_path / "snapshot.json").write_text(json.dumps(SNAPSHOT))
    write(tmp_path, **options)
    assert message in complaint(tmp_path)


INSTANCE = {"uuid": "uuid-of-db", "vm_state": "active", "spec": {"name": "db", "flavor": 0}}
SNAPSHOT = {
    "kind": "snapshot",
    "version": "1.0",
    "hosts": {
        "kvm1": {
            "kind": "host",
            "version": "1.1",
            "compute_node": {
                "uuid": "u",
                "host": "kvm1",
                "hypervisor_hostname": "kvm1",
                "vcpus": 8,
                "memory_mb": 8192,
                "local_gb": 100,
            },
            "flavors": [{"name": "small", "vcpus": 1, "memory_mb": 512}],
            "instances": [{"power_state": "running", "addresses": ["192.168.122.7"], "instance": INSTANCE}],
        }
    },
}


def examples() -> list[dict[str, Any]]:
    for node in ast.parse((ROOT / "plugins/inventory/instances.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "EXAMPLES":
            return list(yaml.safe_load_all(ast.literal_eval(node.value)))
    raise AssertionError("there are no examples")


@pytest.mark.parametrize("example", examples(), ids=lambda example: ",".join(example))
def test_the_examples_work(site, example: dict[str, Any]) -> None:
    if "fleets" in example:
        example = {**example, "fleets": ["test"]}
    if "subnets" in example:
        example = {**example, "subnets": ["10.0.0.0/8"]}
    write(site.folder, **example)
    found = read(site.folder)
    names = {name.removeprefix("test.") for name in variables(found)}
    assert names == {"web-1", "web-2", "db"}
    if "groups" in example:
        assert found["frontends"]["hosts"] == ["web-1", "web-2"]
        assert sorted(found["size_small"]["hosts"]) == ["db", "web-1", "web-2"]
        assert "fleet_test" not in found
        db = variables(found)["db"]
        # Ansible itself trusts nothing that is composed.
        assert db["ansible_ssh_common_args"] == {"__ansible_unsafe": f"-o ProxyJump=root@{db['novella']['host']}"}
