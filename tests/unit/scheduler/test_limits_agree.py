# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scheduler and the claim count the same: ratios, fixed or not, and QEMU's overhead."""

import tempfile

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware_claims import Claimant
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_tracker import ResourceTracker
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.plugin_utils.planner.forecast import forecast
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fake_host import FakeDriver, FakeHost

PLAIN = ["RamFilter", "CoreFilter", "DiskFilter"]
BY_AGGREGATE = ["AggregateRamFilter", "AggregateCoreFilter", "AggregateDiskFilter"]
RATIOS = ("ram_allocation_ratio", "cpu_allocation_ratio", "disk_allocation_ratio")


def dense(**ratios):
    return [Aggregate("dense", ["kvm1"], metadata={name: str(ratio) for name, ratio in ratios.items()})]


@pytest.mark.parametrize(("name", "ratio_name", "total"), list(zip(BY_AGGREGATE, RATIOS, (4608, 4, 50), strict=True)))
@pytest.mark.parametrize(
    ("own", "is_fixed", "aggregate", "expected"),
    [
        (2.0, False, 3.0, 3.0),
        (2.0, False, 1.5, 1.5),
        (2.0, True, 3.0, 2.0),
        (2.0, True, 1.5, 1.5),
        (2.0, True, None, 2.0),
    ],
)
def test_an_aggregate_replaces_a_ratio_unless_it_is_fixed(
    host, name, ratio_name, total, own, is_fixed, aggregate, expected
):
    aggregates = dense(**{ratio_name: aggregate}) if aggregate else []
    state = host(aggregates, **{ratio_name: own, "fixed_allocation_ratios": [ratio_name] if is_fixed else []})
    (item,) = load_filters([name], SchedulerOptions())
    assert list(item.limits(state).values()) == [total * expected]
    assert list(item.ratios(HostColumns([state]))) == [expected]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (4032, None),
        (4033, "lacks 1 MB of memory (4096 of 4608 MB free, and QEMU takes 64 MB)"),
        (4545, "has 4608 MB of memory in all, 1 MB less than asked for"),
    ],
)
def test_memory_is_asked_for_with_qemus_own(host, spec, refusals, wanted, reason):
    # 4096 MB free of 4608.
    state = host(instance_overhead_memory_mb=64)
    assert refusals("RamFilter", [state], spec(memory_mb=wanted)) == [reason]


def test_hosts_with_and_without_overhead_are_told_apart(host, spec, refusals):
    states = [host(host="kvm1"), host(host="kvm2", instance_overhead_memory_mb=1)]
    assert [reason is None for reason in refusals("RamFilter", states, spec(memory_mb=4096))] == [True, False]


def test_an_exact_fit_leaves_room_for_qemu(host, spec, refusals):
    state = host(instance_overhead_memory_mb=64)
    assert refusals("ExactRamFilter", [state], spec(memory_mb=4032)) == [None]
    assert refusals("ExactRamFilter", [state], spec(memory_mb=4096)) == ["has 4032 MB of memory left, not exactly 4096"]


def test_the_oldest_filter_counts_the_overhead_too(host, spec, refusals):
    state = host(instance_overhead_memory_mb=64)
    assert refusals("InstanceTypeFilter", [state], spec(memory_mb=4032)) == [None]
    assert refusals("InstanceTypeFilter", [state], spec(memory_mb=4033)) == ["lacks 1 MB of memory (4096 MB free)"]


def test_what_is_placed_takes_its_overhead(host, spec):
    state = host(instance_overhead_memory_mb=64)
    state.consume_from_instance(spec(memory_mb=1000))
    assert state.free_ram_mb == 4096 - 1064


def test_a_forecast_gives_back_what_was_counted(report):
    flavor = Flavor("small", 1, 1000, 5)
    going, coming = (Instance(f"u-{name}", InstanceSpec(name, flavor)) for name in ("a", "b"))
    before = report(instances=["u-a"], instance_overhead_memory_mb=64, memory_mb_used=512 + 1064, vcpus_used=1)
    seen = before.instances[0].but(instance=going)
    (after,) = forecast({"kvm1": before.but(instances=[seen])}, {"u-a"}, {}, {})
    assert after.compute_node.memory_mb_used == 512
    (after,) = forecast({"kvm1": before.but(instances=[seen])}, set(), {"kvm1": [coming]}, {})
    assert after.compute_node.memory_mb_used == 512 + 2 * 1064


@given(
    memory_mb=st.integers(1000, 5000),
    wanted=st.integers(1, 1500),
    reserved=st.integers(0, 900),
    overhead=st.integers(0, 200),
    ratio=st.sampled_from([0.5, 1.0, 1.3, 1.5]),
    aggregate=st.sampled_from([None, 0.7, 1.0, 2.0]),
    is_fixed=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_host_grants_as_many_claims_as_the_scheduler_chose_it_for(
    api, spec, memory_mb, wanted, reserved, overhead, ratio, aggregate, is_fixed
):
    options = {f"{'' if is_fixed else 'initial_'}ram_allocation_ratio": ratio}
    with tempfile.TemporaryDirectory() as path:
        settled = HostOptions(
            host="kvm1",
            driver="fake",
            state_path=path,
            reserved_host_memory_mb=reserved,
            instance_overhead_memory_mb=overhead,
            initial_cpu_allocation_ratio=100.0,
            **options,
        )
        db = TrackerDB(path)
        made = FakeHost(db.path.parent, settled, db, FakeDriver("kvm1", path, db))
        made.settings(resources={"memory_mb": memory_mb, "vcpus": 8, "local_gb": 1000})
        tracker = ResourceTracker(settled, made.driver, db)
        node = tracker.update_available_resource().node
        scheduler = api(
            HostReport.from_document(HostReport(node).as_document()),
            aggregates=dense(ram_allocation_ratio=aggregate) if aggregate else [],
            enabled_filters=BY_AGGREGATE,
        )
        requests = [spec(f"vm-{number}", memory_mb=wanted) for number in range(12)]
        selections = scheduler.select_destinations(requests)
        chosen = [item for item, selection in zip(requests, selections, strict=True) if selection.host]
        limits = next((selection.limits for selection in selections if selection.host), {})
        if not limits and aggregate:
            limits = {"memory_mb": memory_mb * (min(ratio, aggregate) if is_fixed else aggregate)}
        claims = [
            Claimant(Instance(item.instance_uuid, InstanceSpec(item.name, item.flavor)), limits) for item in requests
        ]
        outcome = tracker.instance_claims(claims)
        assert [uuid for uuid, refusal in outcome.items() if refusal is None] == [item.instance_uuid for item in chosen]
        db.close()
