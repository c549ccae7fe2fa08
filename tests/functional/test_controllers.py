# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several controllers at once, and hosts that fall silent: nothing is built twice, and nothing is taken for absent."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.claiming import Wish
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from support.playbooks import ROOT

DOWN = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_ssh_retries": 0}


def places(site: Any) -> dict[str, list[str]]:
    """Return the hosts of each domain."""
    found: dict[str, list[str]] = {}
    for host, domains in site.domains().items():
        for name in domains:
            found.setdefault(name.removeprefix("test."), []).append(host)
    return found


def take_down(site: Any, *hosts: str) -> None:
    """Let nothing answer under the hosts' addresses; none lets all answer again."""
    content = yaml.safe_load(site.inventory.read_text())
    for name, variables in content["compute"]["hosts"].items():
        for key in DOWN:
            variables.pop(key, None)
        variables.update(DOWN if name in hosts else {"ansible_connection": "local"})
    site.inventory.write_text(yaml.safe_dump(content))


def run_apply(site: Any) -> Any:
    return site.run("apply")


def test_one_fleet_applied_by_three_controllers_at_once_is_built_once(make_site) -> None:
    site = make_site(3)
    site.write_fleet(
        {"web": {"count": 6}, "db": {"count": 2, "server_group": "db"}}, server_groups={"db": {"policy": "affinity"}}
    )
    for host in site.names:
        site.settings(host, delays={"define": 0.3})
    with ProcessPoolExecutor(3) as pool:
        runs = list(pool.map(run_apply, [site] * 3))
    found = places(site)
    assert sorted(found) == ["db-1", "db-2", *(f"web-{number}" for number in range(1, 7))]
    assert all(len(hosts) == 1 for hosts in found.values())
    assert found["db-1"] == found["db-2"]
    for run in runs:
        assert run.code == 0 or "another run" in run.text, run.text
    assert 0 in {run.code for run in runs}
    last = site.run("apply")
    assert (last.code, last.changed) == (0, 0), last.text


def test_what_was_on_a_silent_host_is_unknown_and_new_instances_go_elsewhere(make_site) -> None:
    site = make_site(3)
    site.write_fleet({"web": {"count": 3, "server_group": "web"}}, server_groups={"web": {"policy": "anti-affinity"}})
    assert site.run("apply").code == 0
    before = places(site)
    [lost] = [name for name, hosts in before.items() if hosts == ["kvm2"]]
    take_down(site, "kvm2")
    site.write_fleet(
        {"web": {"count": 3, "server_group": "web"}, "new": {"count": 2}},
        server_groups={"web": {"policy": "anti-affinity"}},
    )
    degraded = site.run("apply")
    assert degraded.code == 2
    assert f"{lost} was last on kvm2, which did not answer" in degraded.text
    after = places(site)
    assert {name: after[name] for name in before} == before
    assert {host for name in ("new-1", "new-2") for host in after[name]} <= {"kvm1", "kvm3"}
    take_down(site)
    healed = site.run("apply")
    assert (healed.code, healed.changed) == (0, 0), healed.text


def test_of_a_host_that_was_never_seen_anything_may_be_there(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {}})
    take_down(site, "kvm2")
    run = site.run("apply")
    assert (run.code, places(site)) == (2, {})
    assert "web may be on kvm2, which did not answer" in run.text


def test_a_deleted_instance_is_forgotten_by_all_hosts(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2, "server_group": "web"}}, server_groups={"web": {"policy": "anti-affinity"}})
    site.run("apply")
    [gone] = [name for name, hosts in places(site).items() if hosts == ["kvm2"]]
    site.write_fleet({"other": {}})
    site.run("apply", prune=True)
    take_down(site, "kvm2")
    site.write_fleet({"web": {"count": 2}, "other": {}})
    run = site.run("apply")
    assert places(site)[gone] == ["kvm1"], run.text


@pytest.mark.parametrize("forgotten", ["kvm1", "kvm2"])
def test_a_host_that_lost_its_database_is_told_again(make_site, forgotten: str) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2, "server_group": "web"}}, server_groups={"web": {"policy": "anti-affinity"}})
    site.run("apply")
    connection = site.driver(forgotten)._db
    for table in ("places", "whereabouts"):
        with connection.transaction() as open_connection:
            open_connection.execute(f"DELETE FROM {table}")
    connection.set_fact("whereabouts_mark", "")
    told = site.run("apply")
    assert (told.code, told.changed) == (0, 0), told.text
    other = "kvm2" if forgotten == "kvm1" else "kvm1"
    take_down(site, other)
    assert "was last on" in site.run("apply").text


def test_an_audit_that_is_saved_names_the_silent_host_and_goes_on(make_site) -> None:
    site = make_site(2)
    take_down(site, "kvm1")
    run = site.run("audit", save_to=str(site.folder / "hosts.json"))
    assert run.code == 0, run.text
    assert list(run.result("Save")["silent"]) == ["kvm1"]


def test_what_another_run_has_claimed_and_does_not_make_is_made_in_the_end(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {}})
    claim_for_another_run(site, "kvm1", "web", seconds=12)
    run = site.run("apply")
    assert (run.code, run.changed) == (0, 1), run.text
    assert "web is in the hands of another run (create on kvm1), and is left to it" in run.text
    assert list(places(site)) == ["web"]


def claim_for_another_run(site: Any, host: str, name: str, seconds: float) -> None:
    """Claim an instance, as a run does that was then cut off from its hosts."""
    uuid = instance_uuid("test", "default", name)
    spec = InstanceSpec(name, Flavor("small", 1, 512, 1), Image("tiny", "/srv/images/tiny.qcow2"), fleet="test")
    create = Action("create", uuid, name, host, "is declared but on no host", spec=spec, vm_state="active")
    path = str(site.state_path(host))
    with contextlib.closing(TrackerDB(path)) as db:
        options = HostOptions(host=host, driver="fake", state_path=path)
        manager = ComputeManager(options, FakeDriver(host, path, db), db)
        answer = manager.claim("another", [Wish(uuid, name, host)], [create], 0, seconds)
    assert answer.as_dict() == {"objections": {}, "refusals": {}}


def test_a_run_that_was_killed_holds_nothing_for_the_next_one_from_the_same_machine(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 3}})
    for host in site.names:
        site.settings(host, delays={"ensure_image": 3})
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "novella.compute.apply",
        "-i",
        str(site.inventory),
    ]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collection"),
    }
    killed = subprocess.Popen(
        [*command, "-e", f"fleet={site.folder / 'fleet.yml'}"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: all(rows(site, host, "claims") for host in site.names))
    finally:
        killed.kill()
        killed.wait()
    for host in site.names:
        site.settings(host)
    # Its modules may go on without it for a moment.
    wait_until(lambda: not any(rows(site, host, "journal") for host in site.names))
    again = site.run("apply")
    assert again.code == 0, again.text
    assert {name: len(hosts) for name, hosts in places(site).items()} == {"web-1": 1, "web-2": 1, "web-3": 1}
    last = site.run("apply")
    assert (last.code, last.changed) == (0, 0), last.text


def rows(site: Any, host: str, table: str) -> list[Any]:
    """Look at a host's database from beside it."""
    path = site.state_path(host) / "tracker.db"
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute(f"SELECT * FROM {table}").fetchall()
        except sqlite3.OperationalError:
            return []


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
