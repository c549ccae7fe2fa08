# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import PlanOutdated
from ansible_collections.novella.compute.plugins.plugin_utils.planner.freshness import check_plan


@pytest.fixture
def fleet(kit):
    return kit.fleet(instances={"web": kit.web()})


def test_a_plan_whose_hosts_are_as_they_were_may_be_applied(kit, fleet):
    seen = kit.observation(kit.report("kvm1"), kvm2="timed out")
    check_plan(kit.plan(fleet, seen), seen)


def test_every_host_that_changed_is_named(kit, fleet):
    running = kit.observed(kit.find(fleet, "web"))
    off = kit.observed(kit.find(fleet, "web"), "shutdown")
    then = kit.observation(
        kit.report("kvm1", [running]), kit.report("kvm2"), kit.report("kvm3"), kit.report("kvm4"), kvm5="timed out"
    )
    now = kit.observation(
        kit.report("kvm1", [off]),
        kit.report("kvm2", generation=4),
        kit.report("kvm3"),
        kit.report("kvm5"),
        kit.report("kvm6"),
        kvm4="no route",
    )
    with pytest.raises(PlanOutdated) as refusal:
        check_plan(kit.plan(fleet, then), now)
    assert str(refusal.value) == (
        f"The plan was made at {kit.when} and is outdated: "
        "kvm1 was changed with other tools: domains, their power or the host's size differ; "
        "kvm2 was changed by another run of Novella: its generation went from 1 to 4; "
        "kvm4 does not answer now (no route); "
        "kvm5 did not answer then (timed out), and does now; "
        "kvm6 is new. Nothing was done. Make a new plan."
    )
