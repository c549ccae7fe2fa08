# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a flavor and an image ask for, in Placement's terms."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image


def ask(specs=None, properties=None, **size):
    flavor = Flavor("small", **{"vcpus": 2, "memory_mb": 1024, "root_gb": 5, **size}, extra_specs=specs or {})
    return requested_resources(flavor, Image("debian", "/debian", properties=properties or {}))


def amounts(request):
    return (request.vcpus, request.memory_mb, request.disk_gb)


def test_a_flavor_asks_for_its_size():
    request = ask()
    assert amounts(request) == (2, 1024, 5)
    assert (request.custom, request.required, request.forbidden) == ({}, frozenset(), frozenset())


def test_disk_is_root_and_ephemeral_and_swap_rounded_up():
    request = ask(ephemeral_gb=3, swap_mb=1025)
    assert (request.disk_gb, request.disk_mb, request.consumed_disk_mb) == (10, 8 * 1024 + 1025, 8 * 1024)


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ({"resources:VCPU": "4"}, (4, 1024, 5)),
        ({"resources:VCPU": "0"}, (0, 1024, 5)),
        ({"resources:MEMORY_MB": "2048", "resources:DISK_GB": "0"}, (2, 2048, 0)),
        ({"resources1:VCPU": "3"}, (3, 1024, 5)),
        ({"resources1:VCPU": "3", "resources_b:VCPU": "2", "group_policy": "none"}, (5, 1024, 5)),
        ({"resourcesful": "yes", "traitor": "no"}, (2, 1024, 5)),
    ],
)
def test_extra_specs_replace_amounts(specs, expected):
    assert amounts(ask(specs)) == expected


def test_dedicated_cpus_are_no_vcpus_of_the_shared_kind():
    assert ask({"hw:cpu_policy": "dedicated"}).vcpus == 0
    assert ask({"resources:PCPU": "2"}).vcpus == 0
    assert ask({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0"}).vcpus == 1
    assert ask(properties={"hw_cpu_policy": "dedicated"}).vcpus == 0


def test_custom_classes_of_all_groups_add_up():
    request = ask({"resources:CUSTOM_A": "1", "resources_x:CUSTOM_A": "2", "resources:CUSTOM_B": "0"})
    assert request.custom == {"CUSTOM_A": 3}
    assert request.parts["CUSTOM_A"] == (1, 2)


def test_traits_come_from_flavor_and_image():
    request = ask({"trait:A": "required", "traitx:B": "forbidden"}, {"trait:C": "required", "trait:A": "required"})
    assert (request.required, request.forbidden) == ({"A", "C"}, {"B"})


def test_a_numbered_trait_of_an_image_means_nothing_else_than_nova_says():
    assert ask({}, {"resources:VCPU": "9"}).vcpus == 2


@pytest.mark.parametrize(
    ("specs", "properties", "sentence"),
    [
        ({"resources:CUSTOM_A": "two"}, {}, "resources:CUSTOM_A: must be a whole number of 0 or more, not 'two'."),
        ({"resources:CUSTOM_A": "-1"}, {}, "resources:CUSTOM_A: must be a whole number of 0 or more, not '-1'."),
        ({"resources:VCPUS": "1"}, {}, "resources:VCPUS: there is no resource class 'VCPUS'. Did you mean 'VCPU'?"),
        ({"resources:CUSTOM_a": "1"}, {}, "there is no resource class 'CUSTOM_a'."),
        ({"resources:VGPU": "1"}, {}, "Known are VCPU, MEMORY_MB, DISK_GB, PCPU, and your own"),
        ({"trait:A": "require"}, {}, "must be required or forbidden, not 'require'. Did you mean 'required'?"),
        ({"trait:a-b": "required"}, {}, "trait:a-b: 'a-b' is no trait: use capitals, digits and '_'."),
        ({"trait:A": "required"}, {"trait:A": "forbidden"}, "trait A is forbidden here, but required by trait:A."),
        ({"group_policy": "isolated"}, {}, "must be none or isolate, not 'isolated'. Did you mean 'isolate'?"),
        (
            {"resources1:CUSTOM_A": "1", "resources2:CUSTOM_A": "1"},
            {},
            "group_policy: resources1 and resources2 are several groups: say group_policy=none or isolate.",
        ),
    ],
)
def test_what_makes_no_sense_is_told_by_its_name(specs, properties, sentence):
    with pytest.raises(InvalidInput) as caught:
        ask(specs, properties)
    assert sentence in str(caught.value)
