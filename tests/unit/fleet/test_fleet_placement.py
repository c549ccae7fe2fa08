# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet says of placement: extra specs, groups that spread, predicates, hints and scheduler options."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.hints import FILTERS
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.schema import SCHEMA_FILE
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import (
    AT_LEAST_ONE,
    AT_LEAST_ZERO,
    NOT_NEGATIVE,
    SchedulerOptions,
)
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters

OPTIONS = json.loads(SCHEMA_FILE.read_text("utf-8"))["$defs"]["scheduler"]["properties"]
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
WEB = {"flavor": "small", "image": "debian"}
OTHER = "6ba7b811-9dad-51d1-80b4-00c04fd430c8"


def make_fleet(**sections: Any) -> Any:
    basis = {
        "version": "1.0",
        "flavors": {"small": {"vcpus": 1, "memory_mb": 512}},
        "images": {"debian": {"source": "/srv/debian.qcow2"}},
    }
    return load_fleet({**basis, **sections})


def faults(**sections: Any) -> list[str]:
    with pytest.raises(FleetInvalid) as caught:
        make_fleet(**sections)
    return [fault.removeprefix("inventory variable novella_fleet: ") for fault in caught.value.faults]


def test_the_schema_has_every_option_of_the_scheduler_and_no_other():
    assert set(OPTIONS) == set(SchedulerOptions.__dataclass_fields__)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_has_the_type_and_the_default_that_the_scheduler_gives_it(name):
    kind = get_type_hints(SchedulerOptions)[name]
    kind = next((arg for arg in get_args(kind) if arg in TYPES), kind) if get_origin(kind) is not list else kind
    assert OPTIONS[name]["type"] == TYPES.get(kind, "array")
    if "default" in OPTIONS[name]:
        default = OPTIONS[name]["default"]
        assert (default, type(default)) == (getattr(SchedulerOptions(), name), kind)


def test_an_option_has_the_bounds_that_the_scheduler_gives_it():
    least = {**dict.fromkeys(AT_LEAST_ONE, 1), **dict.fromkeys([*AT_LEAST_ZERO, *NOT_NEGATIVE], 0), "seed": 0}
    assert {name: body["minimum"] for name, body in OPTIONS.items() if "minimum" in body} == least


def test_options_reach_the_scheduler_as_they_were_written():
    scheduler = {"metrics_weight_of_unavailable": -0.5, "max_attempts": 2.0, "isolated_hosts": ["kvm1"]}
    options = SchedulerOptions.from_mapping(make_fleet(scheduler=scheduler).scheduler)
    assert (options.metrics_weight_of_unavailable, options.max_attempts) == (-0.5, 2)
    assert options.isolated_hosts == ["kvm1"]


def test_the_filters_of_hints_exist():
    assert load_filters(sorted(set(FILTERS.values())), SchedulerOptions())


def test_flavors_and_images_carry_what_they_ask_for():
    fleet = make_fleet(
        flavors={"small": {"vcpus": 1, "memory_mb": 512, "extra_specs": {"trait:A": "required"}}},
        images={"debian": {"source": "/d", "properties": {"img_hv_type": "kvm"}}},
        instances={"web": WEB},
    )
    (wanted,) = expand(fleet)
    assert wanted.spec.flavor.extra_specs == {"trait:A": "required"}
    assert wanted.spec.image.properties == {"img_hv_type": "kvm"}


def test_a_group_may_spread_over_failure_domains():
    groups = {
        "web": {"policy": "soft-anti-affinity", "spread": {"over": "rack", "max_per_domain": 2}},
        "db": {"spread": {"over": "row"}},
    }
    fleet = make_fleet(server_groups=groups)
    web, db = fleet.server_groups["web"], fleet.server_groups["db"]
    assert (web.policy, web.spread_over, web.max_per_domain) == ("soft-anti-affinity", "rack", 2)
    assert (db.policy, db.spread_over, db.max_per_domain) == ("none", "row", 1)


def test_hints_name_instances_and_are_turned_into_uuids():
    fleet = make_fleet(
        name="shop",
        instances={
            "web": {**WEB, "count": 2},
            "db": {**WEB, "scheduler_hints": {"different_host": ["web", OTHER], "same_host": "log", "mine": "x"}},
            "log": {**WEB, "scheduler_hints": {"different_host": ["web-2"]}},
        },
    )
    wanted = {item.spec.name: item.scheduler_hints for item in expand(fleet)}
    first, second, log = (instance_uuid("shop", "default", name) for name in ("web-1", "web-2", "log"))
    assert wanted["db"] == {"different_host": [first, second, OTHER], "same_host": [log], "mine": "x"}
    assert wanted["log"] == {"different_host": [second]}
    assert wanted["web-1"] == {}


