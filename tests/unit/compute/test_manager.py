# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ComputeManager on the fake driver: what a host does with its slice of a plan."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.host import Host
from ansible_collections.novella.compute.plugins.module_utils.compute.injected_file import InjectedFile
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.operation import OPERATIONS, perform
from ansible_collections.novella.compute.plugins.module_utils.compute.snapshot_order import SnapshotOrder
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InstanceInvalidState, OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.network import FixedIP
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from support.fake_host import FakeHost, act, create


def states(host: FakeHost) -> dict[str, tuple[str, str]]:
    return {
        seen.instance.spec.name: (seen.instance.vm_state, seen.power_state) for seen in host.manager().audit().instances
    }


def codes(results: list[dict]) -> list[str]:
    return [result["error"]["code"] if "error" in result else result["status"] for result in results]


def leftovers(host: FakeHost) -> dict[str, int]:
    tables = ("claims", "journal", "steps", "fake_domains", "fake_disks")
    made = {row["name"] for row in host.db.query("SELECT name FROM sqlite_master")}
    return {table: len(host.db.query(f"SELECT 1 FROM {table}")) if table in made else 0 for table in tables}


def test_a_created_instance_runs_and_is_counted(host: FakeHost) -> None:
    assert codes(host.reconcile(create("web-1", vcpus=2, memory_mb=1024))) == ["done"]
    report = host.manager().audit()
    assert states(host) == {"web-1": ("active", "running")}
    assert (report.compute_node.vcpus_used, report.compute_node.memory_mb_used) == (2, 1024)
    assert report.compute_node.stats["num_vm_active"] == 1
    assert report.instances[0].instance.task_state is None


def test_an_instance_declared_stopped_is_made_and_not_started(host: FakeHost) -> None:
    host.reconcile(create("db", vm_state="stopped"))
    assert states(host) == {"db": ("stopped", "shutdown")}


