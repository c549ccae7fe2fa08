# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever the fleet and whatever the hosts hold: what no plan ever does."""

from collections import Counter

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.run_states import POWER_OF
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import ForeignDomain, LostInstance
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HOSTS = ["kvm1", "kvm2", "kvm3"]
NAMES = ["a", "b", "c", "d", "e"]
ABSENT = "absent"
check = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

declarations = st.fixed_dictionaries(
    {
        "flavor": st.sampled_from(["small", "large"]),
        "vm_state": st.sampled_from([*POWER_OF, "any"]),
        "metadata": st.sampled_from([{}, {"role": "web"}]),
    },
    optional={"server_group": st.just("g"), "availability_zone": st.just("az1")},
)
presences = st.one_of(
    st.just({"where": ABSENT}),
    st.fixed_dictionaries(
        {
            "where": st.sampled_from(HOSTS),
            "power": st.sampled_from(["running", "shutdown", "crashed", "paused", "suspended", "nostate"]),
            "vm_state": st.sampled_from([*POWER_OF, "building", "error", "soft-delete"]),
            "metadata": st.sampled_from([{}, {"role": "db"}]),
            "twice": st.sampled_from([False, False, False, True]),
        }
    ),
    st.fixed_dictionaries({"where": st.sampled_from(HOSTS), "lost": st.booleans()}),
)
worlds = st.fixed_dictionaries(
    {
        "wanted": st.dictionaries(st.sampled_from(NAMES), declarations),
        "present": st.dictionaries(st.sampled_from(NAMES), presences),
        "prune": st.booleans(),
        "silent": st.sampled_from([[], [], ["kvm3"]]),
        "foreign": st.sampled_from([[], ["kvm1"]]),
        "reclaim": st.sampled_from([0, 3600]),
    }
)


@pytest.fixture
def build(kit):
    """Return fleet, observation and the uuids seen anywhere, from what hypothesis has drawn."""

    def make(world):
        sections = {
            "server_groups": {"g": {"policy": "anti-affinity"}},
            "aggregates": {"z": {"hosts": ["kvm1", "kvm2"], "availability_zone": "az1"}},
        }
        fleet = kit.fleet(instances={name: kit.web(**keys) for name, keys in world["wanted"].items()}, **sections)
        held = {host: [] for host in HOSTS}
        lost = {host: [] for host in HOSTS}
        for name, here in world["present"].items():
            if here["where"] == ABSENT:
                continue
            keys = {**world["wanted"].get(name, {}), "metadata": here.get("metadata", {})}
            wanted = kit.find(kit.fleet(instances={name: kit.web(**keys)}, **sections), name)
            if "lost" in here:
                lost[here["where"]].append(LostInstance(wanted.uuid, name, here["lost"]))
                continue
            seen = kit.observed(wanted, here["power"], vm_state=here["vm_state"])
            held[here["where"]].append(seen)
            if here["twice"]:
                held[HOSTS[HOSTS.index(here["where"]) - 1]].append(seen)
        reports = [
            kit.report(
                host,
                held[host],
                lost=lost[host],
                foreign=[ForeignDomain(f"foreign-{host}", "precious", "running", 1, 1024, 5)]
                if host in world["foreign"]
                else [],
            ).but(reclaim_instance_interval=world["reclaim"])
            for host in HOSTS
            if host not in world["silent"]
        ]
        return fleet, kit.observation(*reports, **dict.fromkeys(world["silent"], "timed out"))

    return make


@check
@given(world=worlds)
def test_planning_twice_gives_the_same_bytes(kit, build, world):
    fleet, seen = build(world)
    first, second = (kit.plan(fleet, seen, prune=world["prune"]).as_document() for _ in range(2))
    assert repr(first) == repr(second)


@check
@given(world=worlds)
def test_no_plan_makes_an_instance_twice_or_touches_what_is_foreign_or_split(kit, build, world):
    fleet, seen = build(world)
    plan = kit.plan(fleet, seen, prune=world["prune"])
    whereabouts = {}
    for host, report in seen.reports.items():
        for item in report.instances:
            whereabouts.setdefault(item.instance.uuid, []).append(host)
    creates = Counter(action.uuid for action in plan.actions if action.operation == "create")
    assert all(count == 1 for count in creates.values())
    for action in plan.actions:
        hosts = whereabouts.get(action.uuid, [])
        assert not action.uuid.startswith("foreign")
        # What is somewhere is only ever acted upon there.
        assert hosts in ([], [action.host])
        if action.operation in ("delete", "soft_delete"):
            assert world["prune"]
            assert action.name not in world["wanted"]


@check
@given(world=worlds)
def test_while_a_host_is_silent_nothing_is_created_that_might_be_on_it(kit, build, world):
    fleet, seen = build({**world, "silent": ["kvm3"]})
    disks = {(host, item.uuid) for host, report in seen.reports.items() for item in report.lost if item.has_disk}
    held = {(host, item.instance.uuid) for host, report in seen.reports.items() for item in report.instances}
    for action in kit.plan(fleet, seen, prune=world["prune"]).actions:
        assert (action.host, action.uuid) in disks | held


@check
@given(world=worlds)
def test_a_plan_never_overfills_a_host(kit, build, world):
    fleet, seen = build(world)
    after = kit.carry_out(fleet, seen, kit.plan(fleet, seen, prune=world["prune"]))
    for host, report in after.reports.items():
        node, before = report.compute_node, seen.reports[host].compute_node
        assert node.memory_mb_used <= max(node.memory_mb, before.memory_mb_used) or _came_back(seen, host)


def _came_back(seen, host):
    # A disk that is brought back binds its instance to its host; whether it fits is for the claim to say.
    return any(item.has_disk for item in seen.reports[host].lost)


@check
@given(world=worlds)
def test_after_a_plan_was_carried_out_there_is_nothing_left_to_do(kit, build, world):
    fleet, seen = build(world)
    first = kit.plan(fleet, seen, prune=world["prune"])
    again = kit.plan(fleet, kit.carry_out(fleet, seen, first), prune=world["prune"])
    unplaced = {selection.instance_uuid for selection in first.unplaced}
    assert [action for action in again.actions if action.uuid not in unplaced] == []


@check
@given(world=worlds)
def test_every_wanted_instance_is_accounted_for(kit, build, world):
    fleet, seen = build(world)
    plan = kit.plan(fleet, seen, prune=world["prune"])
    named = {item.uuid for item in [*plan.actions, *plan.findings]} | {s.instance_uuid for s in plan.unplaced}
    wanted = {kit.find(fleet, name).uuid for name in world["wanted"]}
    assert plan.unchanged == len(wanted - named)
