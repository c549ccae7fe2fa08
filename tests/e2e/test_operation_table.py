# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation that may be asked for, from every vm_state that it may start from, on a real guest.

The table is that of the declarations, as in tests/unit/compute/test_commands.py: a new operation, or a new state, is
in it by existing. One guest is led from state to state by the operations themselves.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import COMMANDS
from ansible_collections.novella.compute.plugins.module_utils.compute.operation import OPERATIONS, Operation
from ansible_collections.novella.compute.plugins.module_utils.compute.run_states import POWER_OF, SEEN_AS
from ansible_collections.novella.compute.plugins.module_utils.compute.states import DELETED
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, ObservedInstance
from crash.scenarios import ADDRESSES, NAME, OPTIONS, VOLUMES, WRITTEN, Scenario, act, derive_scenarios
from crash.victim import ASKED_BY_NAME, PROGRAM, VictimHost, Victims
from support.host_code import copy_code
from support.lab_fleet import POOL
from support.lab_guest import NAMESPACE

HOME = "kvm1"
CODE = "/root/novella-table"
STATE = "var/lib/novella"
CREATED = act("create", "active")
DOMAIN = f"crash.{NAME}"
# How libvirt calls the power states in which a guest rests.
VIRSH = {"running": "running", "shutdown": "shut off", "paused": "paused", "suspended": "shut off"}
# How long a guest may take to boot, up to its agent, on a machine that emulates others.
BOOT_SECONDS = 240
SCENARIOS = [
    scenario
    for scenario in derive_scenarios()
    if scenario.operation in COMMANDS
    and scenario.start in (OPERATIONS[scenario.operation].vm_states or ())
    and not scenario.besides
]
# What the table allows and no hypervisor can do: a guest that stands still does not let go of a disk.
BEYOND = {
    ("detach_volume", "paused"): "DeviceDetachFailed",
    ("remove_volume_connection", "paused"): "DeviceDetachFailed",
    ("detach_interface", "paused"): "DeviceDetachFailed",
}
# How NICs and addresses are asked for.
INTERFACES = {
    "attach_interface": {"network": "back", "address": "10.9.0.9"},
    "detach_interface": {"network": "back"},
    "add_fixed_ip_to_instance": {"network": "back", "address": "10.9.0.10"},
    "remove_fixed_ip_from_instance": {"address": "10.9.0.10"},
}
# Those of one state behind each other, and what removes the guest last: there are fewer ways to go.
SCENARIOS.sort(key=lambda scenario: (OPERATIONS[scenario.operation].ends_in == DELETED, scenario.start))


@dataclass
class Walker:
    """The one guest, and how to bring it anywhere."""

    host: VictimHost
    home: Any
    volume_gb: int = 1
    limit: int = 500

    def look(self) -> Instance | None:
        """Return its record, or None where there is no such guest."""
        seen = self.sight()
        return None if seen is None else seen.instance

    def go(self, scenario: Scenario) -> Instance:
        """Bring it into the state that a scenario begins in."""
        assert not scenario.problem, scenario.problem
        if scenario.operation in VOLUMES:
            self.plug(bool(VOLUMES[scenario.operation][0]))
        if scenario.operation in ADDRESSES:
            self.wire(ADDRESSES[scenario.operation][0])
        record = self.walk("active" if scenario.written else scenario.start)
        if scenario.operation == "unlock":
            self.do("lock")
            record = self.look()
            assert record is not None
        return self.write(record, scenario.written) if scenario.written else record

    def plug(self, has_volume: bool) -> None:
        """Have the guest run, with a volume or without."""
        if bool(self.walk("active").spec.volumes) != has_volume:
            # Only a guest that has booted lets go of a disk.
            assert self.do_when_booted("set_admin_password")["status"] == "done"
            result = self.do("attach_volume" if has_volume else "detach_volume")
            assert result["status"] == "done", result

    def wire(self, addresses: list[str] | None) -> None:
        """Have the guest run, with a NIC on Novella's own network that has these addresses, or without."""
        record = self.walk("active")
        held = [[item.address for item in nic.addresses] for nic in record.spec.networks if nic.network == "back"]
        if held == ([] if addresses is None else [addresses]):
            return
        if held:
            # Only a guest that has booted lets go of a NIC.
            assert self.do_when_booted("set_admin_password")["status"] == "done"
            assert self.do("detach_interface")["status"] == "done"
        for operation in ("attach_interface", "add_fixed_ip_to_instance")[: len(addresses or [])]:
            assert self.do(operation)["status"] == "done"

    def walk(self, aim: str) -> Instance:
        """Bring it into a state."""
        seen = self.sight()
        record = None if seen is None else seen.instance
        if record is not None and record.vm_state in WRITTEN:
            record = self.write(record, SEEN_AS[seen.power_state])
        if record is not None and record.locked:
            self.do("unlock")
        while record is None or record.vm_state != aim:
            # Step by step: where some lead, depends on where the guest has been.
            result = self.do_when_booted(find_way(None if record is None else record.vm_state, aim)[0])
            assert result["status"] == "done", result
            record = self.look()
        return record

    def do(self, operation: str) -> dict[str, Any]:
        """Do an operation by name, and return what its module tells of it."""
        if operation == "create":
            [result] = self.host.reconcile([CREATED])
        else:
            options = {**self.host.options, **OPTIONS.get(operation, {}), **ASKED_BY_NAME.get(operation, {})}
            if operation in VOLUMES:
                options.update(self.ask_for_volume(operation))
            if operation in INTERFACES:
                options["interface"] = INTERFACES[operation]
            asked = {"action": operation, "uuids": [CREATED.uuid], "on_failure": "report"}
            said = self.host.victims.run("instance_action", {**options, **asked}).result
            assert "results" in said, said.get("msg", said)
            [result] = said["results"]
        return result

    def ask_for_volume(self, operation: str) -> dict[str, Any]:
        """Return the options that ask for the one volume. Its size outlives the guest's having it."""
        record = self.look()
        held = [] if record is None else [item.name for item in record.spec.volumes]
        name = held[0] if held else "data"
        if operation == "extend_volume":
            self.volume_gb += 1
        size = {"size_gb": self.volume_gb}
        if operation == "limit_volume":
            self.limit += 1
            return {"volume": {"name": name, "limits": {"total_iops_sec": self.limit}}}
        if operation == "swap_volume":
            return {"volume": {"name": name}, "new_volume": {"name": "moved" if name == "data" else "data", **size}}
        return {"volume": {"name": name, **(size if operation in ("attach_volume", "extend_volume") else {})}}

    def do_when_booted(self, operation: str) -> dict[str, Any]:
        """Do an operation; one that wants a word with the guest waits until that has booted."""
        end = time.monotonic() + BOOT_SECONDS
        while True:
            result = self.do(operation)
            silent = (result.get("error") or {}).get("code") == "GuestAgentUnavailable"
            if not silent or time.monotonic() > end:
                return result

    def write(self, record: Instance, vm_state: str) -> Instance:
        """Have the record say something else, as an unlucky run would leave it."""
        written = record.but(vm_state=vm_state)
        element = f"<instance>{escape(json.dumps(written.as_document()))}</instance>"
        is_off = self.home.virsh("domstate", DOMAIN).strip() == "shut off"
        where = ["--config"] if is_off else ["--config", "--live"]
        self.home.virsh("metadata", DOMAIN, NAMESPACE, "novella", element, *where)
        return written

    def sight(self) -> ObservedInstance | None:
        report = HostReport.from_document(self.host.audit())
        return next((seen for seen in report.instances if seen.instance.uuid == CREATED.uuid), None)


