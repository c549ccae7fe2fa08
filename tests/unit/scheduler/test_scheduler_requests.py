# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.requests import read_requests

FLAVOR = {"name": "small", "vcpus": 1, "memory_mb": 512}


def test_requests_are_read_from_mappings_and_lists_of_them():
    first, second, third = read_requests(
        [
            {"name": "a", "flavor": FLAVOR},
            [
                {"name": "b", "flavor": FLAVOR, "instance_uuid": "u-b", "availability_zone": "az1"},
                {"name": "c", "flavor": FLAVOR, "server_group": {"name": "web", "policy": "affinity"}},
            ],
        ]
    )
    assert (first.name, first.flavor.memory_mb, first.project_id) == ("a", 512, "default")
    assert (second.instance_uuid, second.availability_zone) == ("u-b", "az1")
    assert (third.instance_group.name, third.instance_group.policy) == ("web", "affinity")


def test_the_same_name_has_the_same_uuid_and_another_project_another():
    (again,) = read_requests([{"name": "a", "flavor": FLAVOR}])
    one, other = read_requests([{"name": "a", "flavor": FLAVOR}, {"name": "a", "project_id": "p", "flavor": FLAVOR}])
    assert again.instance_uuid == one.instance_uuid != other.instance_uuid


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (["web"], "requests[0] must be a mapping, not str."),
        ([{"flavor": FLAVOR}], "requests[0] lacks 'name'."),
        ([{"name": "a"}], "requests[0] lacks 'flavor'."),
        (
            [{"name": "a", "flavor": FLAVOR, "availabilty_zone": "az1"}],
            "requests[0] has the unknown key 'availabilty_zone'. Did you mean 'availability_zone'? Known: ",
        ),
        (
            [{"name": "a", "flavor": {**FLAVOR, "memory_mb": "512"}}],
            "requests[0].flavor.memory_mb must be an integer, not '512'.",
        ),
        (
            [{"name": "a", "flavor": FLAVOR, "server_group": {"name": "web"}}],
            "requests[0].server_group lacks 'policy'.",
        ),
        (
            [[{"name": "a", "flavor": FLAVOR}, {"name": "a", "flavor": FLAVOR}]],
            "requests[1] asks for instance a a second time.",
        ),
    ],
)
def test_a_malformed_request_is_one_clear_error(terms, message):
    with pytest.raises(InvalidInput) as failure:
        read_requests(terms)
    assert str(failure.value).startswith(message)