def test_predicates_are_carried_along():
    where = [{"key": "labels.rack", "operator": "==", "value": "r1"}]
    (wanted,) = expand(make_fleet(instances={"web": {**WEB, "where": where}}))
    assert wanted.where == where


SPECS = {
    "bad amount": (
        {"resources:CUSTOM_A": "two"},
        "flavors.small.extra_specs['resources:CUSTOM_A']: must be a whole number of 0 or more, not 'two'.",
    ),
    "unknown class": (
        {"resources:VCPUS": "2"},
        (
            "flavors.small.extra_specs['resources:VCPUS']: there is no resource class 'VCPUS'. Did you mean 'VCPU'? "
            "Known are VCPU, MEMORY_MB, DISK_GB, PCPU, and your own, which begin with CUSTOM_."
        ),
    ),
    "bad trait": (
        {"trait:A": "wanted"},
        "flavors.small.extra_specs['trait:A']: must be required or forbidden, not 'wanted'.",
    ),
    "number": (
        {"resources:CUSTOM_A": 2},
        "flavors.small.extra_specs['resources:CUSTOM_A']: must be text, not the number 2. Quote it: \"2\".",
    ),
}


@pytest.mark.parametrize("case", SPECS)
def test_an_extra_spec_that_makes_no_sense_is_a_fault(case):
    specs, fault = SPECS[case]
    assert faults(flavors={"small": {"vcpus": 1, "memory_mb": 512, "extra_specs": specs}}) == [fault]


def test_a_flavor_and_an_image_that_contradict_each_other_are_a_fault():
    found = faults(
        flavors={"small": {"vcpus": 1, "memory_mb": 512, "extra_specs": {"trait:A": "required"}}},
        images={"debian": {"source": "/d", "properties": {"trait:A": "forbidden"}}},
        instances={"web": WEB},
    )
    assert found == ["instances.web.image: trait:A: trait A is forbidden here, but required by trait:A."]


GROUPS = {
    "limit without anti-affinity": (
        {"policy": "soft-affinity", "max_server_per_host": 2},
        "server_groups.web.max_server_per_host goes with policy anti-affinity only.",
    ),
    "spread without over": (
        {"policy": "anti-affinity", "spread": {"max_per_domain": 2}},
        "server_groups.web.spread.over: required, but missing.",
    ),
    "nothing": ({}, "server_groups.web.policy: required, but missing."),
    "none of anything": (
        {"policy": "none"},
        "server_groups.web.spread: required, but missing. A group with policy none asks for nothing else.",
    ),
    "together and apart": (
        {"policy": "affinity", "spread": {"over": "rack"}},
        "server_groups.web.spread cannot go with policy affinity, which keeps all members on one host.",
    ),
    "misspelt": (
        {"policy": "anti-afinity"},
        (
            "server_groups.web.policy: 'anti-afinity' is none of affinity, anti-affinity, soft-affinity, "
            "soft-anti-affinity, none. Did you mean 'anti-affinity'?"
        ),
    ),
}


@pytest.mark.parametrize("case", GROUPS)
def test_a_group_that_contradicts_itself_is_a_fault(case):
    group, fault = GROUPS[case]
    assert faults(server_groups={"web": group}) == [fault]


HINTS = {
    "unknown instance": (
        {"different_host": ["wbe"]},
        "instances.db.scheduler_hints.different_host: there is no instance 'wbe'. Did you mean 'web'?",
    ),
    "itself": ({"same_host": "db"}, "instances.db.scheduler_hints.same_host: names the instance itself."),
    "no such member": (
        {"same_host": "web-3"},
        "instances.db.scheduler_hints.same_host: there is no instance 'web-3'. Did you mean 'web'?",
    ),
    "misspelt": (
        {"diferent_host": "web"},
        "instances.db.scheduler_hints.diferent_host: unknown hint. Did you mean 'different_host'?",
    ),
    "group": ({"group": "web"}, "instances.db.scheduler_hints.group: is server_group here."),
    "both ways": (
        {"same_host": "web-1", "different_host": "web-2"},
        "instances.db.scheduler_hints.different_host: 'web' stands under same_host too.",
    ),
    "not enabled": (
        {"query": '["=", "$host", "kvm1"]'},
        "instances.db.scheduler_hints.query: needs JsonFilter in scheduler.enabled_filters.",
    ),
    "wrong type": (
        {"same_host": 3},
        "instances.db.scheduler_hints.same_host: must be text or a list, not the number 3.",
    ),
}


