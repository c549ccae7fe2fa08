# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rebuilding and rescuing: whatever fails, the disk that was there is there."""

from __future__ import annotations

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Answer, Command
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from support.busy_host import DEAD
from support.fake_host import IMAGE, FakeHost, act, create

NEW = Image("new", "/srv/images/new.qcow2")


def obey(host: FakeHost, operation: str, image: Image | None = None) -> Answer:
    arguments = {} if image is None else {"image": image}
    [answer] = host.manager().obey(Command(operation, Selection(["web"]), arguments), False)
    return answer


def mend(host: FakeHost) -> None:
    """End the bad luck, and the run that had it: an undo that failed, too, is up to the next one."""
    host.settings()
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = ?", (DEAD,))


def disks(host: FakeHost) -> dict[str, str]:
    """By kind, what the disks of the instance were made from; the config drive's content is left out."""
    rows = host.db.query("SELECT kind, content FROM fake_disks ORDER BY kind")
    return {row["kind"]: "…" if row["kind"].startswith("config") else row["content"] for row in rows}


def seen(host: FakeHost) -> tuple[Instance, str]:
    [seen] = host.manager().audit().instances
    return seen.instance, seen.power_state


@pytest.mark.parametrize(("vm_state", "power_state"), [("active", "running"), ("stopped", "shutdown")])
def test_a_rebuilt_instance_is_itself_on_a_new_disk(host: FakeHost, vm_state: str, power_state: str) -> None:
    host.reconcile(create("web", vm_state=vm_state))
    before, _power = seen(host)
    assert obey(host, "rebuild", NEW).status == "done"
    after, power = seen(host)
    assert (after.uuid, after.vm_state, power) == (before.uuid, vm_state, power_state)
    assert after.spec == before.spec.but(image=NEW)
    assert disks(host) == {"config": "…", "root": NEW.source}


def test_without_an_image_it_is_made_anew_from_its_own(host: FakeHost) -> None:
    host.reconcile(create("web"))
    assert obey(host, "rebuild").status == "done"
    assert seen(host)[0].spec.image == IMAGE


@pytest.mark.parametrize(
    "method", ["ensure_image", "shut_down", "set_disks_aside", "create_root_disk", "define", "power_on"]
)
@pytest.mark.parametrize("vm_state", ["active", "stopped"])
def test_a_rebuild_that_fails_leaves_the_old_disk_and_the_old_record(
    host: FakeHost, method: str, vm_state: str
) -> None:
    host.reconcile(create("web", vm_state=vm_state))
    before, power = seen(host)
    host.settings(failures={method: {"web": "no such luck"}})
    answer = obey(host, "rebuild", NEW)
    if method == "power_on" and vm_state == "stopped":
        assert answer.status == "done"
        return
    assert answer.error is not None
    assert "no such luck" in answer.error["message"]
    mend(host)
    after, power_after = seen(host)
    assert (after.spec, after.vm_state, after.task_state, power_after) == (before.spec, vm_state, None, power)
    assert disks(host) == {"config": "…", "root": IMAGE.source}


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (NEW.but(min_ram_mb=1024), "Image 'new' needs 1024 MB of memory, and flavor 'some' has 512."),
        (NEW.but(min_disk_gb=5), "Image 'new' needs 5 GB of root disk, and flavor 'some' has 1."),
        (
            NEW.but(properties={"hw_numa_nodes": "2"}),
            "Image 'new' asks for other hardware than the instance has got: hw_numa_nodes 2.",
        ),
    ],
)
def test_an_image_that_does_not_suit_the_instance_is_refused_before_anything_is_done(
    host: FakeHost, image: Image, complaint: str
) -> None:
    host.reconcile(create("web"))
    answer = obey(host, "rebuild", image)
    assert answer.error is not None
    assert answer.error["message"] == complaint
    assert seen(host)[1] == "running"
    assert disks(host) == {"config": "…", "root": IMAGE.source}


def test_a_rescued_instance_boots_another_disk_beside_its_own_until_it_is_unrescued(host: FakeHost) -> None:
    host.reconcile(create("web"))
    assert obey(host, "rescue", NEW).after == "rescued"
    record, power = seen(host)
    assert (record.vm_state, record.rescue_image, record.spec.image, power) == ("rescued", NEW, IMAGE, "running")
    assert disks(host) == {"config": "…", "rescue": NEW.source, "root": IMAGE.source}
    assert obey(host, "unrescue").after == "active"
    record, power = seen(host)
    assert (record.vm_state, record.rescue_image, power) == ("active", None, "running")
    assert disks(host) == {"config": "…", "root": IMAGE.source}


@pytest.mark.parametrize("method", ["ensure_image", "shut_down", "create_rescue_disk", "define", "power_on"])
@pytest.mark.parametrize("vm_state", ["active", "stopped"])
def test_a_rescue_that_fails_leaves_the_instance_as_it_was(host: FakeHost, method: str, vm_state: str) -> None:
    host.reconcile(create("web", vm_state=vm_state))
    _record, power = seen(host)
    host.settings(failures={method: {"web": "no such luck"}})
    assert obey(host, "rescue", NEW).status == "failed"
    mend(host)
    record, power_after = seen(host)
    assert (record.vm_state, record.task_state, record.rescue_image) == (vm_state, None, None)
    assert power_after == power
    assert disks(host) == {"config": "…", "root": IMAGE.source}


@pytest.mark.parametrize("method", ["power_off", "define", "power_on"])
def test_an_unrescue_that_fails_leaves_it_rescued(host: FakeHost, method: str) -> None:
    host.reconcile(create("web"))
    obey(host, "rescue", NEW)
    host.settings(failures={method: {"web": "no such luck"}})
    assert obey(host, "unrescue").status == "failed"
    mend(host)
    record, power = seen(host)
    assert (record.vm_state, record.rescue_image, power) == ("rescued", NEW, "running")
    assert disks(host) == {"config": "…", "rescue": NEW.source, "root": IMAGE.source}


def test_deleting_a_rescued_instance_leaves_nothing_of_it(host: FakeHost) -> None:
    host.reconcile(create("web"))
    obey(host, "rescue", NEW)
    assert obey(host, "delete").status == "done"
    assert disks(host) == {}


def test_a_rescued_instance_that_is_soft_deleted_comes_back_on_its_own_disk(host: FakeHost) -> None:
    host.reconcile(create("web"))
    obey(host, "rescue", NEW)
    assert obey(host, "soft_delete").status == "done"
    assert disks(host) == {"config": "…", "root": IMAGE.source}
    assert obey(host, "restore").after == "active"
    record, power = seen(host)
    assert (record.vm_state, record.rescue_image, power) == ("active", None, "running")


def test_the_images_that_a_rescue_and_a_rebuild_stand_on_are_in_use(host: FakeHost) -> None:
    host.reconcile(create("web"))
    obey(host, "rescue", NEW)
    assert host.driver.list_unused_images(0) == []


def test_a_rebuild_is_also_what_a_plan_may_ask_for(host: FakeHost) -> None:
    host.reconcile(create("web"))
    spec = seen(host)[0].spec.but(image=NEW, metadata={"role": "front"})
    [result] = host.reconcile(act("rebuild", "web", spec=spec))
    assert result["status"] == "done"
    assert seen(host)[0].spec == spec
