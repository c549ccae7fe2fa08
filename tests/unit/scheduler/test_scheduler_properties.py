# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import ENABLED_FILTERS, SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTS = st.lists(
    st.fixed_dictionaries(
        {
            "vcpus": st.integers(1, 8),
            "memory_mb": st.integers(512, 8192),
            "local_gb": st.integers(1, 60),
            "cpu_allocation_ratio": st.sampled_from([0.5, 1.0, 1.5, 4.0]),
            "ram_allocation_ratio": st.sampled_from([1.0, 1.5]),
            "disabled": st.booleans(),
            "rack": st.sampled_from([None, "r1", "r1", "r2"]),
            "old": st.lists(st.sampled_from(["web", "db", "queue"]), max_size=2),
        }
    ),
    max_size=5,
)
REQUESTS = st.lists(
    st.fixed_dictionaries(
        {
            "vcpus": st.integers(1, 4),
            "memory_mb": st.integers(1, 3000),
            "root_gb": st.integers(0, 20),
            "availability_zone": st.sampled_from([None, "az1", "az2", "nova"]),
            "group": st.sampled_from([None, "web", "web", "db", "queue", "near", "apart"]),
            "force_hosts": st.sampled_from([[], [], [], ["kvm0"], ["kvm1"]]),
        }
    ),
    max_size=12,
)
ZONES = {"kvm0": "az1", "kvm1": "az2", "kvm2": "az1"}
AGGREGATES = [
    Aggregate("one", ["kvm0", "kvm2"], "az1", {"ram_allocation_ratio": "1.2"}),
    Aggregate("two", ["kvm1"], "az2", {"cpu_allocation_ratio": "0.5", "disk_allocation_ratio": "2"}),
]


MOST_IN_A_RACK = 2
MORE_FILTERS = (
    "AggregateRamFilter",
    "AggregateCoreFilter",
    "AggregateDiskFilter",
    "ExactRamFilter",
    "TypeAffinityFilter",
    "RetryFilter",
    "TrustedFilter",
    "ArchFilter",
    "InstanceTypeFilter",
)
GROUPS = {
    "web": {"policy": "anti-affinity"},
    "db": {"policy": "affinity"},
    "queue": {"policy": "none", "spread_over": "rack", "max_per_domain": MOST_IN_A_RACK},
    "near": {"policy": "soft-affinity"},
    "apart": {"policy": "soft-anti-affinity"},
}


def fleet(report, hosts):
    return [
        report(
            f"kvm{index}",
            instances=old_members(index, figures),
            labels={"rack": figures["rack"]} if figures["rack"] else {},
            **{key: value for key, value in figures.items() if key not in ("rack", "old")},
        )
        for index, figures in enumerate(hosts)
    ]


def old_members(index, figures):
    return [f"{name}-old-{index}-{number}" for number, name in enumerate(figures["old"])]


def batch(spec, group, requests, hosts):
    old = {uuid: f"kvm{index}" for index, figures in enumerate(hosts) for uuid in old_members(index, figures)}
    groups = {None: None}
    for name, rules in GROUPS.items():
        members = [uuid for uuid in old if uuid.startswith(name)]
        groups[name] = group(name, members=members, hosts=sorted({old[uuid] for uuid in members}), **rules)
    return [
        spec(f"vm-{index}", **{k: v for k, v in data.items() if k != "group"}, instance_group=groups[data["group"]])
        for index, data in enumerate(requests)
    ]


