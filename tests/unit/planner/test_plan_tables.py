# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see."""

import xml.etree.ElementTree as ET

from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import ForeignDomain
from ansible_collections.novella.compute.plugins.plugin_utils.planner.attempts import failures_of_plan
from ansible_collections.novella.compute.plugins.plugin_utils.planner.outcome import (
    closing_rows,
    expected_rows,
    failure_code,
    failure_message,
    list_instances,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.picture import draw
from ansible_collections.novella.compute.plugins.plugin_utils.planner.svg import draw_svg
from ansible_collections.novella.compute.plugins.plugin_utils.planner.tables import instance_table, plan_table


def test_a_plan_is_a_table_and_a_line(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=2), "db": kit.web()})
    off = kit.observed(kit.find(fleet, "db"), "shutdown")
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", [off]), kit.report("kvm2")))
    assert plan_table(plan) == (
        "  instance  action  host  reason\n"
        "  ────────  ──────  ────  ───────────────────────────────────────────────────────────────────\n"
        "  db        start   kvm1  was stopped outside Novella (vm_state active, power_state shutdown)\n"
        "  web-1     create  kvm2  is declared but on no host\n"
        "  web-2     create  kvm1  is declared but on no host\n"
        "\n"
        "Plan: 2 to create, 1 to start; 0 unchanged."
    )


def test_no_changes_is_one_line(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=8)})
    seen = [kit.observed(kit.find(fleet, f"web-{number}")) for number in range(1, 9)]
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", seen)))
    assert plan_table(plan) == "No changes. 8 instances are as declared."


def test_no_line_is_wider_than_a_terminal(kit):
    name = "a-very-long-name-that-somebody-thought-was-good.example.org"
    fleet = kit.fleet(instances={name: kit.web(), "big": kit.web(flavor="huge")})
    paused = kit.observed(kit.find(fleet, name), "shutdown")
    plan = kit.plan(fleet, kit.observation(kit.report("kvm1", [paused]), kvm2="timed out after a long while " * 9))
    for verbosity in (0, 1):
        assert max(len(line) for line in plan_table(plan, verbosity).splitlines()) <= 100


def test_what_fits_nowhere_is_shown_with_its_funnel_and_the_nearest_miss(kit):
    fleet = kit.fleet(instances={"big": kit.web(flavor="large")})
    hosts = kit.observation(kit.report("kvm1", memory_mb=2048), kit.report("kvm2", memory_mb=1500))
    text = plan_table(kit.plan(fleet, hosts))
    flat = " ".join(text.split())
    assert "No valid host for big (large): 0 of 2 hosts fit. RamFilter refused 2." in flat
    assert "Nearest: kvm1 lacks 512 MB of memory." in flat
    assert "hosts left: RamFilter 2 → 0" in flat
    assert text.endswith("Plan: 1 without a valid host; 0 unchanged.")
    assert "kvm2 has 1500 MB of memory in all" in plan_table(kit.plan(fleet, hosts), verbosity=1)


def test_verbosity_shows_alternates_weights_and_fields(kit):
    fleet = kit.fleet(instances={"web": kit.web()})
    text = plan_table(kit.plan(fleet, kit.observation(kit.report("kvm1"), kit.report("kvm2"))), verbosity=1)
    assert "alternates: kvm2" in text
    assert "weights: RAMWeigher" in text
    assert "flavor none -> small" in text


def test_what_is_left_alone_is_said(kit):
    old = kit.observed(kit.find(kit.fleet(instances={"old": kit.web()}), "old"))
    fleet = kit.fleet(instances={"web": kit.web()})
    text = plan_table(kit.plan(fleet, kit.observation(kit.report("kvm1", [old]), kvm2="timed out")))
    assert text == (
        "Cannot be done:\n"
        "  web may be on kvm2, which did not answer (timed out); it is not created elsewhere.\n"
        "\n"
        "Left alone:\n"
        "  old is not in the fleet; prune: true would delete it.\n"
        "\n"
        "Hosts that did not answer:\n"
        "  kvm2: timed out\n"
        "\n"
        "Plan: nothing to do; 0 unchanged."
    )


def test_the_closing_table_says_where_everything_is(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=10), "db": kit.web()})
    seen = [kit.observed(kit.find(fleet, f"web-{number}")) for number in (10, 2)]
    off = kit.observed(kit.find(fleet, "db"), "shutdown")
    other = kit.observed(kit.find(kit.fleet(name="other", instances={"x": kit.web()}), "x"))
    instances = list_instances(
        kit.observation(kit.report("kvm1", [*seen, other]), kit.report("kvm2", [off])), "default"
    )
    assert instance_table(closing_rows(instances)) == (
        "  instance  host  state              address\n"
        "  ────────  ────  ─────────────────  ─────────\n"
        "  db        kvm2  active (shutdown)  -\n"
        "  web-2     kvm1  active             192.0.2.7\n"
        "  web-10    kvm1  active             192.0.2.7"
    )


