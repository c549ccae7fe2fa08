# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that change a host without a slice of a plan are killed at every moment: run again, they do all they say."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.records import read_record
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain
from crash.explorer import EVERY, SEED, Tally, behind_its_back
from crash.scenarios import NAME, act
from crash.traces import Traces, essence
from crash.victim import VictimHost

CREATE = act("create", "active")
WISH = {"uuid": CREATE.uuid, "name": NAME, "host": "kvm1", "groups": ["group/web"]}
LONG_AGO = "2026-01-01T00:00:00.000000Z"
Call = tuple[str, dict[str, Any]]


def leave_as_new(host: VictimHost) -> None:
    pass


def soft_delete_long_ago(host: VictimHost) -> None:
    for action in (CREATE, act("soft_delete")):
        assert [item["status"] for item in host.reconcile([action])] == ["done"]
    with behind_its_back(host) as driver:
        driver.save_record(read_record(driver.get_domain(CREATE.uuid)).but(deleted_at=LONG_AGO))


def put_foreign(host: VictimHost) -> None:
    with behind_its_back(host) as driver:
        driver.put_foreign(Domain(CREATE.uuid, "old-timer", "running", Usage(1, 128, 1)))


@dataclass(frozen=True)
class Try:
    """A module's run.

    Args:
        module, arguments: What is killed.
        prepare: Has the host ready.
        then: What a controller does next.
        options: Of the host.
    """

    module: str
    arguments: dict[str, Any]
    prepare: Callable[[VictimHost], None] = leave_as_new
    then: tuple[Call, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


TRIES = (
    Try(
        "claim",
        {"run": "a-run", "wishes": [WISH], "actions": [CREATE.as_dict()]},
        then=(
            ("reconcile", {"actions": [CREATE.as_dict()], "run": "a-run"}),
            ("claim", {"run": "a-run", "release": True}),
        ),
    ),
    Try("claim", {"run": "a-run", "wishes": [WISH]}, then=(("claim", {"run": "a-run", "release": True}),)),
    Try(
        "whereabouts",
        {"places": {"kvm2": {"generation": 7, "instances": [[CREATE.uuid, NAME, 1]]}}, "mark": "m", "run": "a-run"},
    ),
    Try(
        "instance_adopt",
        {"orders": [{"uuid": CREATE.uuid, "spec": CREATE.spec.but(image=None, networks=[]).as_dict(sparse=True)}]},
        prepare=put_foreign,
    ),
    Try("compute_node", {"enabled": False, "disabled_reason": "waits for a new fan"}),
    Try("periodic", {"force": True}, prepare=soft_delete_long_ago, options={"reclaim_instance_interval": 3600}),
)


@pytest.mark.parametrize("tried", TRIES, ids=lambda tried: tried.module)
def test_a_module_killed_at_any_moment_does_all_it_says_when_run_again(tried, new_host, folder, tell):
    start = VictimHost(new_host.victims, {**new_host.options, **tried.options}, new_host.state)
    tried.prepare(start)
    reference = start.copy(folder / "reference")
    moments = reference.victims.run(tried.module, {**reference.options, **tried.arguments}).moments
    expected = conclude(reference, tried.then)
    tally = Tally()
    first = random.Random(f"{SEED} {tried.module}").randint(1, EVERY)
    for at in range(first, moments + 1, EVERY):
        host = start.copy(folder / "victim")
        death = host.victims.run(tried.module, {**host.options, **tried.arguments}, at)
        tally.deaths += 1
        assert death.is_killed
        result = host.victims.run(tried.module, {**host.options, **tried.arguments}).result
        told = f"killed {death.moment} (moment {at} of {moments})"
        assert not result.get("failed"), f"{told}: {result.get('msg')}"
        assert conclude(host, tried.then) == expected, told
        shutil.rmtree(host.state)
    tell(tally)


def conclude(host: VictimHost, calls: tuple[Call, ...]) -> tuple[Any, ...]:
    """Do what a controller does next, and return what the host then holds."""
    for module, arguments in calls:
        result = host.victims.run(module, {**host.options, **arguments}).result
        assert not result.get("failed"), result.get("msg")
    document, traces = host.audit(), Traces(host.state)
    assert traces.in_flight() == {}
    service = {**document.get("service", {}), "updated_at": None}
    return essence(document), service, traces.of(CREATE.uuid)
