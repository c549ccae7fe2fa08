# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations that a person asks for: which states they may start from, and what they leave."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import COMMANDS, Answer, Command
from ansible_collections.novella.compute.plugins.module_utils.compute.injected_file import InjectedFile
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.interface_wish import InterfaceWish
from ansible_collections.novella.compute.plugins.module_utils.compute.operation import OPERATIONS
from ansible_collections.novella.compute.plugins.module_utils.compute.run_states import POWER_OF
from ansible_collections.novella.compute.plugins.module_utils.compute.states import DELETED, VM_STATES
from ansible_collections.novella.compute.plugins.module_utils.compute.volume_wish import VolumeWish
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import mac_address, volume_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.network import FixedIP
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from support.fake_host import IMAGE, FakeHost, create

HERE = sorted({*VM_STATES} - {DELETED})
# What Nova's API allows, and start and stop of what was started or stopped by hand besides.
ALLOWED = {
    "start": {"active", "error", "stopped"},
    "stop": {"active", "error", "stopped"},
    "reboot": {"active"},
    "hard_reboot": {"active", "error", "paused", "stopped", "suspended"},
    "pause": {"active"},
    "unpause": {"paused"},
    "suspend": {"active"},
    "resume": {"suspended"},
    "shelve": {"active", "paused", "shelved", "stopped", "suspended"},
    "unshelve": {"shelved"},
    "rescue": {"active", "error", "stopped"},
    "unrescue": {"rescued"},
    "rebuild": {"active", "error", "stopped"},
    "delete": set(HERE),
    "soft_delete": {"active", "error", "paused", "rescued", "shelved", "stopped", "suspended"},
    "restore": {"soft-delete"},
    "set_admin_password": {"active"},
    "inject_file": {"active", "stopped"},
    "inject_network_info": {"active", "paused", "shelved", "stopped"},
    "reset_network": {"active"},
    "attach_volume": {"active", "paused", "stopped"},
    "detach_volume": {"active", "paused", "stopped"},
    "extend_volume": {"active", "paused", "stopped"},
    "attach_interface": {"active", "paused", "stopped"},
    "detach_interface": {"active", "paused", "stopped"},
    "add_fixed_ip_to_instance": {"active", "paused", "stopped"},
    "remove_fixed_ip_from_instance": {"active", "paused", "stopped"},
    "limit_volume": {"active", "paused", "stopped"},
    "swap_volume": {"active", "paused"},
    "remove_volume_connection": {"active", "error", "paused", "stopped"},
    "refresh_instance_security_rules": {*HERE} - {"building"} | {"soft-delete"},
    "trigger_crash_dump": {"active", "error", "paused", "rescued"},
    "lock": {*HERE} - {"building"},
    "unlock": {*HERE} - {"building"},
}


ARGUMENTS: dict[str, dict[str, Any]] = {
    "set_admin_password": {"admin_password": "correct horse"},
    "inject_file": {"file": InjectedFile("/etc/motd", b"hello")},
    "attach_volume": {"volume": VolumeWish("more", size_gb=1)},
    "detach_volume": {"volume": VolumeWish("data")},
    "extend_volume": {"volume": VolumeWish("data", size_gb=2)},
    "attach_interface": {"interface": InterfaceWish(bridge="br1")},
    "detach_interface": {"interface": InterfaceWish(bridge="br0")},
    "add_fixed_ip_to_instance": {"interface": InterfaceWish(address="192.0.2.7")},
    "remove_fixed_ip_from_instance": {"interface": InterfaceWish(address="192.0.2.5")},
    "limit_volume": {"volume": VolumeWish("data", limits={"total_iops_sec": 500})},
    "swap_volume": {"volume": VolumeWish("data"), "new_volume": VolumeWish("moved")},
    "remove_volume_connection": {"volume": VolumeWish("data")},
}