@pytest.mark.parametrize("case", HINTS)
def test_a_hint_that_cannot_be_followed_is_a_fault(case):
    hints, fault = HINTS[case]
    instances = {"web": {**WEB, "count": 2}, "db": {**WEB, "scheduler_hints": hints}}
    assert faults(instances=instances) == [fault]


def test_instances_that_wait_for_each_other_are_a_fault():
    instances = {
        "a": {**WEB, "scheduler_hints": {"same_host": "b"}},
        "b": {**WEB, "scheduler_hints": {"same_host": "c-1"}},
        "c": {**WEB, "count": 1, "scheduler_hints": {"same_host": "a"}},
    }
    assert faults(instances=instances) == [
        (
            "instances.a.scheduler_hints.same_host: goes in a circle: a -> b -> c -> a. A server group of policy "
            "affinity keeps them together."
        )
    ]


def test_instances_may_keep_away_from_each_other():
    instances = {
        "a": {**WEB, "scheduler_hints": {"different_host": "b"}},
        "b": {**WEB, "scheduler_hints": {"different_host": "a"}},
        "c": {**WEB, "count": 3, "scheduler_hints": {"different_host": "c"}},
    }
    assert len(expand(make_fleet(instances=instances))) == 5


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ([{"key": "label.rack", "operator": "exists"}], "[0].key: hosts have no 'label.rack'. Did you mean 'labels'?"),
        ([{"key": "host", "operator": "is", "value": "a"}], "[0].operator: 'is' is none of ==, !=, <, <=, >, >=, "),
        ([{"key": "host"}], "[0].operator: required, but missing. It is one of ==, "),
        ([{"any": [{"key": "host", "operator": "in", "value": "a"}]}], "[0].any[0].value: must be a list, not the"),
        ([{"keys": "host"}], "[0].keys: unknown key. Did you mean 'key'?"),
        ([{}], "[0] needs exactly one of key, any, all and not."),
    ],
)
def test_a_predicate_that_makes_no_sense_is_one_fault_with_its_place(where, fault):
    (found,) = faults(instances={"web": {**WEB, "where": where}})
    assert found.startswith(f"instances.web.where{fault}")


@pytest.mark.parametrize(
    ("sections", "fault"),
    [
        (
            {"instances": {"web": {**WEB, "where": [{"key": "host", "operator": "exists"}]}}},
            "instances.web.where: needs WhereFilter in scheduler.enabled_filters.",
        ),
        (
            {"flavors": {"small": {"vcpus": 1, "memory_mb": 512, "extra_specs": {"trait:A": "required"}}}},
            "flavors.small.extra_specs['trait:A']: needs TraitsFilter in scheduler.enabled_filters.",
        ),
        (
            {"images": {"debian": {"source": "/d", "properties": {"trait:A": "required"}}}},
            "images.debian.properties['trait:A']: needs TraitsFilter in scheduler.enabled_filters.",
        ),
    ],
)
def test_what_no_enabled_filter_would_apply_is_a_fault(sections, fault):
    assert faults(**sections, scheduler={"enabled_filters": ["RamFilter"]}) == [fault]


def test_a_fault_names_file_and_line(faults_after_head):
    text = (
        "instances:\n  web:\n    flavor: small\n    image: debian\n    where:\n      - {key: rack, operator: exists}\n"
    )
    (fault,) = faults_after_head(text)
    assert fault.startswith("fleet.yml:10: instances.web.where[0].key: hosts have no 'rack'.")


def test_the_example_of_the_page_of_predicates_is_a_fleet():
    page = (Path(__file__).parents[3] / "docs" / "filters" / "where.md").read_text("utf-8")
    example = yaml.safe_load(re.search(r"```yaml\n(instances:.*?)```", page, re.DOTALL)[1])
    assert len(make_fleet(**example).instances["db"].where) == 4
