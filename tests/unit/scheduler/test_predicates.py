# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The predicates of `where`."""

import json

import numpy as np
import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.schema import SCHEMA_FILE
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import FIGURES, HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filtering import passing
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_facts import CHANGING, NUMBERS, SETS, TEXTS
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.operators import OPERATORS
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.predicate_reader import faults_of, read_where
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters
from hypothesis import given, settings
from hypothesis import strategies as st

FACTS = {
    "labels": {"rack": "r1", "slots": "12", "legacy": "true"},
    "traits": ["HW_CPU_X86_AVX2", "CUSTOM_RAID"],
    "cpu_info": {"model": "EPYC", "topology": {"sockets": 2}, "features": ["aes", "avx"]},
    "stats": {"num_vm_active": 3, "nested": {"a": 1}},
    "metrics": [{"name": "cpu.percent", "value": 0.5}],
    "hypervisor_type": "QEMU",
    "hypervisor_version": 7002000,
}
AGGREGATES = [
    Aggregate("disks", ["kvm1"], "az1", {"disk": "ssd, nvme"}),
    Aggregate("other", ["kvm9"], "az9", {"disk": "tape"}),
]


def compare(key, operator, value=None):
    predicate = {"key": key, "operator": operator}
    return predicate if value is None else {**predicate, "value": value}


def judge(host, *where):
    """Return whether the host matches."""
    return verdict(host, *where) is None


def verdict(host, *where):
    state = host(aggregates=AGGREGATES, **FACTS)
    predicate = read_where(list(where))
    return None if predicate.holds(state) else predicate.complaint(state)


@pytest.mark.parametrize(
    ("key", "operator", "value", "holds"),
    [
        ("labels.rack", "==", "r1", True),
        ("labels.rack", "==", "r2", False),
        ("labels.rack", "!=", "r2", True),
        ("labels.slots", "==", 12, True),
        ("labels.slots", "==", "12", True),
        ("labels.slots", "==", "12.0", False),
        ("labels.slots", "<", 12.5, True),
        ("labels.slots", "<", 12, False),
        ("labels.slots", "<=", 12, True),
        ("labels.slots", ">", 11, True),
        ("labels.slots", ">=", 13, False),
        ("labels.legacy", "==", True, True),
        ("labels.legacy", "==", False, False),
        ("labels.legacy", "==", 1, False),
        ("labels.rack", "in", ["r0", "r1"], True),
        ("labels.rack", "not_in", ["r0", "r1"], False),
        ("labels.rack", "not_in", ["r0"], True),
        ("labels.rack", "contains", "r", True),
        ("labels.rack", "matches", "r[12]", True),
        ("labels.rack", "matches", "r", False),
        ("labels.rack", "exists", None, True),
        ("labels.rack", "exists", False, False),
        ("labels.row", "exists", False, True),
        ("traits", "contains", "CUSTOM_RAID", True),
        ("traits", "contains", ["CUSTOM_RAID", "HW_CPU_X86_AVX2"], True),
        ("traits", "contains", ["CUSTOM_RAID", "CUSTOM_NVME"], False),
        ("traits", "==", "CUSTOM_RAID", True),
        ("traits", "!=", "CUSTOM_RAID", False),
        ("traits", "matches", "HW_.*", True),
        ("aggregates", "==", "disks", True),
        ("aggregates", "==", "other", False),
        ("aggregate.disk", "==", "nvme", True),
        ("aggregate.disk", "==", "tape", False),
        ("aggregate.availability_zone", "==", "az1", True),
        ("free_ram_mb", ">=", 4096, True),
        ("free_ram_mb", ">", 4096, False),
        ("free_ram_mb", "in", [4096], True),
        ("free_ram_mb", "exists", None, True),
        ("vcpus_total", "==", 4, True),
        ("hypervisor_version", ">=", 7000000, True),
        ("hypervisor_type", "==", "QEMU", True),
        ("host", "matches", "kvm[0-9]+", True),
        ("cpu_info.model", "==", "EPYC", True),
        ("cpu_info.topology.sockets", ">=", 2, True),
        ("cpu_info.features", "contains", "aes", True),
        ("stats.num_vm_active", "==", 3, True),
        ("metrics.cpu.percent", "<", 0.6, True),
    ],
)
def test_a_fact_is_compared(host, key, operator, value, holds):
    assert judge(host, compare(key, operator, value)) is holds


