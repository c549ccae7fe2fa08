# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that do Placement's work."""

import numpy as np
import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.inventory import Inventory
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filtering import passing
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters
from hypothesis import given
from hypothesis import strategies as st

TENANTS = {"limit_tenants_to_placement_aggregate": True}
ISOLATED = {"enable_isolated_aggregate_filtering": True}


def verdict(name, state, request, **options):
    """Return None for a host that passes, else the reason; the mask must say the same."""
    (item,) = load_filters([name], SchedulerOptions.from_mapping(options))
    reason = item.refusal(state, request)
    columns = HostColumns([state])
    assert bool(passing(item, columns, columns.all(), request)[0]) is (reason is None)
    return reason and str(reason)


def asking(spec, properties=None, **specs):
    flavor = Flavor("small", 2, 1024, 5, extra_specs=specs)
    return spec().but(flavor=flavor, image=Image("debian", "/debian", properties=properties or {}))


@pytest.mark.parametrize(
    ("inventory", "used", "asked", "reason"),
    [
        ({"total": 4}, 0, 4, None),
        ({"total": 4}, 0, 5, "gives an instance at most 4 CUSTOM_A (5 asked for) and lacks 1 CUSTOM_A (4 of 4 free)"),
        ({"total": 4}, 3, 2, "lacks 1 CUSTOM_A (1 of 4 free)"),
        ({"total": 4, "reserved": 1}, 0, 3, None),
        ({"total": 4, "reserved": 1}, 0, 4, "lacks 1 CUSTOM_A (3 of 3 free)"),
        ({"total": 4, "allocation_ratio": 2.0}, 4, 4, None),
        ({"total": 5, "reserved": 1, "allocation_ratio": 1.5}, 4, 2, None),
        ({"total": 3, "allocation_ratio": 1.5}, 4, 1, "lacks 0.5 CUSTOM_A (0.5 of 4.5 free)"),
        ({"total": 4, "allocation_ratio": 9.0}, 0, 5, "gives an instance at most 4 CUSTOM_A (5 asked for)"),
        ({"total": 4, "max_unit": 2}, 0, 3, "gives an instance at most 2 CUSTOM_A (3 asked for)"),
        ({"total": 4, "min_unit": 2}, 0, 1, "gives an instance at least 2 CUSTOM_A (1 asked for)"),
        ({"total": 9, "step_size": 3}, 0, 6, None),
        ({"total": 9, "step_size": 3}, 0, 4, "gives CUSTOM_A in steps of 3 (4 asked for)"),
        ({"total": 2}, 5, 1, "lacks 4 CUSTOM_A (0 of 2 free)"),
    ],
)
def test_a_custom_class_is_given_by_placements_arithmetic(host, spec, inventory, used, asked, reason):
    state = host(inventories={"CUSTOM_A": Inventory(**inventory)}, resources_used={"CUSTOM_A": used})
    assert verdict("ResourceClassFilter", state, asking(spec, **{"resources:CUSTOM_A": str(asked)})) == reason


def test_a_host_without_the_class_is_refused(host, spec):
    assert verdict("ResourceClassFilter", host(), asking(spec, **{"resources:CUSTOM_A": "1"})) == "has no CUSTOM_A"
    assert verdict("ResourceClassFilter", host(), asking(spec, **{"resources:CUSTOM_A": "0"})) is None


def test_each_group_keeps_to_the_bounds_and_their_sum_to_what_there_is(host, spec):
    state = host(inventories={"CUSTOM_A": Inventory(4, min_unit=2)})
    groups = {"resources1:CUSTOM_A": "2", "resources2:CUSTOM_A": "2", "group_policy": "none"}
    assert verdict("ResourceClassFilter", state, asking(spec, **groups)) is None
    small = verdict("ResourceClassFilter", state, asking(spec, **{**groups, "resources2:CUSTOM_A": "1"}))
    assert small == "gives an instance at least 2 CUSTOM_A (1 asked for)"
    assert "lacks 2" in verdict("ResourceClassFilter", state, asking(spec, **{**groups, "resources2:CUSTOM_A": "4"}))


def test_groups_on_different_providers_fit_on_no_host(host, spec):
    state = host(inventories={"CUSTOM_A": Inventory(4)})
    groups = {"resources1:CUSTOM_A": "1", "resources2:CUSTOM_A": "1", "group_policy": "isolate"}
    reason = verdict("ResourceClassFilter", state, asking(spec, **groups))
    assert reason == "is one provider, and group_policy=isolate wants several"


def test_the_host_bounds_what_one_instance_has_of_a_standard_class(host, spec):
    state = host(inventories={"VCPU": Inventory(4, max_unit=1)})
    assert verdict("ResourceClassFilter", state, asking(spec)) == "gives an instance at most 1 VCPU (2 asked for)"
    assert verdict("ResourceClassFilter", state, asking(spec, **{"resources:VCPU": "1"})) is None


def test_an_overridden_amount_is_what_the_other_filters_test(host, spec):
    state = host(vcpus=4, vcpus_used=16)
    assert verdict("CoreFilter", state, asking(spec)) is not None
    assert verdict("CoreFilter", state, asking(spec, **{"resources:VCPU": "0"})) is None
    assert verdict("RamFilter", state, asking(spec, **{"resources:MEMORY_MB": "4097"})) == (
        "lacks 1 MB of memory (4096 of 4608 MB free)"
    )
    assert verdict("DiskFilter", state, asking(spec, **{"resources:DISK_GB": "51"})) is not None