def test_stop_start_and_delete_do_what_they_say(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.reconcile(act("stop", "web-1"))
    assert states(host) == {"web-1": ("stopped", "shutdown")}
    host.reconcile(act("start", "web-1"))
    assert states(host) == {"web-1": ("active", "running")}
    host.reconcile(act("delete", "web-1"))
    assert states(host) == {}
    assert set(leftovers(host).values()) == {0}


def test_a_host_never_gives_out_more_than_it_has(host: FakeHost) -> None:
    host.settings(resources={"memory_mb": 1024})
    results = host.reconcile(*[create(f"web-{n}", memory_mb=512) for n in range(1, 4)])
    assert codes(results) == ["done", "done", "ComputeResourcesUnavailable"]
    assert "wants 512 MB of memory, 0 are free" in results[2]["error"]["message"]
    assert leftovers(host)["claims"] == 0


def test_one_instance_never_exceeds_the_physical_host_however_far_it_overcommits(host: FakeHost) -> None:
    host.settings(resources={"vcpus": 2})
    results = host.reconcile(create("big", vcpus=3))
    assert "wants 3 vCPUs, the host has 2 in all" in results[0]["error"]["message"]


def test_the_schedulers_limits_bind_where_they_are_tighter_than_the_hosts(host: FakeHost) -> None:
    results = host.reconcile(create("web-1", memory_mb=512, limits={"memory_mb": 256}))
    assert codes(results) == ["ComputeResourcesUnavailable"]


def test_a_disabled_host_claims_nothing_and_says_why(host: FakeHost) -> None:
    host.manager()
    host.db.set_fact("service", {"disabled": True, "disabled_reason": "new memory"})
    results = host.reconcile(create("web-1"))
    assert "it is disabled: new memory" in results[0]["error"]["message"]


def test_deletes_make_room_for_creates_of_the_same_slice(host: FakeHost) -> None:
    host.settings(resources={"memory_mb": 512})
    host.reconcile(create("old"))
    assert codes(host.reconcile(create("new"), act("delete", "old"))) == ["done", "done"]


def test_a_foreign_domain_counts_and_is_refused_every_operation(host: FakeHost) -> None:
    host.manager()
    host.driver.put_foreign(Domain("uuid-of-stranger", "stranger", "running", Usage(2, 2048, 10)))
    report = host.manager().audit()
    assert report.compute_node.memory_mb_used == 2048
    assert [domain.name for domain in report.foreign] == ["stranger"]
    assert codes(host.reconcile(act("delete", "stranger"), act("stop", "stranger"))) == ["InstanceNotFound"] * 2
    assert host.driver.get_domain("uuid-of-stranger").power_state == "running"


@pytest.mark.parametrize("broken", ["ensure_image", "create_root_disk", "write_config_drive", "define", "power_on"])
def test_a_create_that_fails_anywhere_leaves_nothing_behind(host: FakeHost, broken: str) -> None:
    host.settings(failures={broken: {"web-1": "no such luck"}})
    results = host.reconcile(create("web-1"), create("web-2"))
    assert codes(results) == ["HypervisorError", "done"]
    assert "no such luck" in results[0]["error"]["message"]
    assert leftovers(host) == {"claims": 0, "journal": 0, "steps": 0, "fake_domains": 1, "fake_disks": 2}


def test_creating_what_is_there_already_changes_nothing(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    before = host.driver.get_domain("uuid-of-web-1")
    assert codes(host.reconcile(create("web-1"))) == ["InstanceExists"]
    assert host.driver.get_domain("uuid-of-web-1") == before


def test_an_instance_whose_domain_vanished_is_lost_and_its_disk_is_used_again(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.driver.undefine("uuid-of-web-1")
    lost = host.manager().audit().lost
    assert [(entry.name, entry.has_disk) for entry in lost] == [("web-1", True)]
    host.settings(failures={"power_on": {"web-1": "not yet"}})
    assert codes(host.reconcile(create("web-1"))) == ["HypervisorError"]
    assert host.driver.list_root_disks() == {"uuid-of-web-1"}
    host.settings()
    assert codes(host.reconcile(create("web-1"))) == ["done"]
    assert host.manager().audit().lost == []


def test_two_actions_on_one_instance_follow_each_other(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    spec = host.manager().audit().instances[0].instance.spec
    host.settings(delays={"shut_down": 0.1})
    update = act("update", "web-1", spec=spec.but(metadata={"role": "back"}))
    assert codes(host.reconcile(act("stop", "web-1"), update)) == ["done", "done"]
    record = host.manager().audit().instances[0].instance
    assert (record.vm_state, record.spec.metadata) == ("stopped", {"role": "back"})


def test_an_unknown_operation_is_refused_before_anything_is_done(host: FakeHost) -> None:
    with pytest.raises(OptionInvalid, match=r"'statr' is no operation. Did you mean 'start'\?"):
        host.reconcile(create("web-1"), act("statr", "web-1"))
    assert states(host) == {}


def test_an_operation_from_a_state_it_may_not_start_from_changes_nothing(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    instance = host.manager().audit().instances[0].instance
    host.driver.save_record(instance.but(vm_state="building"))
    results = host.reconcile(act("stop", "web-1"))
    assert codes(results) == [InstanceInvalidState.code]
    assert states(host) == {"web-1": ("building", "running")}


def test_the_history_tells_what_was_done_and_what_failed(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.settings(failures={"power_off": {"web-1": "stuck"}})
    host.reconcile(act("delete", "web-1"))
    rows = host.db.query("SELECT operation, result, message FROM actions ORDER BY id")
    assert [(row["operation"], row["result"]) for row in rows] == [("create", "Success")]
    assert host.db.query("SELECT operation FROM journal")[0]["operation"] == "delete"


VOLUME_OPERATIONS = (
    *("attach_volume", "detach_volume", "extend_volume"),
    *("limit_volume", "swap_volume", "remove_volume_connection"),
)
VOLUME = VolumeRequest("uuid-of-data", "data", 2)
NIC = NetworkRequest("front", "52:54:00:00:00:01", bridge="br0")


class Killed(BaseException):
    """The process ends here, as by SIGKILL: nothing after it runs."""


@pytest.mark.parametrize("name", sorted({*OPERATIONS} - {"delete_volume", "define_network", "delete_network", "adopt"}))
def test_an_operation_killed_at_any_step_is_made_good_by_the_next_run(host: FakeHost, name: str, monkeypatch) -> None:
    if name != "create":
        _have_it_ready(host, name)
    action = create("web-1") if name == "create" else act(name, "web-1")
    own = {
        "admin_password": "correct horse",
        "file": InjectedFile("/etc/motd", b"hello"),
        "order": SnapshotOrder("before-upgrade", "daily", 1, quiesce=True),
        "volume": VOLUME.but(limits={"total_iops_sec": 500}) if name == "limit_volume" else VOLUME,
        "new_volume": VOLUME.but(uuid="uuid-of-moved", name="moved"),
        "interface": NIC if name == "attach_interface" else NIC.but(addresses=[FixedIP("192.0.2.5", 24)]),
    }
    arguments = {"spec": action.spec, "vm_state": "active", **own}
    points = 0
    while True:
        ended = _killed_after(host, name, arguments, points, monkeypatch)
        monkeypatch.undo()
        _forget_owners(host)
        host.manager()
        assert leftovers(host)["claims"] == leftovers(host)["journal"] == 0
        report = host.manager().audit()
        assert all(seen.instance.task_state is None for seen in report.instances)
        if ended:
            break
        # Whole or gone: a create may be undone, a delete is gone through with once it began.
        is_rescued = any(seen.instance.rescue_image is not None for seen in report.instances)
        whole = {"claims": 0, "journal": 0, "steps": 0, "fake_domains": 1, "fake_disks": 3 if is_rescued else 2}
        assert leftovers(host) in (whole, dict.fromkeys(whole, 0))
        if name == "create" and report.instances:
            host.reconcile(act("delete", "web-1"))
        elif name != "create":
            _have_it_ready(host, name)
        points += 1
    assert points >= 1


def _have_it_ready(host: FakeHost, name: str) -> None:
    """Have an instance that the operation may start from."""
    if not host.manager().audit().instances:
        host.reconcile(create("web-1"))
    record = host.manager().audit().instances[0].instance
    starts_from = OPERATIONS[name].vm_states or ()
    vm_state = "active" if "active" in starts_from else starts_from[0]
    host.driver.save_record(record.but(vm_state=vm_state, rescue_image=None))
    if name in VOLUME_OPERATIONS:
        for volume in record.spec.volumes:
            host.reconcile(act("detach_volume", "web-1", volume=volume))
        host.driver.delete_volume(VOLUME.uuid)
        if name != "attach_volume":
            host.reconcile(act("attach_volume", "web-1", volume=VOLUME.but(size_gb=1)))
    if "interface" in name or "fixed_ip" in name:
        if record.spec.networks:
            host.reconcile(act("detach_interface", "web-1", interface=NIC))
        if name != "attach_interface":
            addresses = [FixedIP("192.0.2.5", 24)] if name == "remove_fixed_ip_from_instance" else []
            host.reconcile(act("attach_interface", "web-1", interface=NIC.but(addresses=addresses)))
    host.driver.delete_rescue_disk(record.uuid)
    host.driver.power_on(record.uuid)
    if vm_state == "suspended":
        host.driver.suspend(record.uuid)


def _killed_after(host: FakeHost, name: str, arguments: dict, count: int, monkeypatch) -> bool:
    """Run the operation and kill it at its `count`th write to the journal. Return whether it ended before."""
    left = [count]
    journal = Journal

    def counted(method):
        def call(*args, **kwargs):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return method(*args, **kwargs)

        return call

    for method in ("begin_step", "end_step", "note", "end"):
        monkeypatch.setattr(journal, method, counted(getattr(journal, method)))
    manager = host.manager()
    inner: Host = manager._host
    try:
        perform(inner, OPERATIONS[name], "uuid-of-web-1", "web-1", arguments)
    except Killed:
        return False
    return True


def _forget_owners(host: FakeHost) -> None:
    for table in ("journal", "claims"):
        with host.db.transaction() as connection:
            connection.execute(f"UPDATE {table} SET owner = 'another-boot:1:1'")