def test_in_check_mode_it_says_what_would_be_done(kit):
    fleet = kit.fleet(instances={"web": kit.web(), "db": kit.web()})
    off = kit.observed(kit.find(fleet, "db"), "shutdown")
    seen = kit.observation(kit.report("kvm1", [off]))
    rows = expected_rows(list_instances(seen, "default"), kit.plan(fleet, seen))
    assert rows == [
        ["db", "kvm1", "active (shutdown), would start", "-"],
        ["web", "kvm1", "would create", "-"],
    ]


def test_a_failed_run_names_everything_that_failed(kit):
    fleet = kit.fleet(instances={"big": kit.web(flavor="huge"), "web": kit.web()})
    stateless = kit.observed(kit.find(fleet, "web"), "nostate")
    failures = failures_of_plan(kit.plan(fleet, kit.observation(kit.report("kvm1", [stateless]))))
    lines = failure_message(failures).splitlines()
    assert lines[0] == "2 things failed:"
    assert lines[1].startswith("  No valid host for big (huge): 0 of 1 host fit")
    assert lines[2].startswith("  web is nostate: ")
    assert failure_code(failures) == "NoValidHost"


def test_the_map_shows_each_host_with_its_instances(kit):
    fleet = kit.fleet(
        server_groups={"g": {"policy": "affinity"}}, instances={"web": kit.web(server_group="g"), "db": kit.web()}
    )
    seen = [kit.observed(kit.find(fleet, "web")), kit.observed(kit.find(fleet, "db"), "shutdown")]
    foreign = [ForeignDomain("f00d", "precious", "running", 1, 1024, 5)]
    hosts = kit.observation(kit.report("kvm1", seen, foreign=foreign), kit.report("kvm2"), kvm3="timed out")
    assert draw(hosts, {"kvm1": "az1"}) == (
        "┌ kvm1 ─────────────────── az1 ┐  ┌ kvm2 ────────────────────────┐  ┌ kvm3 ────────────────────────┐\n"
        "│ vcpus  █░░░░░░░ 3/32         │  │ vcpus  ░░░░░░░░ 0/32         │  │ did not answer:              │\n"
        "│ memory ████░░░░ 2048/4096 MB │  │ memory ░░░░░░░░ 0/4096 MB    │  │ timed out                    │\n"
        "│                              │  │                              │  └──────────────────────────────┘\n"
        "│ ● web [g]             512 MB │  └──────────────────────────────┘\n"
        "│ ○ db                  512 MB │\n"
        "│ ◌ precious           1024 MB │\n"
        "└──────────────────────────────┘\n"
        "● runs   ○ is off   ◌ not Novella's"
    )


def test_the_drawing_is_xml_with_every_instance_in_it(kit):
    fleet = kit.fleet(
        server_groups={"g": {"policy": "affinity"}},
        instances={"web": kit.web(count=3, server_group="g"), "db": kit.web()},
    )
    seen = [kit.observed(kit.find(fleet, name)) for name in ("web-1", "web-2", "db")]
    hosts = kit.observation(kit.report("kvm1", seen), kit.report("kvm2"), kvm3="timed out")
    root = ET.fromstring(draw_svg(hosts, {"kvm1": "az1"}))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for word in ("kvm1 · az1", "kvm2", "kvm3", "did not answer", "web-1", "web-2", "db", "group g", "1536 of 4096 MB"):
        assert word in texts


def test_verbosity_shows_the_funnel_and_who_refused_what_was_placed(kit):
    fleet = kit.fleet(instances={"web": kit.web(flavor="large")})
    hosts = kit.observation(kit.report("kvm1"), kit.report("kvm2"), kit.report("kvm3", memory_mb=1500))
    plan = kit.plan(fleet, hosts)
    assert [selection.host for selection in plan.placed] == ["kvm1"]
    assert "RamFilter 3 → 2" not in plan_table(plan)
    text = plan_table(plan, verbosity=1)
    assert "RamFilter 3 → 2" in text
    assert "    kvm3 has 1500 MB of memory in all" in text
    assert "in all 3.000" in text


def test_the_only_host_left_is_not_weighed(kit):
    text = plan_table(kit.plan(kit.fleet(instances={"web": kit.web()}), kit.observation(kit.report("kvm1"))), 1)
    assert "weights: none, as it was the only host left" in text


def test_a_large_plan_is_explained_in_part_and_whole_with_more_verbosity(kit):
    hosts = kit.observation(*(kit.report(f"kvm{number:02}", memory_mb=1024) for number in range(60)))
    instances = {"web": kit.web(count=30), "big": kit.web(count=25, flavor="large")}
    plan = kit.plan(kit.fleet(instances=instances), hosts)
    text = plan_table(plan, verbosity=1)
    assert text.count(": create on") == 20
    assert "  … and 10 more actions" in text
    assert "    … and 40 more refused hosts" in text
    assert text.count("No valid host for big-") == 25
    assert text.count("more refused hosts") == 20
    whole = plan_table(plan, verbosity=2)
    assert whole.count(": create on") == 30
    # The plan itself has no more than the option explained_refusals allows.
    assert whole.count("    … and 10 more refused hosts") == 25
