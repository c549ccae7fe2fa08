# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that take no new instances: what the plan and the maps say of them."""

from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Service
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import LostInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.plugin_utils.planner.picture import draw
from ansible_collections.novella.compute.plugins.plugin_utils.planner.svg import draw_svg
from ansible_collections.novella.compute.plugins.plugin_utils.planner.tables import closed_hosts, plan_table

FAN = Service(disabled=True, disabled_reason="new fan")
WORK = Service(maintenance=True)


def two_hosts(kit, service, **first):
    return kit.observation(kit.report("kvm1", **first).but(service=service), kit.report("kvm2"))


def test_the_plan_names_them_with_the_reason_and_places_elsewhere(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=2)})
    plan = kit.plan(fleet, two_hosts(kit, WORK))
    assert {action.host for action in plan.actions} == {"kvm2"}
    assert plan.closed == {"kvm1": "is in maintenance"}
    assert "Take no new instances:\n  kvm1 is in maintenance\n\nPlan: 2 to create" in plan_table(plan)
    assert Plan.from_document(plan.as_document()) == plan
    assert "closed" not in plan.as_document(version_cap="1.1")


def test_an_instance_stays_on_a_host_in_maintenance(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    seen = kit.observed(kit.find(fleet, "web"))
    plan = kit.plan(fleet, two_hosts(kit, WORK, instances=[seen]))
    assert (plan.actions, plan.findings, plan.unchanged) == ([], [], 1)


def test_a_lost_instance_waits_for_the_host_that_has_its_disk(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    lost = LostInstance(kit.find(fleet, "web").uuid, "web", has_disk=True)
    plan = kit.plan(fleet, two_hosts(kit, FAN, lost=[lost]))
    assert plan.actions == []
    (finding,) = plan.findings
    assert finding.fatal
    assert finding.reason == "has its root disk on kvm1, its domain is gone, and that host is disabled: new fan"


def test_of_many_hosts_a_dozen_is_named(kit):
    text = closed_hosts({f"kvm{number}": "is in maintenance" for number in range(20)})
    assert text.count("is in maintenance") == 12
    assert text.endswith("… and 8 more hosts")


def test_the_maps_mark_them(kit):
    seen = two_hosts(kit, FAN.but(maintenance=True))
    assert "─ maintenance ┐" in draw(seen, {"kvm1": "az1"})
    assert "kvm1 · az1 · maintenance" in draw_svg(seen, {"kvm1": "az1"})
    assert "kvm1 · disabled" in draw_svg(two_hosts(kit, FAN), {})
