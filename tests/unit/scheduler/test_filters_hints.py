# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that go by scheduler hints."""

import json

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.hints import scheduler_hint


@pytest.fixture(scope="session")
def hinting(spec):
    """Return a request with these scheduler hints."""
    return lambda **hints: spec(scheduler_hints=hints)


@pytest.mark.parametrize(
    ("hint", "value"), [("a", "a"), (["a"], "a"), (["a", "b"], ["a", "b"]), ([], []), (None, None)]
)
def test_a_hint_that_is_a_list_of_one_is_that_one(hinting, hint, value):
    assert scheduler_hint(hinting(query=hint), "query") == value


def test_a_hint_that_is_not_there_has_its_default(hinting):
    assert scheduler_hint(hinting(), "cidr", "/24") == "/24"


@pytest.mark.parametrize(
    ("hint", "different", "same"),
    [
        (None, True, True),
        ("", True, True),
        ([], True, True),
        ("db", False, True),
        (["db"], False, True),
        (["db", "cache"], False, True),
        (["db", "elsewhere"], False, True),
        ("elsewhere", True, False),
        (["elsewhere", "nowhere"], True, False),
    ],
)
def test_a_host_is_judged_by_the_instances_it_has(verdict, host, hinting, hint, different, same):
    state = host(instances=["db", "cache"])
    assert (verdict("DifferentHostFilter", state, hinting(different_host=hint)) is None) is different
    assert (verdict("SameHostFilter", state, hinting(same_host=hint)) is None) is same


def test_the_refusal_names_the_instances(verdict, host, hinting):
    state = host(instances=["db", "cache"])
    found = verdict("DifferentHostFilter", state, hinting(different_host=["db", "x", "cache"]))
    assert found == "has db and cache, whose host is to be another"
    assert (
        verdict("SameHostFilter", state, hinting(same_host=["x", "y"])) == "does not have x or y, whose host is wanted"
    )


def test_instances_of_the_same_batch_are_seen(api, report, spec):
    first = spec(name="db")
    second = spec(name="app", scheduler_hints={"same_host": first.instance_uuid})
    third = spec(name="spare", scheduler_hints={"different_host": [first.instance_uuid]})
    filters = ["SameHostFilter", "DifferentHostFilter"]
    found = api(report("kvm1"), report("kvm2"), enabled_filters=filters).select_destinations([first, second, third])
    assert [item.host for item in found] == ["kvm1", "kvm1", "kvm2"]


@pytest.mark.parametrize("name", ["different_host", "same_host"])
@pytest.mark.parametrize("hint", [5, [5], {"uuid": "db"}])
def test_a_hint_that_is_no_string_stops_its_request(api, report, hinting, name, hint):
    (found,) = api(report(), enabled_filters=["SameHostFilter", "DifferentHostFilter"]).select_destinations(
        [hinting(**{name: hint})]
    )
    assert f"The scheduler hint {name} must be a string or a list of strings, not" in str(found.message)


@pytest.mark.parametrize(
    ("host_ip", "near", "cidr", "passes"),
    [
        ("10.1.2.3", None, None, True),
        ("10.1.2.3", None, "/8", True),
        ("10.1.2.3", "10.1.2.200", None, True),
        ("10.1.3.3", "10.1.2.200", None, False),
        ("10.1.3.3", "10.1.2.200", "/16", True),
        ("10.2.3.3", "10.1.2.200", "/16", False),
        ("10.1.2.3", ["10.1.2.3"], ["/32"], True),
        ("10.1.2.4", "10.1.2.3", "/32", False),
        ("10.1.2.4", "10.1.2.3", "/255.255.255.0", True),
        ("fd00::2", "fd00::1", "/64", True),
        ("fd01::2", "fd00::1", "/64", False),
        ("10.1.2.3", "fd00::1", "/64", False),
        (None, "10.1.2.3", None, False),
        ("kvm1.example", "10.1.2.3", None, False),
    ],
)
def test_a_host_is_near_when_its_address_is(verdict, host, hinting, host_ip, near, cidr, passes):
    request = hinting(build_near_host_ip=near, cidr=cidr)
    assert (verdict("SimpleCIDRAffinityFilter", host(host_ip=host_ip), request) is None) is passes


