# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ComputeCapabilitiesFilter, and the operators of extra specs."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.extra_specs_ops import read_requirement

NAME = "ComputeCapabilitiesFilter"


@pytest.fixture(scope="session")
def asking(spec):
    """Return a request whose flavor has these extra specs."""

    def make(**extra_specs):
        extra_specs = {key.replace("__", ":"): value for key, value in extra_specs.items()}
        return spec().but(flavor=Flavor("small", 1, 512, 5, extra_specs=extra_specs))

    return make


@pytest.mark.parametrize(
    ("value", "requirement", "matches"),
    [
        ("4", "4", True),
        ("4", "4.0", False),
        ("4", "=4", False),
        ("=4", "=4", True),
        ("a b", "a b", True),
        ("a b", "a  b", False),
        ("", "", True),
        ("4", "", False),
        ("", "4", False),
        ("4", "= 4", True),
        ("5", "= 4", True),
        ("3", "= 4", False),
        ("4.0", "== 4", True),
        ("5", "== 4", False),
        ("5", "!= 4", True),
        ("4.0", "!= 4", False),
        ("4", ">= 4", True),
        ("10", ">= 9", True),
        ("3", ">= 4", False),
        ("4", "<= 4", True),
        ("5", "<= 4", False),
        ("4", "> 3", False),
        ("> 3", "> 3", True),
        ("4", ">= 4 9", True),
        ("big", ">= 4", False),
        ("big", "!= 4", False),
        ("4", ">=", False),
        ("abc", "s== abc", True),
        ("abc", "s== ABC", False),
        ("True", "s== true", False),
        ("abc", "s!= abd", True),
        ("abc", "s< abd", True),
        ("abc", "s<= abc", True),
        ("abd", "s> abc", True),
        ("abc", "s>= abc", True),
        ("10", "s>= 9", False),
        ("abc", "s== abc def", True),
        ("abc", "s==", False),
        ("12311321", "<in> 11", True),
        ("12310321", "<in> 11", False),
        ("abc", "<in> b x", True),
        ("abc", "<in>", False),
        ("['aes', 'mmx', 'aux']", "<all-in> aes mmx", True),
        ("['vaes']", "<all-in> aes", True),
        ("['aes']", "<all-in> aes mmx", False),
        ("['aes']", "<all-in>", False),
        ("12", "<or> 11 <or> 12", True),
        ("13", "<or> 11 <or> 12", False),
        ("12", "<or> 12", True),
        ("12", "<or> 11 12", False),
        ("11", "<or> 11 12", True),
        ("12", "<or> 11 <or>", False),
    ],
)
def test_a_value_meets_a_requirement(value, requirement, matches):
    assert read_requirement("disk", requirement)(value) is matches


@pytest.mark.parametrize(
    ("requirement", "message"),
    [
        (">= abc", "The extra spec disk, '>= abc', compares with 'abc', which is no number. Write a number"),
        ("= abc", "which is no number"),
        ("== 4x", "'4x', which is no number"),
        ("!= abc", "which is no number"),
        ("<= 4,5", "'4,5', which is no number"),
        ("<or>", "The extra spec disk, '<or>', names no alternatives. Write it as '<or> a <or> b'."),
    ],
)
def test_a_requirement_that_makes_no_sense_is_told(requirement, message):
    with pytest.raises(InvalidInput) as caught:
        read_requirement("disk", requirement)
    assert message in str(caught.value)


def test_a_flavor_that_asks_nothing_passes(verdict, host, spec):
    assert verdict(NAME, host(), spec()) is None


