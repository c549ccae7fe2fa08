# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake host with a bit of everything on it: what check mode has to look at without touching it."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain

# What is on the host, and what is the matter with it.
RUNNING, STOPPED, FAILED, LOST, REMOVED, INTERRUPTED = (
    "running", "stopped", "went-off", "lost", "removed", "interrupted"
)  # fmt: skip
DEAD = "another-boot:1:1"


def uuid_of(name: str) -> str:
    return instance_uuid("default", "default", name)


def create(name: str, vm_state: str = "active") -> Action:
    spec = InstanceSpec(name, Flavor("custom", 1, 512, 1), Image("custom", "/srv/images/tiny.qcow2"))
    return Action("create", uuid_of(name), name, "kvm1", "a test wants it", spec=spec, vm_state=vm_state)


def act(operation: str, name: str, **changes: str) -> Action:
    return Action(operation, uuid_of(name), name, "kvm1", "a test wants it", **changes)


def furnish(state: Path, host: str = "kvm1") -> None:
    """Make the instances, then do to them what happens to instances."""
    with contextlib.closing(TrackerDB(str(state))) as db:
        driver = FakeDriver(host, str(state), db)
        options = HostOptions(host=host, driver="fake", state_path=str(state), reclaim_instance_interval=3600)
        manager = ComputeManager(options, driver, db)
        wanted = [create(name) for name in (RUNNING, FAILED, LOST, REMOVED, INTERRUPTED)]
        _check(manager.reconcile([*wanted, create(STOPPED, "stopped")], {}))
        _check(manager.reconcile([act("soft_delete", REMOVED)], {}))
        trouble(db, driver, [(uuid_of(FAILED), "off"), (uuid_of(LOST), "gone"), (uuid_of(INTERRUPTED), "interrupted")])


def trouble(db: TrackerDB, driver: FakeDriver, cases: Iterable[tuple[str, str]]) -> None:
    """Bring instances, by uuid, into trouble behind Novella's back: off, gone, or interrupted by the death of a run.

    A foreign domain, a half-made instance and a claim of dead runs come with it.
    """
    for uuid, case in cases:
        if case == "off":
            driver.power_off(uuid)
        elif case == "gone":
            driver.undefine(uuid)
        else:
            interrupt(db, uuid, "stop")
    driver.put_foreign(Domain("uuid-of-stranger", "stranger", "running", Usage(1, 256, 1)))
    half = create("half-made")
    interrupt(db, half.uuid, "create")
    claim = (half.uuid, half.name, 1, 512, 1, DEAD, "2026-01-01T00:00:00Z")
    with db.transaction() as connection:
        connection.execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?)", claim)


def interrupt(db: TrackerDB, uuid: str, operation: str) -> None:
    journal = Journal(db)
    journal.begin(uuid, operation, operation)
    journal.begin_step(uuid, "some step")
    with db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = ? WHERE uuid = ?", (DEAD, uuid))


def _check(results: list[dict]) -> None:
    assert [result["status"] for result in results] == ["done"] * len(results), results