@pytest.mark.parametrize(
    "predicate",
    [
        compare("labels.row", "==", "a"),
        compare("labels.row", "!=", "a"),
        compare("labels.row", "not_in", ["a"]),
        compare("labels.row", "<", 3),
        {"not": compare("labels.row", "==", "a")},
        {"not": [compare("labels.row", "==", "a"), compare("labels.rack", "==", "r1")]},
        {"any": [compare("labels.row", "==", "a"), compare("labels.rack", "==", "r2")]},
        {"all": [compare("labels.row", "==", "a"), compare("labels.rack", "==", "r1")]},
        compare("labels.row", "exists"),
        compare("cpu_info.topology", "==", "x"),
        compare("cpu_info.model.name", "==", "x"),
        compare("stats.nested", "==", 1),
        compare("metrics.net", ">", 0),
        compare("aggregate.row", "==", "x"),
        compare("host_ip", "!=", "192.0.2.1"),
    ],
)
def test_a_host_without_the_fact_does_not_match(host, predicate):
    assert not judge(host, predicate)


def test_text_that_is_no_number_is_neither_above_nor_below_one(host):
    above = compare("labels.rack", ">", 0)
    assert not judge(host, above)
    assert not judge(host, {"not": above})


def test_predicates_nest(host):
    ssd_or_far = {"any": [compare("aggregate.disk", "==", "ssd"), compare("labels.rack", "==", "r9")]}
    assert judge(host, ssd_or_far)
    assert not judge(host, {"not": ssd_or_far})
    assert judge(host, {"not": {"all": [ssd_or_far, compare("labels.rack", "==", "r2")]}})
    assert not judge(host, ssd_or_far, compare("labels.rack", "==", "r2"))


@pytest.mark.parametrize(
    ("predicate", "reason"),
    [
        (compare("labels.row", "==", "a"), "has no label row"),
        (compare("labels.rack", "==", "r2"), "has label rack r1, not r2"),
        (compare("labels.rack", "in", ["r2", "r3"]), "has label rack r1, not one of r2 and r3"),
        (compare("labels.rack", "!=", "r1"), "has label rack r1, not other than r1"),
        (compare("free_ram_mb", ">=", 9000), "has free_ram_mb 4096, not at least 9000"),
        (compare("labels.rack", "exists", False), "has label rack r1"),
        ({"not": compare("labels.rack", "==", "r1")}, "is ruled out by not (labels.rack == r1)"),
        (
            {"any": [compare("labels.row", "exists"), compare("labels.rack", "==", "r2")]},
            "has no label row and has label rack r1, not r2",
        ),
    ],
)
def test_a_refusal_says_what_the_host_has_instead(host, predicate, reason):
    assert verdict(host, predicate) == reason


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ({}, "where: must be a list of predicates, not a mapping."),
        (["labels.rack"], "where[0]: must be a mapping, not the text 'labels.rack'."),
        ([{}], "where[0]: needs exactly one of key, any, all and not."),
        ([{"key": "host", "any": []}], "where[0]: needs exactly one of key, any, all and not."),
        ([{"any": []}], "where[0].any: must not be empty."),
        ([{"any": [{"kee": "host"}]}], "where[0].any[0].kee: unknown key. Did you mean 'key'?"),
        ([{"not": [{"key": "host", "operator": "is"}]}], "where[0].not[0].operator: there is no operator 'is'."),
        ([{"any": [compare("host", "==", "a")], "value": 1}], "where[0].value: goes with key, not with any."),
        ([compare("free_ram", "<", 1)], "where[0].key: hosts have no 'free_ram'. Did you mean 'free_ram_mb'?"),
        ([compare("label.rack", "==", "a")], "where[0].key: hosts have no 'label.rack'. Did you mean 'labels'?"),
        ([compare("gpu", "==", "a")], "where[0].key: hosts have no 'gpu'. Known: aggregates, "),
        ([compare("labels", "==", "a")], "where[0].key: 'labels' needs the key behind a dot, such as labels.rack."),
        ([compare("labels.", "==", "a")], "where[0].key: 'labels.' lacks what stands behind the dot."),
        ([compare(3, "==", "a")], "where[0].key: must be text, not a number."),
        ([{"key": "host"}], "where[0].operator: required, but missing. It is one of ==, "),
        ([compare("labels.a", "=>", 1)], "where[0].operator: there is no operator '=>'. Did you mean '>'?"),
        ([compare("labels.a", "==")], "where[0].value: required, but missing."),
        ([compare("labels.a", "<", "3")], "where[0].value: must be a number, not the text '3'."),
        ([compare("labels.a", "<", True)], "where[0].value: must be a number, not a boolean."),
        ([compare("labels.a", "<", float("nan"))], "where[0].value: must be a finite number."),
        ([compare("labels.a", "in", "a")], "where[0].value: must be a list, not the text 'a'."),
        ([compare("labels.a", "in", [])], "where[0].value: must not be empty."),
        ([compare("labels.a", "==", ["a"])], "where[0].value: must be text, a number or a boolean, not a list."),
        ([compare("labels.a", "matches", "r[")], "where[0].value: is no regular expression: "),
        ([compare("labels.a", "matches", 3)], "where[0].value: must be text, not a number."),
        ([compare("labels.a", "exists", "yes")], "where[0].value: must be true or false, not the text 'yes'."),
        ([compare("free_ram_mb", "==", "a")], "where[0].value: must be a number, not the text 'a'."),
        ([compare("free_ram_mb", "matches", "a")], "'matches' is for text, and free_ram_mb is a number."),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(where, fault):
    with pytest.raises(InvalidInput) as caught:
        read_where(where)
    assert fault in str(caught.value)


