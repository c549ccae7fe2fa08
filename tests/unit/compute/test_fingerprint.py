# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fingerprint of a host: the same as long as an audit would say the same."""

import contextlib
import dataclasses
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Optional

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute import fingerprint as fingerprints
from ansible_collections.novella.compute.plugins.module_utils.compute.fingerprint import take_fingerprint
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import domain_xml
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import fingerprint as of_libvirt
from support.fake_host import FakeHost, act, create
from support.read_only import read_bytes

STRANGER = Domain("uuid-of-stranger", "stranger", "running", Usage(1, 256, 1))


def take(host: FakeHost, **options: Any) -> Optional[str]:
    return take_fingerprint(dataclasses.replace(host.options, **options), host.db, host.driver.read_fingerprint)


def told(host: FakeHost) -> dict[str, Any]:
    report = host.manager().audit()
    return report.but(compute_node=report.compute_node.but(updated_at=None)).as_document()


@pytest.fixture
def used(host: FakeHost) -> FakeHost:
    host.reconcile(create("web-1"), create("web-2"))
    return host


CHANGES: dict[str, Callable[[FakeHost], Any]] = {
    "an instance was made": lambda host: host.reconcile(create("web-3")),
    "an instance was stopped": lambda host: host.reconcile(act("stop", "web-1")),
    "an instance was deleted": lambda host: host.reconcile(act("delete", "web-1")),
    "a guest went off by itself": lambda host: host.driver.power_off("uuid-of-web-1"),
    "a domain was undefined by hand": lambda host: host.driver.undefine("uuid-of-web-1"),
    "a record was edited by hand": lambda host: host.driver.save_record(
        host.manager().audit().instances[0].instance.but(vm_state="error")
    ),
    "a foreign domain came": lambda host: host.driver.put_foreign(STRANGER),
    "a disk was removed by hand": lambda host: host.driver.delete_disks("uuid-of-web-1"),
    "the host grew": lambda host: host.settings(resources={"memory_mb": 16384}),
    "the host was disabled": lambda host: host.db.set_fact("service", {"disabled": True}),
    "another run works there": lambda host: Journal(host.db).begin("uuid-of-web-1", "web-1", "stop"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_it_changes_when(used: FakeHost, what: str) -> None:
    before = take(used)
    CHANGES[what](used)
    assert take(used) != before


@pytest.mark.parametrize(
    "options",
    [
        {"reserved_host_memory_mb": 2048},
        {"cpu_allocation_ratio": 2.0},
        {"labels": {"rack": "r7"}},
        {"traits": ["CUSTOM_RAID"]},
        {"resources": {"CUSTOM_LICENCE": 3}},
        {"reclaim_instance_interval": 3600},
    ],
    ids=lambda options: next(iter(options)),
)
def test_it_changes_with_what_the_operator_says_of_the_host(used: FakeHost, options: dict[str, Any]) -> None:
    assert take(used, **options) != take(used)


def test_it_stays_when_nothing_changes_however_the_work_is_done(used: FakeHost) -> None:
    before = take(used)
    assert before is not None
    used.manager().audit()
    assert take(used) == before
    assert take(used, deadline=5.0, max_concurrent_builds=2, request_id="req-2") == before


def test_hosts_with_the_same_fingerprint_are_told_of_in_the_same_words(used: FakeHost) -> None:
    report = told(used)
    assert report["fingerprint"] == take(used)
    assert told(used) == report


def test_a_document_tells_no_newer_fingerprint_than_its_content(used: FakeHost) -> None:
    """Whatever changes while the host is read shows the next time."""
    listed = used.driver.list_domains

    def list_domains() -> list[Domain]:
        domains = listed()
        used.driver.power_off("uuid-of-web-2")
        return domains

    used.driver.list_domains = list_domains
    assert used.manager().audit().fingerprint != take(used)


@pytest.mark.parametrize("table", ["journal", "claims"])
def test_a_host_with_something_to_recover_has_none(used: FakeHost, table: str) -> None:
    with used.db.transaction() as connection:
        if table == "journal":
            connection.execute("INSERT INTO journal VALUES ('uuid-of-web-1', 'web-1', 'stop', 'dead', 'then', '{}')")
        else:
            connection.execute("INSERT INTO claims VALUES ('uuid-of-web-9', 'web-9', 1, 512, 1, 'dead', 'then')")
    assert take(used) is None
    used.manager()
    assert take(used) is not None


def test_every_table_counts_that_is_not_named_as_untold(used: FakeHost) -> None:
    before = take(used)
    with used.db.transaction() as connection:
        connection.execute("CREATE TABLE news (line TEXT)")
        assert take(used) == before
        connection.execute("INSERT INTO news VALUES ('something')")
        assert take(used) != before


def test_taking_it_writes_nothing(used: FakeHost) -> None:
    used.db.close()
    before = read_bytes(used.path)
    with contextlib.closing(TrackerDB(str(used.path))) as db:
        db.open(read_only=True)
        assert take_fingerprint(used.options, db, used.driver.read_fingerprint) is not None
    used.db.close()
    assert read_bytes(used.path) == before


def test_it_knows_the_version_of_the_document_and_the_namespace_of_records() -> None:
    assert fingerprints.DOCUMENT_VERSION == HostReport.VERSION
    assert of_libvirt.RECORD_MARK == domain_xml.NAMESPACE


def test_its_module_brings_neither_the_manager_nor_a_driver_to_the_host() -> None:
    package = "ansible_collections.novella.compute.plugins.module_utils"
    program = (
        f"import sys, {package}.fingerprint_door, {package}.virt.libvirt.fingerprint\n"
        f"print(*(name for name in sys.modules if name.startswith('{package}.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix(f"{package}.") for name in done.stdout.split()}
    assert not loaded & {"compute.manager", "compute.operation", "virt.fake", "virt.libvirt.driver", "objects.base"}
    assert len(loaded) < 30
