# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains of others become instances: what the host does, refuses, and makes good after a death."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.adopting import AdoptionOrder
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Command
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.records import read_record
from ansible_collections.novella.compute.plugins.module_utils.objects.adoption import AdoptedNic
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from support.fake_host import FakeHost, create

UUID = "0000000a-0000-4000-8000-000000000000"
SPEC = InstanceSpec("mail", Flavor("adopted", 2, 1024, 20))
ORDER = AdoptionOrder(UUID, SPEC)


class Killed(BaseException):
    """The process ends here."""


def put(host: FakeHost, power_state: str = "running", uuid: str = UUID) -> None:
    host.driver.put_foreign(Domain(uuid, "Old mail server", power_state, Usage(2, 1024, 20)))


def adopt(host: FakeHost, check: bool = False, order: AdoptionOrder = ORDER) -> Any:
    [answer] = host.manager().adopt([order], check)
    return answer


def do(host: FakeHost, operation: str, **arguments: Any) -> Any:
    [answer] = host.manager().obey(Command(operation, Selection(names=["mail"]), arguments), False)
    return answer


def record(host: FakeHost) -> Any:
    domain = host.driver.get_domain(UUID)
    return None if domain is None else read_record(domain)


@pytest.mark.parametrize(
    ("power_state", "vm_state"),
    [("running", "active"), ("shutdown", "stopped"), ("paused", "paused"), ("suspended", "suspended")],
)
def test_a_domain_becomes_an_instance_in_the_state_that_it_is_in(
    host: FakeHost, power_state: str, vm_state: str
) -> None:
    put(host, power_state)
    foretold, done = adopt(host, check=True), adopt(host)
    assert (foretold.status, done.status) == ("planned", "done")
    assert foretold.record_after == done.record_after
    [seen] = host.manager().audit().instances
    assert (seen.instance.vm_state, seen.power_state, seen.instance.spec) == (vm_state, power_state, SPEC)
    assert seen.instance.adopted.domain_name == "Old mail server"
    assert host.manager().audit().foreign == []
    assert adopt(host).status == "unchanged"


def test_check_mode_adopts_nothing(host: FakeHost) -> None:
    put(host)
    adopt(host, check=True)
    assert record(host) is None


@pytest.mark.parametrize("check", [True, False])
def test_what_cannot_be_adopted_is_refused_in_check_mode_and_without_it(host: FakeHost, check: bool) -> None:
    assert adopt(host, check).error["code"] == "InstanceNotFound"
    put(host, "crashed")
    host.driver._set_power(UUID, "nostate")
    assert adopt(host, check).error["code"] == "InstanceInvalidState"
    host.driver.power_on(UUID)
    host.settings(transient=["Old mail server"])
    assert adopt(host, check).error["code"] == "NotSupported"
    host.reconcile(create("web"))
    ours = adopt(host, check, AdoptionOrder("uuid-of-web", SPEC))
    assert "is Novella's already: instance 'web'" in ours.error["message"]


def test_a_record_that_cannot_hold_it_is_refused(host: FakeHost) -> None:
    put(host)
    host.options = type(host.options)(**{**vars(host.options), "record_version_cap": "1.3"})
    assert "has a definition of its own, and record_version_cap is 1.3" in adopt(host).error["message"]


