# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing a guest in place on its host: claimed first, and undone where it does not come to its end."""

from __future__ import annotations

from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.instance import ObservedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from support.busy_host import DEAD
from support.fake_host import FakeHost, act, create


def larger(vcpus: int = 2, memory_mb: int = 1024, root_gb: int = 1, **changes: Any) -> Action:
    spec = create("web").spec
    assert spec is not None
    flavor = spec.flavor.but(vcpus=vcpus, memory_mb=memory_mb, root_gb=root_gb)
    return act("reconfigure", "web", spec=spec.but(flavor=flavor), **changes)


def look(host: FakeHost) -> ObservedInstance:
    [seen] = host.manager().audit().instances
    return seen


def size(host: FakeHost) -> tuple[int, int, int]:
    [domain] = host.driver.list_domains()
    return domain.size.vcpus, domain.size.memory_mb, domain.size.disk_gb


def test_a_running_guest_is_restarted_with_its_new_size(host: FakeHost) -> None:
    host.reconcile(create("web"))
    [done] = host.reconcile(larger(restart=True))
    assert done["status"] == "done"
    assert size(host) == (2, 1024, 1)
    seen = look(host)
    assert (seen.power_state, seen.instance.vm_state, seen.drift) == ("running", "active", [])
    assert seen.instance.spec.flavor.vcpus == 2
    assert seen.instance.task_state is None


def test_what_does_not_fit_leaves_the_guest_as_it_was(host: FakeHost) -> None:
    host.reconcile(create("web"))
    before = look(host)
    [failed] = host.reconcile(larger(vcpus=64, restart=True))
    assert failed["error"]["code"] == "ComputeResourcesUnavailable"
    assert "it wants 64 vCPUs, the host has 8 in all" in failed["error"]["message"]
    assert look(host) == before


def test_what_it_has_counts_as_free_for_what_it_is_to_have(host: FakeHost) -> None:
    host.settings(resources={"memory_mb": 1536})
    host.reconcile(create("web"), create("other"))
    assert [item["status"] for item in host.reconcile(larger(memory_mb=1024, restart=True))] == ["done"]
    [failed] = host.reconcile(larger(memory_mb=1025, restart=True))
    assert "it wants 1025 MB of memory, 1024 are free" in failed["error"]["message"]


def test_a_guest_that_cannot_be_started_anew_is_again_as_it_was(host: FakeHost) -> None:
    host.reconcile(create("web"))
    before = look(host)
    host.settings(failures={"define": {"web": "no such luck"}})
    [failed] = host.reconcile(larger(restart=True))
    assert "no such luck" in failed["error"]["message"]
    host.settings()
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = ?", (DEAD,))
    seen = look(host)
    assert (seen.instance.spec, seen.power_state) == (before.instance.spec, "running")
    assert size(host) == (1, 512, 1)


def test_a_root_disk_grows_under_the_guest(host: FakeHost) -> None:
    host.reconcile(create("web"))
    [done] = host.reconcile(larger(vcpus=1, memory_mb=512, root_gb=3))
    assert done["status"] == "done"
    assert size(host) == (1, 512, 3)
    assert look(host).power_state == "running"


def test_a_hand_edit_is_seen_and_put_right(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.driver.change_behind("uuid-of-web", vcpus=3, memory_mb=512)
    [drift] = look(host).drift
    assert (drift.field, drift.before, drift.after, drift.is_live) == ("vcpus", "1", "3", True)
    [done] = host.reconcile(act("reconfigure", "web", restart=True))
    assert done["status"] == "done"
    assert size(host) == (1, 512, 1)
    assert look(host).drift == []