def ends(operation: str, vm_state: str) -> list[str]:
    """The states of what is left; which of the operations leave an instance as it was, Nova says."""
    without_end = (
        *("trigger_crash_dump", "lock", "unlock"),
        *("set_admin_password", "inject_file", "inject_network_info", "reset_network"),
        *("attach_volume", "detach_volume", "extend_volume"),
        *("attach_interface", "detach_interface", "add_fixed_ip_to_instance", "remove_fixed_ip_from_instance"),
        *("limit_volume", "swap_volume", "remove_volume_connection"),
        "refresh_instance_security_rules",
    )
    as_it_was = {name: ALLOWED[name] for name in without_end}
    as_it_was["rebuild"] = {"stopped"}
    if vm_state in as_it_was.get(operation, ()):
        return [vm_state]
    declared = OPERATIONS[operation].ends_in
    return [] if declared == DELETED else [declared or "active"]


def obey(host: FakeHost, operation: str, *names: str, check: bool = False, **selection: Any) -> list[Answer]:
    arguments = ARGUMENTS.get(operation, {})
    return host.manager().obey(Command(operation, Selection(names, **selection), arguments), check)


def have(host: FakeHost, name: str, vm_state: str) -> None:
    """Have an instance in that state, as an unlucky run may have left it."""
    made = create(name, vm_state=vm_state if vm_state in POWER_OF else "active")
    spec = made.spec.but(volumes=[VolumeRequest(volume_uuid("default", "default", "data"), "data", 1)])
    nic = NetworkRequest("front", mac_address(made.uuid, 0), bridge="br0", addresses=[FixedIP("192.0.2.5", 24)])
    host.reconcile(made.but(spec=spec.but(networks=[nic] if name == "web" else [])))
    if vm_state == "soft-delete":
        obey(host, "soft_delete", name)
    elif vm_state not in POWER_OF:
        [seen] = [seen for seen in host.manager().audit().instances if seen.instance.spec.name == name]
        host.driver.save_record(seen.instance.but(vm_state=vm_state))


def lock(host: FakeHost) -> None:
    """Have the only instance locked, whatever state it is in."""
    [seen] = host.manager().audit().instances
    host.driver.save_record(seen.instance.but(locked=True, locked_reason="an audit"))


def states(host: FakeHost) -> dict[str, tuple[str, str]]:
    report = host.manager().audit()
    return {seen.instance.spec.name: (seen.instance.vm_state, seen.power_state) for seen in report.instances}


def test_the_table_has_a_row_for_every_command() -> None:
    assert sorted(ALLOWED) == sorted(COMMANDS)


@pytest.mark.parametrize(("operation", "vm_state"), [*itertools.product(COMMANDS, HERE)])
def test_a_command_ends_as_declared_or_is_refused_and_changes_nothing(
    host: FakeHost, operation: str, vm_state: str
) -> None:
    have(host, "web", vm_state)
    if operation == "unlock":
        lock(host)
    before = states(host)
    [planned] = obey(host, operation, "web", check=True)
    assert states(host) == before
    [answer] = obey(host, operation, "web")
    declared = OPERATIONS[operation].ends_in
    if vm_state == declared and not OPERATIONS[operation].repeats:
        assert (planned.status, answer.status) == ("unchanged", "unchanged")
        assert states(host) == before
    elif vm_state in ALLOWED[operation]:
        assert (planned.status, answer.status) == ("planned", "done")
        assert [state for state, _power in states(host).values()] == ends(operation, vm_state)
        assert [planned.after] == (ends(operation, vm_state) or [DELETED])
    else:
        assert (planned.status, answer.status) == ("failed", "failed")
        assert answer.error is not None and answer.error["code"] == "InstanceInvalidState"
        assert answer.error["message"].startswith(f"web cannot {operation}: it is {vm_state}.")
        assert states(host) == before


@pytest.mark.parametrize(("operation", "seconds"), [("stop", 60), ("reboot", 120)])
def test_a_guest_that_does_not_shut_down_has_its_power_cut_and_that_is_told(
    host: FakeHost, operation: str, seconds: int
) -> None:
    host.reconcile(create("web"))
    host.settings(deaf=["web"])
    [answer] = obey(host, operation, "web")
    assert (answer.status, answer.remarks) == (
        "done",
        [f"It did not shut down within {seconds} s, so its power was cut."],
    )
    told = host.manager().describe_instances(Selection(["web"]), 1)["instances"][0]["actions"][0]["events"]
    assert answer.remarks[0] in [event["details"] for event in told]