def test_all_faults_are_found():
    where = [compare("free_ram", "<", 1), {"any": [compare("labels.a", "is", 1), {}]}]
    paths = [fault.path for fault in faults_of(where)]
    assert paths == [(0, "key"), (1, "any", 0, "operator"), (1, "any", 1)]


def test_a_predicate_is_not_nested_without_end():
    predicate = compare("host", "==", "a")
    for _level in range(30):
        predicate = {"not": predicate}
    assert [fault.sentence for fault in faults_of([predicate])] == ["is nested too deep."]


def test_what_a_placement_changes_is_a_column():
    assert set(CHANGING) <= set(FIGURES)


def test_every_key_is_an_attribute_of_a_host(host):
    state = host()
    assert [name for name in (*NUMBERS, *TEXTS, *SETS) if not hasattr(state, name)] == []


def test_each_request_of_a_batch_sees_what_those_before_took(api, report, spec):
    where = [compare("free_ram_mb", ">=", 4096)]
    first, second = api(report()).select_destinations([spec("a", where=where), spec("b", where=where)])
    assert (first.host, second.host) == ("kvm1", None)
    assert second.nearest_miss == "kvm1 has free_ram_mb 3584, not at least 4096"


def test_a_bad_predicate_stops_its_request_only(api, report, spec):
    bad, good = api(report()).select_destinations([spec("a", where=[{"key": "rack"}]), spec("b")])
    assert bad.message.startswith("a was not placed: where[0].key: hosts have no 'rack'.")
    assert good.host == "kvm1"


def test_predicates_are_not_ignored_where_the_filter_is_not_enabled(api, report, spec):
    scheduler = api(report(), enabled_filters=["RamFilter"])
    (selection,) = scheduler.select_destinations([spec(where=[compare("host", "==", "kvm1")])])
    assert selection.message == "web-1 was not placed: where needs WhereFilter, which is not enabled."


values = st.sampled_from(["r1", "r2", "3", 3, 4096, 3.0, True, False])
leaves = st.one_of(
    st.builds(compare, st.sampled_from(["labels.a", "labels.b", "host"]), st.sampled_from(["==", "!="]), values),
    st.builds(
        compare,
        st.sampled_from(["free_ram_mb", "vcpus_used", "labels.a", "num_instances", "vcpus_total"]),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.sampled_from([0, 1, 3, 4096]),
    ),
    st.builds(
        compare,
        st.sampled_from(["labels.a", "traits"]),
        st.sampled_from(["in", "not_in"]),
        st.lists(values, min_size=1),
    ),
    st.builds(compare, st.sampled_from(["labels.b", "free_ram_mb"]), st.just("exists"), st.booleans()),
)
predicates = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.lists(predicates, min_size=1, max_size=3))
def test_all_hosts_at_once_are_judged_as_one_by_one(host, spec, where):
    states = [
        host(host="kvm1", labels={"a": "r1"}),
        host(host="kvm2", labels={"a": "3", "b": "true"}, memory_mb_used=1000),
        host(host="kvm3", labels={"b": "r2"}, traits=["r1"], vcpus_used=1),
        host(host="kvm4"),
    ]
    request = spec(where=where)
    (item,) = load_filters(["WhereFilter"], SchedulerOptions())
    columns = HostColumns(states)
    at_once = passing(item, columns, columns.all(), request)
    assert np.array_equal(at_once, [item.host_passes(state, request) for state in states])
    assert all(str(item.refusal(state, request)) for state in np.array(states)[~at_once])


@settings(deadline=None)
@given(predicates)
def test_a_predicate_and_its_opposite_never_both_hold(host, predicate):
    state = host(labels={"a": "3"})
    assert not (read_where([predicate]).holds(state) and read_where([{"not": predicate}]).holds(state))


def test_the_operators_are_those_of_the_fleets_schema():
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    assert schema["$defs"]["predicate"]["properties"]["operator"]["enum"] == list(OPERATORS)