def test_the_refusal_names_address_and_network(verdict, host, hinting):
    request = hinting(build_near_host_ip="10.1.2.200")
    name = "SimpleCIDRAffinityFilter"
    assert verdict(name, host(host_ip="10.1.3.3"), request) == "has the address 10.1.3.3, which is not in 10.1.2.0/24"
    assert verdict(name, host(), request) == "has no known address, which should be in 10.1.2.0/24"


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        ({"build_near_host_ip": "kvm1"}, "build_near_host_ip is 'kvm1', which is no IP address."),
        ({"build_near_host_ip": ["10.0.0.1", "10.0.0.2"]}, "build_near_host_ip must be a string"),
        ({"build_near_host_ip": "10.0.0.1", "cidr": "24"}, "cidr is '24', without a slash. Write it as '/24'."),
        ({"build_near_host_ip": "10.0.0.1", "cidr": "/33"}, "cidr is '/33', which no network of 10.0.0.1 has."),
        ({"build_near_host_ip": "10.0.0.1", "cidr": "/x"}, "cidr is '/x', which no network of 10.0.0.1 has."),
    ],
)
def test_an_address_that_makes_no_sense_stops_its_request(api, report, hinting, hints, message):
    (found,) = api(report(), enabled_filters=["SimpleCIDRAffinityFilter"]).select_destinations([hinting(**hints)])
    assert found.host is None
    assert f"web-1 was not placed: The scheduler hint {message}" in str(found.message)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ([], True),
        ([">=", "$free_ram_mb", 4096], True),
        ([">", "$free_ram_mb", 4096], False),
        (["<", "$free_ram_mb", 4097, 5000], True),
        (["<", "$free_ram_mb", 4097, 4096], False),
        (["<=", "$free_ram_mb", 4096], True),
        (["=", "$free_ram_mb", 4096], True),
        (["=", "$free_ram_mb", 4096.0, "$free_ram_mb"], True),
        (["=", "$host", "kvm1"], True),
        (["=", "$host", "kvm1", "kvm2"], False),
        (["=", "$host"], False),
        (["=", "$missing", 1], False),
        (["=", "$missing", "kvm1", "kvm1"], True),
        (["=", "$host_ip", "10.0.0.1"], False),
        (["=", "$stats.room", "cellar"], True),
        (["=", "$stats.room.deep", "cellar"], False),
        (["=", "$stats.nothing", "cellar"], False),
        (["=", "$cpu_info.topology.cores", 4], True),
        (["=", "$refresh", "x"], False),
        (["=", "$update_service.name", "x"], False),
        (["=", "", "kvm1", "kvm1"], True),
        (["in", "$host", "kvm1", "kvm2"], True),
        (["in", "$host", "kvm2", "kvm3"], False),
        (["in", "$host"], False),
        (["in", "aes", "$cpu_info.features"], False),
        (["and", ["=", "$host", "kvm1"], [">=", "$free_ram_mb", 4096]], True),
        (["and", ["=", "$host", "kvm1"], [">=", "$free_ram_mb", 4097]], False),
        (["and"], True),
        (["or", ["=", "$host", "kvm2"], [">=", "$free_ram_mb", 4096]], True),
        (["or", ["=", "$host", "kvm2"], ["=", "$host", "kvm3"]], False),
        (["or"], False),
        (["not", ["=", "$host", "kvm1"]], False),
        (["not", ["=", "$host", "kvm2"]], True),
        (["not", ["=", "$host", "kvm1"], ["=", "$host", "kvm2"]], True),
        (["not", ["=", "$missing", 1]], True),
        (["not"], False),
        (["and", ["not", ["=", "$host", "kvm1"]]], False),
        (["or", ["not", ["=", "$host", "kvm1"]], ["=", 1, 2]], False),
        (["not", ["not", ["=", "$host", "kvm1"]]], True),
        (["and", [], ["=", 1, 1]], True),
        (["=", ["<", 1, 2], True], True),
        (["or", "$stats.room"], True),
        (["or", "$free_disk_mb", 0], True),
        (["and", "$vcpus_used"], False),
    ],
)
def test_a_query_holds_of_a_host(verdict, host, hinting, query, holds):
    state = host(
        local_gb_used=10,
        stats={"room": "cellar"},
        cpu_info={"topology": {"cores": 4}, "features": ["aes"]},
    )
    assert (verdict("JsonFilter", state, hinting(query=json.dumps(query))) is None) is holds
    assert (verdict("JsonFilter", state, hinting(query=[json.dumps(query)])) is None) is holds


