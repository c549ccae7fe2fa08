# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that go by how much a host has to do."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate

KINDS = [
    ("IoOpsFilter", "io_workload", "max_io_ops_per_host", "I/O operations"),
    ("NumInstancesFilter", "num_instances", "max_instances_per_host", "instances"),
]


def aggregates(option, *values):
    return [Aggregate(f"a{index}", ["kvm1"], metadata={option: value}) for index, value in enumerate(values)]


@pytest.mark.parametrize(("name", "stat", "option", "things"), KINDS)
@pytest.mark.parametrize("prefix", ["", "Aggregate"])
@pytest.mark.parametrize(("count", "passes"), [(0, True), (2, True), (3, False), (4, False)])
def test_a_host_takes_no_more_than_the_option_says(
    verdict, host, spec, name, stat, option, things, prefix, count, passes
):
    found = verdict(prefix + name, host(stats={stat: count}), spec(), **{option: 3})
    assert found == (None if passes else f"already has {count} of at most 3 {things}")


@pytest.mark.parametrize(("name", "count"), [("IoOpsFilter", 8), ("NumInstancesFilter", 50)])
def test_the_defaults_are_those_of_nova(verdict, host, spec, name, count):
    stat = "io_workload" if name == "IoOpsFilter" else "num_instances"
    assert verdict(name, host(stats={stat: count - 1}), spec()) is None
    assert verdict(name, host(stats={stat: count}), spec()) is not None


@pytest.mark.parametrize(("name", "stat", "option", "things"), KINDS)
@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ([], 5),
        (["3"], 3),
        (["9"], 9),
        (["10", "9"], 9),
        ([" 7 "], 7),
        (["0"], 0),
        (["-1"], -1),
        (["many"], 5),
        (["3", "many"], 5),
        (["3.5"], 5),
        (["1,2"], 5),
        (["inf"], 5),
        ([""], 5),
    ],
)
def test_aggregates_may_say_otherwise(verdict, host, spec, name, stat, option, things, values, limit):
    for count in (max(limit - 1, 0), max(limit, 0)):
        state = host(stats={stat: count}, aggregates=aggregates(option, *values))
        found = verdict(f"Aggregate{name}", state, spec(), **{option: 5})
        assert found == (None if count < limit else f"already has {count} of at most {limit} {things}")


@pytest.mark.parametrize(("name", "stat", "option", "things"), KINDS)
def test_the_plain_filters_do_not_look_at_aggregates(verdict, host, spec, name, stat, option, things):
    state = host(stats={stat: 4}, aggregates=aggregates(option, "1"))
    assert verdict(name, state, spec(), **{option: 5}) is None


@pytest.mark.parametrize("name", ["IoOpsFilter", "NumInstancesFilter", "AggregateIoOpsFilter"])
def test_what_is_placed_counts(api, report, spec, name):
    options = {"max_io_ops_per_host": 2, "max_instances_per_host": 2}
    requests = [spec(name=f"web-{number}") for number in range(3)]
    found = api(report(), enabled_filters=[name], **options).select_destinations(requests)
    assert [item.host for item in found] == ["kvm1", "kvm1", None]
    assert "kvm1 already has 2 of at most 2" in str(found[2].message)


def test_the_host_that_is_least_over_its_limit_is_the_nearest_miss(api, report, spec):
    hosts = [report(f"kvm{count}", stats={"num_instances": count}) for count in (5, 3, 4)]
    (found,) = api(*hosts, enabled_filters=["NumInstancesFilter"], max_instances_per_host=3).select_destinations(
        [spec()]
    )
    assert found.nearest_miss == "kvm3 already has 3 of at most 3 instances"


@pytest.mark.parametrize(
    ("setting", "reported", "refusal"),
    [
        ([], [], None),
        (["cpu.percent=1.0"], ["cpu.percent", "cpu.user.time"], None),
        (["cpu.percent=1.0"], [], "does not report cpu.percent"),
        (["cpu.percent=1.0", "temp = -2"], ["temp"], "does not report cpu.percent"),
        (["a=1", "b=1"], ["c"], "does not report a and b"),
    ],
)
def test_a_host_must_report_every_metric_that_is_weighed(verdict, host, spec, setting, reported, refusal):
    state = host(metrics=[{"name": name, "value": 1.0} for name in reported])
    assert verdict("MetricsFilter", state, spec(), metrics_weight_setting=setting) == refusal


def test_a_setting_that_cannot_be_read_is_told(verdict, host, spec):
    with pytest.raises(InvalidInput, match="metrics_weight_setting has the element 'cpu"):
        verdict("MetricsFilter", host(), spec(), metrics_weight_setting=["cpu.percent"])
