# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import re

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.planner.capacity import fleet_capacity
from ansible_collections.novella.compute.plugins.plugin_utils.planner.tables import capacity_table

LIMIT = 1000


def count(fleet, seen, *flavors, limit=LIMIT, **request):
    return fleet_capacity(fleet, seen, flavors, request, limit)


def test_what_fits_is_counted_by_host_and_what_stops_the_next_is_said(kit):
    seen = kit.observation(kit.report("kvm1"), kit.report("kvm2", memory_mb=1536), kvm3="timed out")
    small, huge = count(kit.fleet(), seen, "small", "huge")
    assert (small.total, small.hosts) == (10, {"kvm1": 8, "kvm2": 2})
    assert small.next.message == (
        "No valid host for small-11 (small): 0 of 2 hosts fit. RamFilter refused 2. "
        "Nearest: kvm1 lacks 512 MB of memory. Not available: kvm3 (timed out)."
    )
    assert (huge.total, huge.hosts, huge.next.name) == (0, {}, "huge-1")


def test_what_the_fleet_still_wants_is_placed_first(kit):
    seen = kit.observation(kit.report("kvm1"))
    fleet = kit.fleet(instances={"web": kit.web(count=3)})
    there = kit.carry_out(fleet, seen, kit.plan(fleet, seen))
    assert count(fleet, seen, "small")[0].total == count(fleet, there, "small")[0].total == 5


def test_groups_zones_and_images_count_as_in_a_request(kit):
    seen = kit.observation(kit.report("kvm1"), kit.report("kvm2"))
    fleet = kit.fleet(
        server_groups={"web": {"policy": "anti-affinity"}},
        aggregates={"one": {"hosts": ["kvm1"], "availability_zone": "az1"}},
        instances={"web": kit.web(server_group="web")},
    )
    (grouped,) = count(fleet, seen, "small", server_group="web")
    assert (grouped.total, grouped.hosts) == (1, {"kvm2": 1})
    assert "unless anti-affinity of group web allows 2 per host" in grouped.next.message
    own = {"name": "own", "policy": "anti-affinity", "max_server_per_host": 3}
    assert count(fleet, seen, "small", server_group=own)[0].hosts == {"kvm1": 3, "kvm2": 3}
    assert count(fleet, seen, "small", availability_zone="az1", image="debian")[0].hosts == {"kvm1": 7}


def test_a_flavor_may_be_one_that_no_fleet_has(kit):
    (item,) = count(kit.fleet(), kit.observation(kit.report("kvm1")), {"name": "own", "vcpus": 1, "memory_mb": 2048})
    assert (item.flavor, item.total) == ("own", 2)


def test_counting_stops_at_its_limit(kit):
    (item,) = count(kit.fleet(), kit.observation(kit.report("kvm1")), "small", limit=3)
    assert (item.total, item.next) == (3, None)
    assert "counting stopped here, at its limit" in capacity_table([item])


def test_the_table_has_two_lines_for_each_flavor_and_names_a_few_hosts(kit):
    hosts = kit.observation(*(kit.report(f"kvm{number:02}", memory_mb=1024) for number in range(20)))
    lines = capacity_table(count(kit.fleet(), hosts, "small")).splitlines()
    assert lines[2].startswith("  small   20   kvm00 1, kvm01 1, ")
    assert "8 more hosts" in " ".join(lines)
    assert "RamFilter refused 20." in " ".join(lines)
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("flavor", "request_", "message"),
    [
        ("smal", {}, "The fleet has no flavor 'smal'. Did you mean 'small'?"),
        ({"name": "x", "vcpus": 1}, {}, "flavor lacks 'memory_mb'."),
        ("small", {"server_group": "wb"}, "The fleet has no server group 'wb'. Did you mean 'web'?"),
        ("small", {"image": "debain"}, "The fleet has no image 'debain'. Did you mean 'debian'?"),
        ("small", {"availabilty_zone": "a"}, "unknown key 'availabilty_zone'. Did you mean 'availability_zone'?"),
        ("small", {"name": "x"}, "request has the unknown key 'name'."),
    ],
)
def test_bad_input_is_one_clear_message(kit, flavor, request_, message):
    fleet = kit.fleet(server_groups={"web": {"policy": "affinity"}})
    with pytest.raises(InvalidInput, match=re.escape(message)):
        fleet_capacity(fleet, kit.observation(kit.report("kvm1")), [flavor], request_, LIMIT)


def test_a_limit_below_one_is_refused(kit):
    with pytest.raises(InvalidInput, match="limit must be at least 1, not 0"):
        count(kit.fleet(), kit.observation(), "small", limit=0)
