# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller's doors read from Ansible."""

import base64
import datetime
import hashlib

import pytest
from ansible_collections.novella.compute.plugins.lookup.user_data import LookupModule
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    FleetInvalid,
    InvalidInput,
    OptionInvalid,
    PlanOutdated,
)
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import (
    read_answers,
    read_fleet,
    read_group,
    to_plain,
)

FLEET = {
    "version": "1.0",
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512}},
    "images": {"debian": {"source": "/srv/debian.qcow2"}},
}
INSTANCES = {"instances": {"web": {"flavor": "small", "image": "debian", "user_data": "secret"}}}


class Templar:
    def template(self, variable):
        return variable


class HostVars(dict):
    """Counts how often each host is touched."""

    def __init__(self, hosts):
        super().__init__(hosts)
        self.touched = []

    def raw_get(self, host):
        self.touched.append(host)
        return self[host]


@pytest.fixture
def variables(kit):
    hosts = {
        name: {"novella_audit": {}, "ansible_facts": {"novella_host": kit.report(name).as_document()}}
        for name in ("kvm1", "kvm2")
    }
    return {"groups": {"compute": list(hosts), "all": list(hosts)}, "hostvars": HostVars(hosts)}


def test_plain_values_have_plain_types_all_the_way_down():
    class Text(str):
        pass

    class Lazy(dict):
        pass

    plain = to_plain(Lazy(a=[Text("b"), (1, 2.5, None, True)]))
    assert plain == {"a": ["b", [1, 2.5, None, True]]}
    assert [type(plain), type(plain["a"][0])] == [dict, str]


def test_what_no_document_can_hold_is_named():
    with pytest.raises(InvalidInput, match=r"fleet\.born is a date, which no document can hold\. Quote it\."):
        to_plain({"born": datetime.date(2026, 11, 21)}, "fleet")


def test_each_host_is_touched_once(variables):
    assert [answer.host for answer in read_answers("compute", variables)] == ["kvm1", "kvm2"]
    assert variables["hostvars"].touched == ["kvm1", "kvm2"]


def test_the_group_comes_from_the_option_the_variable_or_the_default(variables):
    assert read_group(None, variables, Templar()) == "compute"
    assert read_group("all", variables, Templar()) == "all"
    assert read_group(None, {**variables, "novella_group": "all"}, Templar()) == "all"
    with pytest.raises(OptionInvalid, match=r"The inventory has no group 'computes'\. Did you mean 'compute'\?"):
        read_group("computes", variables, Templar())


def test_a_fleet_may_lie_in_the_inventory_of_the_compute_nodes_alone(variables):
    variables["hostvars"]["kvm1"]["novella_fleet"] = {**FLEET, **INSTANCES}
    assert list(read_fleet(None, variables, Templar(), "compute").instances) == ["web"]


def test_a_file_and_the_inventory_are_merged(tmp_path, variables):
    path = tmp_path / "fleet.yml"
    path.write_text("version: '1.0'\ninstances: {db: {flavor: small, image: debian}}\n")
    fleet = read_fleet(str(path), {**variables, "novella_fleet": FLEET}, Templar(), "compute")
    assert (list(fleet.instances), list(fleet.flavors)) == (["db"], ["small"])


def test_no_fleet_at_all_is_an_error(variables):
    with pytest.raises(FleetInvalid, match="No fleet was given"):
        read_fleet(None, variables, Templar(), "compute")


@pytest.fixture
def find_user_data(variables, kit):
    def find(digest, name="web"):
        lookup = LookupModule(templar=Templar())
        uuid = kit.find(kit.fleet(instances={name: kit.web()}), name).uuid
        return uuid, lookup._find(read_fleet({**FLEET, **INSTANCES}, variables, Templar(), "compute"), {uuid: digest})

    return find


def test_user_data_is_found_by_uuid(find_user_data):
    uuid, found = find_user_data(hashlib.sha256(b"secret").hexdigest())
    assert {key: base64.b64decode(data) for key, data in found.items()} == {uuid: b"secret"}


def test_user_data_that_changed_since_the_plan_is_refused(find_user_data):
    with pytest.raises(PlanOutdated, match="The user data of web has changed since the plan was made"):
        find_user_data("0" * 64)


def test_user_data_of_an_instance_that_is_gone_from_the_fleet_is_refused(find_user_data):
    with pytest.raises(PlanOutdated, match=r"does not declare the instances .* any more"):
        find_user_data("0" * 64, name="db")
