# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from ansible_collections.novella.compute.plugins.plugin_utils.planner.outlook import foresee


def test_the_outlook_is_what_an_audit_sees_after_the_plan_was_carried_out(kit):
    old = kit.observed(kit.find(kit.fleet(instances={"old": kit.web()}), "old"))
    fleet = kit.fleet(instances={"web": kit.web(count=2), "db": kit.web(vm_state="stopped"), "off": kit.web()})
    off = kit.observed(kit.find(fleet, "off"), "shutdown")
    before = kit.observation(kit.report("kvm1", [old, off]), kit.report("kvm2"))
    plan = kit.plan(fleet, before, prune=True)
    after, audited = foresee(before, plan), kit.carry_out(fleet, before, plan)

    def picture(seen):
        return {
            host: (
                sorted(
                    (item.instance.spec.name, item.instance.vm_state, item.power_state) for item in report.instances
                ),
                report.compute_node.memory_mb_used,
            )
            for host, report in seen.reports.items()
        }

    assert picture(after) == picture(audited)


def test_what_no_plan_touches_stays(kit):
    before = kit.observation(kit.report("kvm1"), kvm2="timed out")
    assert foresee(before, kit.plan(kit.fleet(), before)) == before


def test_what_comes_and_goes_is_counted(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=3)})
    old = [kit.observed(kit.find(kit.fleet(instances={"old": kit.web(count=2)}), f"old-{number}")) for number in (1, 2)]
    report = kit.report("kvm1", old)
    before = kit.observation(report.but(compute_node=report.compute_node.but(stats={"num_instances": 2})))
    after = foresee(before, kit.plan(fleet, before, prune=True))
    assert after.reports["kvm1"].compute_node.stats["num_instances"] == 3
