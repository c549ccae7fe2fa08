# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One guest that cannot be brought out of a half-done operation does not close its host for all others."""

from __future__ import annotations

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute import owner
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    HypervisorError,
    HypervisorUnavailable,
)
from support.fake_host import FakeHost, act, create


@pytest.fixture
def interrupted(host: FakeHost, monkeypatch) -> FakeHost:
    """A host on which the process that was to delete web-1 is dead."""
    host.reconcile(create("web-1"))
    inner = host.manager()._host
    inner.journal.begin("uuid-of-web-1", "web-1", "delete")
    inner.journal.begin_step("uuid-of-web-1", "power off")
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = 'another-boot:1:1'")
    return host


def refuse(error: Exception):
    def power_off(uuid: str) -> None:
        raise error

    return power_off


def test_the_host_goes_on_with_others_and_the_next_run_tries_again(interrupted: FakeHost, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(interrupted.driver, "power_off", refuse(HypervisorError("it will not die")))
        manager = interrupted.manager()
        assert [(entry.name, str(fault)) for entry, fault in manager.stuck] == [("web-1", "it will not die")]
        assert [result["status"] for result in manager.reconcile([create("web-2")], {})] == ["done"]
        [locked] = manager.reconcile([act("stop", "web-1")], {})
        assert locked["error"]["code"] == "InstanceLocked"
    with monkeypatch.context() as patch:
        # The run that tried is over.
        patch.setattr(owner, "current_owner", lambda: "another-boot:2:2")
        with interrupted.db.transaction() as connection:
            connection.execute("UPDATE journal SET owner = 'another-boot:2:2'")
    recovered = interrupted.manager()
    assert ([entry.name for entry in recovered.recovered], recovered.stuck) == (["web-1"], [])
    assert [seen.instance.spec.name for seen in recovered.audit().instances] == ["web-2"]


def test_a_hypervisor_that_does_not_answer_is_no_fault_of_one_guest(interrupted: FakeHost, monkeypatch) -> None:
    monkeypatch.setattr(interrupted.driver, "power_off", refuse(HypervisorUnavailable("libvirt does not answer")))
    with pytest.raises(HypervisorUnavailable):
        interrupted.manager()