def test_a_damaged_record_is_no_domain_to_adopt(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.driver._write("UPDATE fake_domains SET record = ?", '{"kind": "instance", "version": "9.0"}')
    refused = adopt(host, order=AdoptionOrder("uuid-of-web", SPEC))
    assert refused.error["code"] == "InstanceExists"


@pytest.mark.parametrize("operation", ["rebuild", "rescue", "snapshot", "backup", "inject_network_info", "unrescue"])
def test_what_needs_a_disk_or_drive_of_novellas_is_refused(host: FakeHost, operation: str) -> None:
    put(host)
    adopt(host)
    before = record(host)
    [result] = host.reconcile(
        *[action.but(operation=operation, uuid=UUID, name="mail", spec=None) for action in [create("mail")]]
    )
    assert result["error"]["code"] == "NotSupported"
    assert f"so it cannot {operation}" in result["error"]["message"]
    assert record(host) == before


def test_its_addresses_are_found_by_its_own_interfaces(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    put(host)
    adopt(host)
    kept = record(host)
    nic = AdoptedNic("52:54:00:00:00:01", "network", "default")
    host.driver.save_record(kept.but(adopted=kept.adopted.but(nics=[nic])))
    monkeypatch.setattr(host.driver, "list_addresses", lambda: {nic.mac_address: ("192.0.2.7",)})
    [seen] = host.manager().audit().instances
    assert seen.addresses == ["192.0.2.7"]


def test_a_hard_reboot_leaves_the_definition_alone(host: FakeHost) -> None:
    put(host)
    adopt(host)
    assert do(host, "hard_reboot").status == "done"
    domain = host.driver.get_domain(UUID)
    assert (domain.name, domain.power_state, domain.size) == ("Old mail server", "running", Usage(2, 1024, 20))


def test_a_title_that_it_came_with_stays_when_its_tags_change(host: FakeHost) -> None:
    put(host)
    host.driver.set_title(UUID, "Since 2014")
    adopt(host)
    assert do(host, "change_metadata", state="present", tags=["old"]).status == "done"
    assert host.driver.title_of(UUID) == "Since 2014"


def test_a_volume_takes_no_name_that_one_of_its_own_disks_has(host: FakeHost) -> None:
    put(host)
    adopt(host)
    spec = record(host)
    disks = [spec.adopted.disks[0].but(device_name=name) for name in ("vda", "vdc")]
    host.driver.save_record(spec.but(adopted=spec.adopted.but(disks=disks)))
    attach = create("mail").but(operation="attach_volume", uuid=UUID, spec=None)
    [attached] = host.reconcile(attach.but(volume=VolumeRequest("uuid-of-data", "data", 1)))
    assert attached["status"] == "done"
    assert record(host).device_names == {"uuid-of-data": "vdd"}


def test_deleting_it_deletes_no_disk(host: FakeHost) -> None:
    put(host)
    # What an instance of Novella's would have had under this uuid.
    host.driver._write("INSERT INTO fake_disks VALUES (?, 'root', 'x')", UUID)
    adopt(host)
    deleted = do(host, "delete")
    assert deleted.remarks == ["It was adopted, so its disks stay: /srv/Old mail server.qcow2."]
    assert host.driver.get_domain(UUID) is None
    assert UUID in host.driver.list_root_disks()


@pytest.mark.parametrize("operation", ["adopt", "delete"])
def test_killed_at_any_step_it_is_made_good_by_the_next_run(
    host: FakeHost, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(host)
    host.driver._write("INSERT INTO fake_disks VALUES (?, 'root', 'x')", UUID)
    for count in range(20):
        if host.driver.get_domain(UUID) is None:
            put(host)
        if operation == "delete" and record(host) is None:
            adopt(host)
        left = [count]
        for name in ("begin_step", "end_step", "note", "end"):
            _die_in(monkeypatch, name, left)
        try:
            adopt(host) if operation == "adopt" else do(host, "delete")
        except Killed:
            is_dead = True
        else:
            is_dead = False
        monkeypatch.undo()
        with host.db.transaction() as connection:
            connection.execute("UPDATE journal SET owner = 'another-boot:1:1'")
        report = host.manager().audit()
        assert host.db.query("SELECT * FROM journal") == []
        assert UUID in host.driver.list_root_disks()
        # Whole or gone: a delete is gone through with once it has begun.
        assert len(report.instances) + len(report.foreign) == (0 if operation == "delete" and count > 1 else 1)
        assert report.lost == []
        if not is_dead:
            break
        if operation == "adopt" and report.instances:
            do(host, "delete")
    assert not is_dead
    assert count > 1


def _die_in(monkeypatch: pytest.MonkeyPatch, name: str, left: list[int]) -> None:
    method = getattr(Journal, name)

    def call(*arguments: Any, **options: Any) -> Any:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return method(*arguments, **options)

    monkeypatch.setattr(Journal, name, call)