def find_way(here: str | None, there: str) -> list[str]:
    """Return the operations that lead from one state to another, or to an active guest from none at all."""
    ways: dict[str, list[str]] = {"active": ["create"]} if here is None else {here: []}
    reached = list(ways)
    for state in reached:
        for operation in [item for item in COMMANDS if state in (OPERATIONS[item].vm_states or ())]:
            end = leads_to(OPERATIONS[operation])
            if end not in (None, DELETED) and end not in ways:
                ways[end] = [*ways[state], operation]
                reached.append(end)
    assert there in ways, f"no operation leads from {here} to {there}"
    return ways[there]


def leads_to(declared: Operation) -> str | None:
    """Return where an operation leads wherever it starts."""
    return "active" if declared.name == "restore" else declared.ends_in


@pytest.fixture(scope="module")
def walker(lab: Any) -> Iterator[Walker]:
    home = lab.host(HOME)
    code = home.files / CODE.lstrip("/")
    shutil.rmtree(code, ignore_errors=True)
    copy_code(code, (PROGRAM, PROGRAM.with_name("moments.py")))
    hosts = yaml.safe_load((lab.inventory / "hosts.yml").read_text())["compute"]
    reserved = hosts.get("vars", {}).get("novella_reserved_host_memory_mb", 512)
    times = {"shutdown_timeout": 1.0, "wait_soft_reboot_seconds": 1.0}
    options = {"host": HOME, "reserved_host_memory_mb": reserved, **times}
    inside = [str(lab.home / "bin/lab"), str(lab.home), "exec", HOME]
    command = [*inside, "env", f"PYTHONPATH={CODE}", "/usr/bin/python3", f"{CODE}/{PROGRAM.name}"]
    with Victims(command, os.environ) as victims:
        made = Walker(VictimHost(victims, options, home.files / STATE), home)
        assert made.host.reconcile([act("define_network")])[0]["status"] == "done"
        yield made
        if made.look() is not None:
            made.do("unlock")
            assert made.do("delete")["status"] == "done"
        assert made.host.reconcile([act("delete_network")])[0]["status"] == "done"
        volume = act("delete_volume")
        moved = volume_uuid("crash", "default", "moved")
        made.host.reconcile([volume, volume.but(uuid=moved, name="moved")])
    shutil.rmtree(code)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_an_allowed_operation_ends_as_declared(walker: Walker, scenario: Scenario) -> None:
    declared = OPERATIONS[scenario.operation]
    before = walker.go(scenario)
    is_there = declared.ends_in == before.vm_state and not declared.repeats
    result = walker.do_when_booted(scenario.operation)
    if (scenario.operation, scenario.start) in BEYOND:
        assert (result["status"], result["error"]["code"]) == ("failed", BEYOND[scenario.operation, scenario.start])
        assert walker.look() == before
        return
    assert result["status"] == ("unchanged" if is_there else "done"), result
    end = declared.foretell(before, {})
    assert (result["before"], result["after"]) == (before.vm_state, end)
    after = walker.look()
    if end == DELETED:
        assert after is None
        assert DOMAIN not in walker.home.virsh("list", "--all", "--name").split()
        assert [path.name for path in (walker.home.files / POOL).glob(f"*{CREATED.uuid}*")] == []
        return
    assert after is not None
    assert (after.vm_state, after.task_state) == (end, None)
    if end in POWER_OF:
        assert walker.home.virsh("domstate", DOMAIN).strip() == VIRSH[POWER_OF[end]]


def test_every_state_of_the_table_can_be_had() -> None:
    assert [scenario.problem for scenario in SCENARIOS if scenario.problem] == []
    assert {scenario.operation for scenario in SCENARIOS} == set(COMMANDS)
