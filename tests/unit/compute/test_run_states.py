# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From any state to any other, with a record that is right, and with one that somebody has overtaken."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.judgement import judge
from ansible_collections.novella.compute.plugins.module_utils.compute.run_states import POWER_OF
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import Sighting, WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from support.fake_host import IMAGE, FakeHost, create

STATES = sorted(POWER_OF)
WEB = create("web")
# What somebody does at the host.
BY_HAND = {"active": "unpause", "stopped": "power_off", "paused": "pause", "suspended": "suspend"}


def needed(host: FakeHost, there: str, image: Image = IMAGE) -> list[Action]:
    """What it takes to bring web to a state, though data be lost."""
    [seen] = host.manager().audit().instances
    wanted = WantedInstance(WEB.uuid, WEB.spec.but(image=image), there)
    verdict = judge(wanted, Sighting("kvm1", seen), ["rebuild"])
    assert verdict.findings == []
    return verdict.actions


def state(host: FakeHost) -> tuple[str, str]:
    [seen] = host.manager().audit().instances
    return seen.instance.vm_state, seen.power_state


def done(results: list[dict[str, Any]]) -> bool:
    return all(item["status"] == "done" for item in results)


@pytest.mark.parametrize(("here", "there"), [*itertools.product(STATES, repeat=2)])
def test_an_instance_is_brought_from_any_state_to_any_other(host: FakeHost, here: str, there: str) -> None:
    assert done(host.reconcile(WEB.but(vm_state=here)))
    assert state(host) == (here, POWER_OF[here])
    assert done(host.reconcile(*needed(host, there)))
    assert state(host) == (there, POWER_OF[there])
    assert needed(host, there) == []


@pytest.mark.parametrize(("record", "seen", "there"), [*itertools.product(STATES, BY_HAND, STATES)])
def test_what_was_done_by_hand_does_not_stand_in_the_way(host: FakeHost, record: str, seen: str, there: str) -> None:
    assert done(host.reconcile(WEB.but(vm_state=record)))
    host.driver.power_on(WEB.uuid)
    getattr(host.driver, BY_HAND[seen])(WEB.uuid)
    assert done(host.reconcile(*needed(host, there)))
    assert state(host) == (there, POWER_OF[there])
    assert needed(host, there) == []


@pytest.mark.parametrize(
    ("record", "seen", "there"),
    # Of one that may be in any state, nobody says that its record is wrong.
    [*itertools.product(STATES, BY_HAND, STATES), *((state, state, "any") for state in STATES)],
)
def test_a_rebuilt_instance_ends_as_declared_wherever_it_was(
    host: FakeHost, record: str, seen: str, there: str
) -> None:
    assert done(host.reconcile(WEB.but(vm_state=record)))
    if POWER_OF[seen] != POWER_OF[record]:
        host.driver.power_on(WEB.uuid)
        getattr(host.driver, BY_HAND[seen])(WEB.uuid)
    new = Image("new", "/srv/images/new.qcow2")
    assert done(host.reconcile(*needed(host, there, new)))
    there = record if there == "any" else there
    assert state(host) == (there, POWER_OF[there])
    assert needed(host, there, new) == []
    [root] = host.db.query("SELECT content FROM fake_disks WHERE kind LIKE 'root%'")
    assert root["content"] == new.source


def test_an_instance_that_has_no_saved_memory_is_not_resumed(host: FakeHost) -> None:
    assert done(host.reconcile(WEB.but(vm_state="suspended")))
    host.driver.power_on(WEB.uuid)
    host.driver.power_off(WEB.uuid)
    [refused] = host.reconcile(Action("resume", WEB.uuid, "web", "kvm1", "a test wants it"))
    assert refused["error"]["message"] == "web has no saved memory."


def test_what_was_suspended_when_it_was_deleted_comes_back_as_declared(host: FakeHost) -> None:
    assert done(host.reconcile(WEB.but(vm_state="suspended")))
    assert done(host.reconcile(Action("soft_delete", WEB.uuid, "web", "kvm1", "a test wants it")))
    assert done(host.reconcile(*needed(host, "suspended")))
    assert state(host) == ("suspended", "suspended")
