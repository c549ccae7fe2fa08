# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sample of the same on real libvirt: what a killed module run leaves in the pool, in libvirt and in the database."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from crash.explorer import Tally
from crash.lab_host import LabHost, lab_host
from crash.scenarios import ABSENT, PARTS, Scenario, act, derive_scenarios
from crash.trial import Trial
from crash.victim import VictimHost

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or "NOVELLA_CRASH_LAB" not in os.environ,
    reason="make crash runs it, as root, on a lab of its own",
)
# How many moments of an operation, evenly spread; what builds and what removes has more to leave behind.
SAMPLE = {"create": 6, "delete": 4, "snapshot": 6, "swap_volume": 8}
FEW = 1
VOLUMES = [
    act("delete_volume").but(uuid=volume_uuid(PARTS["name"], "default", name), name=name) for name in PARTS["volumes"]
]
# The guest here is an empty disk: nothing in it would answer them.
NEED_AN_AGENT = {"set_admin_password", "inject_file"}
STARTS = (ABSENT, "active", "stopped", "soft-delete")


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[LabHost]:
    with lab_host(tmp_path_factory.mktemp("lab")) as host:
        yield host


def sampled() -> list[Scenario]:
    """Return the scenarios that matter here, each operation from the first of its states that can be had."""
    first: dict[str, Scenario] = {}
    for scenario in derive_scenarios():
        if not scenario.problem and scenario.start in STARTS and scenario.operation not in NEED_AN_AGENT:
            first.setdefault(scenario.operation, scenario)
    return list(first.values())


def clear(lab: LabHost) -> None:
    """Delete the instance for good, whatever there is of it, with its snapshots and its volumes."""
    shutil.rmtree(lab.victim.state / "snapshots", ignore_errors=True)
    # A locked one would not be deleted; one that is not there cannot be unlocked, and that is as well.
    lab.victim.reconcile([act("unlock")])
    for action in (act("delete"), *VOLUMES, act("delete_network")):
        told = lab.victim.reconcile([action])
        assert [item["status"] for item in told] == ["done"], told


@pytest.mark.parametrize("scenario", sampled(), ids=str)
def test_a_killed_operation_on_real_libvirt_is_made_good_and_leaves_nothing(lab, scenario, tell):
    host = VictimHost(lab.victim.victims, {**lab.victim.options, **scenario.options}, lab.victim.state)

    @contextlib.contextmanager
    def ready() -> Iterator[VictimHost]:
        clear(lab)
        lab.forget_images()
        for action in scenario.way:
            assert [item["status"] for item in host.reconcile([action])] == ["done"]
        yield host
        clear(lab)

    trial, tally = Trial(scenario, ready), Tally()
    trial.rehearse()
    count = SAMPLE.get(scenario.operation, FEW)
    try:
        for number in range(1, count + 1):
            at = max(1, trial.moments * number // (count + 1))
            with ready():
                death = host.kill(at, [scenario.action])
                assert death.is_killed, f"there is no moment {at} of {trial.moments}"
                told = f"killed {death.moment} (moment {at} of {trial.moments})"
                # The recovery dies too, at about the same share of its way.
                again = host.kill(number, [])
                tally.deaths += 1 + again.is_killed
                trial.check(host, f"{told}, then killed {again.moment}" if again.is_killed else told)
                tally.states += 1
                ours = (scenario.action.uuid, *(volume.uuid for volume in VOLUMES))
                files = [
                    name for name in lab.files() if name.endswith(".part") or not any(uuid in name for uuid in ours)
                ]
                assert (files, lab.locks()) == ([], []), told
            # Base images are kept for the next guest; of this one nothing is.
            assert (lab.domains(), lab.files(), lab.locks()) == ([], [], []), told
    finally:
        tell(tally)
