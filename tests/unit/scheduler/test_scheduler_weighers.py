# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import numpy as np
import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.errors import PluginFailed
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.ranking import normalise
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.ranking import weigh as weigh_rows
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_weighers
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher


@pytest.mark.parametrize(
    ("raw", "minval", "maxval", "expected"),
    [
        ([5, 5, 5], None, None, [0, 0, 0]),
        ([5, 5, 5], 0, None, [1, 1, 1]),
        ([0, 0], 0, None, [0, 0]),
        ([2, 4, 10], None, None, [0, 0.25, 1]),
        ([2, 4, 10], 0, None, [0.2, 0.4, 1]),
        # Over-committed hosts all look equally full.
        ([-7, -1, 10], 0, None, [0, 0, 1]),
        ([-7, -1], 0, None, [0, 0]),
        ([1, 5, 50], 0, 10, [0.1, 0.5, 1]),
        ([], 0, None, []),
    ],
)
def test_weights_are_clamped_and_mapped_to_0_to_1(raw, minval, maxval, expected):
    assert list(normalise(np.array(raw, dtype=float), minval, maxval)) == expected


def weigh(name, hosts, spec, **options):
    (item,) = load_weighers([name], SchedulerOptions.from_mapping(options))
    return weigh_all(item, hosts, spec)


def weigh_all(item, hosts, spec):
    return list(weigh_rows(item, HostColumns(hosts), np.arange(len(hosts)), spec))


@pytest.mark.parametrize(
    ("name", "option", "small", "big"),
    [
        ("RAMWeigher", "ram_weight_multiplier", {"memory_mb": 1512}, {"memory_mb": 4512}),
        ("CPUWeigher", "cpu_weight_multiplier", {"vcpus": 1}, {"vcpus": 4}),
        ("CPUWeigher", "cpu_weight_multiplier", {"vcpus": 4, "vcpus_used": 12}, {"vcpus": 4}),
        ("DiskWeigher", "disk_weight_multiplier", {"local_gb": 10}, {"local_gb": 40}),
    ],
)
def test_the_weight_is_what_is_free_beside_the_best_host(host, spec, name, option, small, big):
    hosts = [host(**small), host(**big)]
    assert weigh(name, hosts, spec())[1] == 1.0
    assert weigh(name, hosts, spec())[0] == pytest.approx(0.25 if name != "RAMWeigher" else 1000 / 4000)
    assert weigh(name, hosts, spec(), **{option: -2.0})[1] == -2.0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 1.0),
        (["3.0"], 3.0),
        # "10" is more than "9" as a number, and less as text.
        (["10", "9"], 9.0),
        (["-1"], -1.0),
        (["2.0", "much"], 1.0),
        (["1,2"], 1.0),
        (["nan"], 1.0),
        (["-inf"], 1.0),
    ],
)
def test_the_lowest_multiplier_of_a_hosts_aggregates_overrides_the_option(host, spec, values, expected):
    aggregates = [Aggregate(f"a{n}", ["kvm1"], metadata={"ram_weight_multiplier": v}) for n, v in enumerate(values)]
    assert weigh("RAMWeigher", [host(aggregates=aggregates)], spec()) == [expected]


def test_multipliers_may_differ_from_host_to_host(host, spec, manager, report):
    fleet = manager(
        report("kvm1"),
        report("kvm2"),
        aggregates=[Aggregate("quiet", ["kvm2"], metadata={"ram_weight_multiplier": "0.5"})],
    )
    weighers = load_weighers(["RAMWeigher"], SchedulerOptions())
    weighed = fleet.get_weighed_hosts(list(fleet.get_all_host_states()), spec(), weighers)
    assert [(item.host_state.host, item.weight) for item in weighed] == [("kvm1", 1.0), ("kvm2", 0.5)]


def test_a_single_host_is_not_weighed(manager, report, spec):
    class Broken(BaseHostWeigher):
        pass

    fleet = manager(report("kvm1"))
    hosts = list(fleet.get_all_host_states())
    weighed = fleet.get_weighed_hosts(hosts, spec(), [Broken("broken", SchedulerOptions())])
    assert [(item.weight, item.weights) for item in weighed] == [(0.0, {})]
    assert fleet.get_weighed_hosts([], spec(), []) == []


def test_equal_hosts_keep_their_order(manager, report, spec):
    fleet = manager(*(report(f"kvm{n}") for n in (3, 1, 2)))
    weighers = load_weighers(["RAMWeigher"], SchedulerOptions.from_mapping({"ram_weight_multiplier": 0.0}))
    hosts = list(fleet.get_all_host_states())[::-1]
    weighed = fleet.get_weighed_hosts(hosts, spec(), weighers)
    assert [item.host_state.host for item in weighed] == ["kvm3", "kvm2", "kvm1"]


def test_weights_add_up_by_weigher(manager, report, spec):
    fleet = manager(report("kvm1", memory_mb=2560), report("kvm2", memory_mb=4608, local_gb=25))
    weighers = load_weighers(["RAMWeigher", "DiskWeigher"], SchedulerOptions())
    best, other = fleet.get_weighed_hosts(list(fleet.get_all_host_states()), spec(), weighers)
    assert (best.host_state.host, best.weights, best.weight) == ("kvm1", {"RAMWeigher": 0.5, "DiskWeigher": 1.0}, 1.5)
    assert (other.host_state.host, other.weight) == ("kvm2", 1.5)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (float("nan"), "acme.odd weighed host kvm1 as nan. Repair it, or take it out of the enabled ones."),
        (
            "heavy",
            (
                "acme.odd raised ValueError(\"could not convert string to float: 'heavy'\") on host kvm1. "
                "Repair it, or take it out of the enabled ones."
            ),
        ),
    ],
)
def test_a_weigher_that_answers_no_number_is_named(host, spec, answer, message):
    class Odd(BaseHostWeigher):
        def weigh_object(self, host_state, spec):
            return answer

    with pytest.raises(PluginFailed) as failure:
        weigh_all(Odd("acme.odd", SchedulerOptions()), [host()], spec())
    assert str(failure.value) == message