def test_a_placement_takes_what_was_asked_for(host, spec):
    state = host(inventories={"CUSTOM_A": Inventory(4)}, resources_used={"CUSTOM_A": 1})
    state.consume_from_instance(asking(spec, **{"resources:CUSTOM_A": "2", "resources:MEMORY_MB": "96"}))
    assert (state.resources_used, state.free_ram_mb, state.vcpus_used) == ({"CUSTOM_A": 3}, 4000, 2)


def test_one_request_after_the_other_uses_a_class_up(api, report, spec):
    scheduler = api(report(inventories={"CUSTOM_A": Inventory(2)}))
    requests = [
        asking(spec, **{"resources:CUSTOM_A": "1"}).but(name=f"web-{number}", instance_uuid=f"uuid-{number}")
        for number in range(3)
    ]
    *placed, last = scheduler.select_destinations(requests)
    assert [selection.host for selection in placed] == ["kvm1", "kvm1"]
    assert last.nearest_miss == "kvm1 lacks 1 CUSTOM_A"


def test_a_bad_amount_stops_its_request_only(api, report, spec):
    bad = asking(spec, **{"resources:CUSTOM_A": "many"})
    good = asking(spec).but(name="web-2", instance_uuid="uuid-2")
    first, second = api(report()).select_destinations([bad, good])
    assert first.message == (
        "web-1 was not placed: resources:CUSTOM_A: must be a whole number of 0 or more, not 'many'."
    )
    assert second.host == "kvm1"


def test_a_forced_host_escapes_none_of_them(api, report, spec):
    forced = asking(spec, **{"trait:A": "required"}).but(force_hosts=["kvm1"])
    (selection,) = api(report()).select_destinations([forced])
    assert selection.refusals[0].reason == "lacks trait A"


@pytest.mark.parametrize(
    ("traits", "reason"),
    [
        (["A"], None),
        (["A", "X"], None),
        ([], "lacks trait A"),
        (["A", "B"], "has the forbidden trait B"),
        (["B"], "lacks trait A and has the forbidden trait B"),
    ],
)
def test_traits_are_required_and_forbidden(host, spec, traits, reason):
    request = asking(spec, {"trait:B": "forbidden"}, **{"trait:A": "required"})
    assert verdict("TraitsFilter", host(traits=traits), request) == reason


@pytest.mark.parametrize(
    ("metadata", "required", "passes"),
    [
        ({}, [], True),
        ({"trait:A": "required"}, [], False),
        ({"trait:A": "required"}, ["A"], True),
        ({"trait:A": "required", "trait:B": "required"}, ["A"], False),
        ({"trait:A": "forbidden"}, [], True),
    ],
)
def test_an_isolated_aggregate_takes_only_those_who_require_all_its_traits(host, spec, metadata, required, passes):
    state = host(aggregates=[Aggregate("fast", ["kvm1"], metadata=metadata)])
    request = asking(spec, **{f"trait:{name}": "required" for name in required})
    reason = verdict("IsolatedAggregatesFilter", state, request, **ISOLATED)
    assert (reason is None) is passes
    assert verdict("IsolatedAggregatesFilter", state, request) is None


@pytest.mark.parametrize(
    ("project", "options", "reason"),
    [
        ("blue", TENANTS, None),
        ("red", TENANTS, "is not in aggregate reds of project red"),
        ("grey", TENANTS, None),
        ("grey", {**TENANTS, "placement_aggregate_required_for_tenants": True}, "is closed to project grey, which has"),
        ("red", {}, None),
    ],
)
def test_a_project_with_aggregates_is_confined_to_them(host, spec, project, options, reason):
    aggregates = [
        Aggregate("blues", ["kvm1"], metadata={"filter_tenant_id": "other", "filter_tenant_id_2": "blue"}),
        # None of its hosts answers, and yet the project is not let out.
        Aggregate("reds", ["kvm9"], metadata={"filter_tenant_id": "red"}),
    ]
    found = verdict("TenantAggregatesFilter", host(aggregates=aggregates), spec(project_id=project), **options)
    assert found is None if reason is None else found.startswith(reason)


@pytest.mark.parametrize("option", [*TENANTS, *ISOLATED])
def test_an_option_without_its_filter_is_refused(option):
    with pytest.raises(Exception, match=f"scheduler.{option} needs .*Filter in enabled_filters"):
        SchedulerOptions.from_mapping({option: True, "enabled_filters": ["RamFilter"]})


inventories = st.builds(
    Inventory,
    total=st.integers(0, 12),
    reserved=st.integers(0, 3),
    min_unit=st.integers(1, 3),
    max_unit=st.none() | st.integers(1, 9),
    step_size=st.integers(1, 3),
    allocation_ratio=st.sampled_from([0.5, 1.0, 1.5, 16.0]),
)


@given(
    st.lists(st.tuples(st.none() | inventories, st.none() | inventories, st.integers(0, 9)), min_size=1, max_size=6),
    st.integers(0, 9),
    st.integers(0, 4),
)
def test_all_hosts_at_once_are_judged_as_one_by_one(host, spec, hosts, asked, granular):
    states = []
    for number, (custom, cpus, used) in enumerate(hosts):
        found = {"CUSTOM_A": custom, "VCPU": cpus}
        declared = {name: inventory for name, inventory in found.items() if inventory is not None}
        states.append(host(host=f"kvm{number}", inventories=declared, resources_used={"CUSTOM_A": used}))
    request = asking(spec, **{"resources:CUSTOM_A": str(asked), "resources_b:CUSTOM_A": str(granular)})
    (item,) = load_filters(["ResourceClassFilter"], SchedulerOptions())
    columns = HostColumns(states)
    at_once = passing(item, columns, columns.all(), request)
    assert np.array_equal(at_once, [item.host_passes(state, request) for state in states])