@given(HOSTS, REQUESTS)
@settings(max_examples=150, deadline=None)
def test_no_batch_ever_takes_a_host_over_its_limits(api, report, spec, group, hosts, requests):
    scheduler = api(*fleet(report, hosts), aggregates=AGGREGATES)
    selections = scheduler.select_destinations(batch(spec, group, requests, hosts))
    assert [selection.name for selection in selections] == [f"vm-{index}" for index in range(len(requests))]
    for index, node in enumerate(hosts):
        here = [r for r, s in zip(requests, selections) if s.host == f"kvm{index}"]
        used_mb = 512 + sum(r["memory_mb"] for r in here)
        assert not here or used_mb <= node["memory_mb"] * node["ram_allocation_ratio"]
        assert sum(r["vcpus"] for r in here) <= node["vcpus"] * node["cpu_allocation_ratio"] or not here
        assert sum(r["root_gb"] for r in here) <= node["local_gb"]
        assert not (here and node["disabled"])
        new = sum(r["group"] == "web" and not r["force_hosts"] for r in here)
        assert new <= 1 - min(node["old"].count("web"), 1)
    for request, selection in zip(requests, selections):
        assert (selection.host is None) == (selection.message is not None)
        if selection.host is not None:
            assert request["availability_zone"] in (None, ZONES.get(selection.host, "nova"))
    for rack in ("r1", "r2"):
        inside = {f"kvm{index}" for index, node in enumerate(hosts) if node["rack"] == rack}
        old = sum(node["old"].count("queue") for node in hosts if node["rack"] == rack)
        queue = [r for r, s in zip(requests, selections) if r["group"] == "queue" and s.host in inside]
        # A forced host escapes the rules of groups, and counts for those that come after it.
        assert all(r["force_hosts"] for r in queue) or old + sum(not r["force_hosts"] for r in queue) <= MOST_IN_A_RACK


@given(HOSTS, REQUESTS)
@settings(max_examples=50, deadline=None)
def test_a_repeated_plan_is_identical_to_the_byte(api, report, spec, group, hosts, requests):
    def plan(reports):
        scheduler = api(*reports, aggregates=AGGREGATES, host_subset_size=2, seed=3)
        selections = scheduler.select_destinations(batch(spec, group, requests, hosts))
        return json.dumps([scheduler.written(selection) for selection in selections])

    reports = fleet(report, hosts)
    assert plan(reports) == plan(reports) == plan(reports[::-1])


@given(HOSTS, REQUESTS.filter(bool), st.permutations([*ENABLED_FILTERS, *MORE_FILTERS[:3]]))
@settings(max_examples=50, deadline=None)
def test_the_order_of_filters_does_not_change_who_passes(manager, report, spec, group, hosts, requests, order):
    known = manager(*fleet(report, hosts), aggregates=AGGREGATES)
    options = SchedulerOptions()

    def passing(names):
        filters = load_filters(list(names), options)
        request = batch(spec, group, requests, hosts)[0]
        return [state.host for state in known.get_filtered_hosts(known.get_all_host_states(), request, filters)]

    assert passing(order) == passing([*ENABLED_FILTERS, *MORE_FILTERS[:3]])


@given(HOSTS.filter(bool), REQUESTS.filter(bool))
@settings(max_examples=50, deadline=None)
def test_one_host_is_told_what_all_at_once_are_told(refusals, verdict, manager, report, spec, group, hosts, requests):
    states = list(manager(*fleet(report, hosts), aggregates=AGGREGATES).get_all_host_states())
    request = batch(spec, group, requests, hosts)[0]
    # How many members share a failure domain, one host alone does not tell.
    for name in sorted({*ENABLED_FILTERS, *MORE_FILTERS} - {"ServerGroupSpreadFilter"}):
        assert refusals(name, states, request) == [verdict(name, state, request) for state in states]


@given(HOSTS, REQUESTS.filter(bool), st.sets(st.sampled_from(ENABLED_FILTERS)))
@settings(max_examples=50, deadline=None)
def test_removing_a_constraint_never_loses_a_placement(manager, report, spec, group, hosts, requests, removed):
    known = manager(*fleet(report, hosts), aggregates=AGGREGATES)
    options = SchedulerOptions()

    def passing(names, request):
        filters = load_filters(list(names), options)
        return {state.host for state in known.get_filtered_hosts(known.get_all_host_states(), request, filters)}

    (request, *_more) = batch(spec, group, requests, hosts)
    before = passing(ENABLED_FILTERS, request)
    assert before <= passing([name for name in ENABLED_FILTERS if name not in removed], request)
    free = request.but(availability_zone=None, instance_group=None, force_hosts=[])
    assert before <= passing(ENABLED_FILTERS, free)