@pytest.mark.parametrize("operation", ["stop", "reboot", "rescue", "shelve"])
def test_it_is_told_by_what_a_guest_heard_that_it_shall_shut_down(host: FakeHost, operation: str) -> None:
    host.reconcile(create("web"))
    [answer] = obey(host, operation, "web")
    assert answer.remarks == ["It shut down by itself, asked through its agent."]
    told = host.manager().describe_instances(Selection(["web"]), 1)["instances"][0]["actions"][0]["events"]
    assert answer.remarks[0] in [event["details"] for event in told]


def test_an_image_may_say_how_long_its_guests_take_to_shut_down(host: FakeHost) -> None:
    made = create("web")
    image = IMAGE.but(properties={"os_shutdown_timeout": "300"})
    host.reconcile(made.but(spec=made.spec.but(image=image)))
    host.settings(deaf=["web"])
    [answer] = obey(host, "stop", "web")
    assert answer.remarks == ["It did not shut down within 300 s, so its power was cut."]


@pytest.mark.parametrize("vm_state", ["paused", "suspended"])
def test_what_stands_still_goes_on_to_be_shut_down_before_it_is_shelved(host: FakeHost, vm_state: str) -> None:
    host.reconcile(create("web", vm_state=vm_state))
    [answer] = obey(host, "shelve", "web")
    assert answer.remarks == ["It shut down by itself, asked through its agent."]
    assert states(host) == {"web": ("shelved", "shutdown")}


def test_a_shelved_instance_keeps_its_room_and_its_disks(host: FakeHost) -> None:
    host.reconcile(create("web"))
    disks = "SELECT * FROM fake_disks ORDER BY kind"
    before, kept = host.manager().audit().compute_node, [list(row) for row in host.db.query(disks)]
    obey(host, "shelve", "web")
    after = host.manager().audit().compute_node
    assert (after.vcpus_used, after.memory_mb_used, after.local_gb_used) == (
        before.vcpus_used,
        before.memory_mb_used,
        before.local_gb_used,
    )
    assert [list(row) for row in host.db.query(disks)] == kept


def test_a_shelved_instance_that_is_deleted_for_a_while_comes_back_off(host: FakeHost) -> None:
    host.reconcile(create("web"))
    obey(host, "shelve", "web")
    obey(host, "soft_delete", "web")
    obey(host, "restore", "web")
    assert states(host) == {"web": ("stopped", "shutdown")}


def test_a_hard_reboot_boots_and_does_not_resume(host: FakeHost) -> None:
    host.reconcile(create("web", vm_state="suspended"))
    assert [answer.status for answer in obey(host, "hard_reboot", "web")] == ["done"]
    assert states(host) == {"web": ("active", "running")}


def test_only_those_that_are_meant_are_touched(host: FakeHost) -> None:
    host.reconcile(create("web-1"), create("web-2"), create("db"))
    assert [(answer.name, answer.status) for answer in obey(host, "pause", "web-*")] == [
        ("web-1", "done"),
        ("web-2", "done"),
    ]
    assert states(host)["db"] == ("active", "running")
    assert obey(host, "pause", "nobody") == []
    assert [answer.name for answer in obey(host, "pause", uuids=["uuid-of-db"])] == ["db"]


def test_one_that_fails_does_not_hold_up_the_others(host: FakeHost) -> None:
    host.reconcile(create("web-1"), create("web-2"))
    host.settings(failures={"pause": {"web-1": "stuck"}})
    answers = {answer.name: answer for answer in obey(host, "pause", "*")}
    assert answers["web-2"].status == "done"
    assert answers["web-1"].error is not None
    assert answers["web-1"].error["message"] == "pause of web-1: stuck"
    assert (answers["web-1"].before, answers["web-1"].after) == ("active", "active")


def test_a_guest_that_is_not_as_its_record_says_is_brought_there(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.driver.power_off("uuid-of-web")
    assert [answer.status for answer in obey(host, "start", "web")] == ["done"]
    assert states(host) == {"web": ("active", "running")}