@pytest.mark.parametrize(
    ("extra_specs", "refusal"),
    [
        ({"capabilities__hypervisor_type": "QEMU"}, None),
        ({"capabilities__hypervisor_type": "kvm"}, "extra spec capabilities:hypervisor_type 'kvm' (it has 'QEMU')"),
        ({"capabilities__hypervisor_version": ">= 6000000"}, None),
        ({"capabilities__hypervisor_version": ">= 7000000"}, "(it has '6002000')"),
        ({"capabilities__cpu_info__arch": "x86_64"}, None),
        ({"capabilities__cpu_info__topology__cores": ">= 4"}, None),
        ({"capabilities__cpu_info__topology__cores": ">= 5"}, "(it has '4')"),
        ({"capabilities__cpu_info__features": "<all-in> aes vmx"}, None),
        ({"capabilities__cpu_info__features": "<all-in> aes svm"}, "(it has '['aes', 'vmx']')"),
        ({"capabilities__cpu_info__features__aes": "true"}, "(it has none)"),
        ({"capabilities__cpu_info__nothing": "<in> x"}, "(it has none)"),
        ({"capabilities__nothing": "!= 5"}, "(it has none)"),
        ({"capabilities__host_ip": "10.0.0.1"}, "(it has none)"),
        ({"capabilities__": "x"}, "(it has none)"),
        ({"capabilities__room": "cellar"}, None),
        ({"capabilities__stats__room": "cellar"}, None),
        ({"capabilities__packed__inner__deep": "7"}, None),
        ({"capabilities__packed__inner": "<in> deep"}, None),
        ({"capabilities__broken__inner": "7"}, "(it has none)"),
        ({"capabilities__room__inner": "7"}, "(it has none)"),
        ({"capabilities__labels__rack": "r1"}, None),
        ({"capabilities__free_ram_mb": ">= 4096"}, None),
        ({"capabilities__free_ram_mb": ">= 4097"}, "(it has '4096')"),
        ({"capabilities__update_service": "<in> bound"}, "(it has none)"),
        ({"room": "cellar"}, None),
        ({"room": "attic"}, "does not meet the extra spec room 'attic' (it has 'cellar')"),
        ({"vcpus_total": "4"}, None),
        ({"vcpus_total": "5"}, "(it has '4')"),
        ({"host_ip": "10.0.0.1"}, "(it has none)"),
        ({"colour": "red"}, None),
        ({"colour": ">= red"}, None),
        ({"update_service": "x"}, None),
        ({"hw__cpu_policy": "dedicated"}, None),
        ({"other__room": "attic"}, None),
        ({"hw__maxphysaddr_bits": "46"}, None),
        ({"hw__maxphysaddr_bits": "48"}, "capabilities:cpu_info:maxphysaddr:bits '>= 48' (it has '46')"),
        ({"capabilities__hypervisor_type": "QEMU", "room": "attic"}, "room 'attic'"),
    ],
)
def test_extra_specs_go_by_what_the_host_is(verdict, host, asking, extra_specs, refusal):
    state = host(
        hypervisor_type="QEMU",
        hypervisor_version=6002000,
        cpu_info={
            "arch": "x86_64",
            "topology": {"cores": 4},
            "features": ["aes", "vmx"],
            "maxphysaddr": {"bits": 46},
        },
        stats={"room": "cellar", "packed": '{"inner": {"deep": 7}}', "broken": "{"},
        labels={"rack": "r1"},
    )
    found = verdict(NAME, state, asking(**extra_specs))
    assert found is None if refusal is None else refusal in str(found)


def test_a_host_without_cpu_information_has_no_address_bits(verdict, host, asking):
    assert "(it has none)" in verdict(NAME, host(), asking(hw__maxphysaddr_bits="40"))


@pytest.mark.parametrize("key", ["capabilities__free_ram_mb", "free_ram_mb"])
def test_what_a_placement_changes_is_read_anew(api, report, asking, key):
    request = asking(**{key: ">= 4096"})
    other = request.but(instance_uuid="uuid-web-2", name="web-2")
    first, second = api(report(), enabled_filters=[NAME]).select_destinations([request, other])
    assert first.host == "kvm1"
    assert second.host is None


def test_hosts_that_differ_are_told_apart(api, report, asking):
    request = asking(capabilities__room="attic")
    hosts = [report(f"kvm{number}", stats={"room": room}) for number, room in enumerate(["cellar", "attic", "attic"])]
    (found,) = api(*hosts, report("kvm9"), enabled_filters=[NAME]).select_destinations([request])
    assert {item.host for item in found.refusals} == {"kvm0", "kvm9"}


@pytest.mark.parametrize("item", [NAME, "AggregateInstanceExtraSpecsFilter"])
def test_a_senseless_requirement_stops_its_request_and_no_other(api, report, spec, asking, item):
    bad = asking(capabilities__vcpus_total=">= many", aggregate_instance_extra_specs__disk=">= many")
    good = spec(name="web-2")
    first, second = api(report(), enabled_filters=[item]).select_destinations([bad, good])
    assert first.host is None
    assert str(first.message).startswith("web-1 was not placed: The extra spec ")
    assert "'>= many', compares with 'many', which is no number" in str(first.message)
    assert second.host == "kvm1"


def test_a_filter_that_could_not_be_asked_leaves_the_nearest_miss_alone(api, report, asking):
    bad = asking(capabilities__vcpus_total=">= many")
    request = bad.but(flavor=Flavor("large", 1, 4608, 5, extra_specs=bad.flavor.extra_specs))
    (found,) = api(report(), enabled_filters=["RamFilter", NAME]).select_destinations([request])
    assert found.nearest_miss == "kvm1 lacks 512 MB of memory"