def test_a_query_may_be_given_as_the_list_itself(verdict, host, hinting):
    assert verdict("JsonFilter", host(), hinting(query=["=", "$host", "kvm1"])) is None
    assert verdict("JsonFilter", host(), hinting(query=["=", "$host", "kvm2"])) is not None


@pytest.mark.parametrize("query", [None, "", "null", "[]", '""'])
def test_an_empty_query_holds_everywhere(verdict, host, hinting, query):
    assert verdict("JsonFilter", host(), hinting(query=query)) is None


def test_the_refusal_names_the_part_that_does_not_hold(verdict, host, hinting):
    query = ["and", ["=", "$host", "kvm1"], [">=", "$free_ram_mb", 8192], ["=", "$missing", 1]]
    found = verdict("JsonFilter", host(), hinting(query=json.dumps(query)))
    assert found == 'does not satisfy the query [">=", "$free_ram_mb", 8192] ($free_ram_mb is 4096)'
    found = verdict("JsonFilter", host(), hinting(query='["=", "$missing", 1]'))
    assert found == 'does not satisfy the query ["=", "$missing", 1] ($missing is unknown)'


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("[", "The scheduler hint query, '[', is no JSON: Expecting value"),
        ("free", "The scheduler hint query, 'free', is no JSON"),
        ("[" * 100_000, "is no JSON: it is nested too deeply"),
        ('{"a": 1}', 'The scheduler hint query must be a list, not {"a": 1}.'),
        ("5", "The scheduler hint query must be a list, not 5."),
        ('["~", 1, 2]', 'The scheduler hint query has the unknown operator "~". Known are = < > <= >= in not or and.'),
        ('["and", ["xor", 1, 2]]', 'has the unknown operator "xor"'),
        ('[["=", 1, 1]]', 'has the unknown operator ["=", 1, 1]'),
        ("[1, 2]", "has the unknown operator 1"),
        (
            '[">", "$host", 5]',
            """has [">", "$host", 5], which compares things that have no order: 'kvm1', 5 (on host""",
        ),
        ('["<", ["=", 1, 1], "x"]', "which compares things that have no order: True, 'x' (on host kvm1)."),
    ],
)
def test_a_query_that_makes_no_sense_stops_its_request(api, report, spec, hinting, query, message):
    good = spec(name="web-2")
    first, second = api(report(), enabled_filters=["JsonFilter"]).select_destinations([hinting(query=query), good])
    assert first.host is None
    assert str(first.message).startswith("web-1 was not placed: ")
    assert message in str(first.message)
    assert second.host == "kvm1"


def test_a_query_is_asked_again_after_each_placement(api, report, spec):
    hints = {"query": '[">=", "$free_ram_mb", 4096]'}
    requests = [spec(name=f"web-{number}", scheduler_hints=hints) for number in range(2)]
    found = api(report(), enabled_filters=["JsonFilter"]).select_destinations(requests)
    assert [item.host for item in found] == ["kvm1", None]


def test_a_malformed_hint_is_told_as_bad_input(verdict, host, hinting):
    with pytest.raises(InvalidInput):
        verdict("JsonFilter", host(), hinting(query="["))
