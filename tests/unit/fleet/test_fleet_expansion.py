# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From declared entries to wanted instances."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import mac_address
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import (
    expand,
    instance_uuid,
    volume_uuid,
)
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet

FLEET = {
    "version": "1.0",
    "name": "shop",
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512}},
    "images": {"debian": {"source": "/srv/debian.qcow2"}},
    "networks": {"front": {"bridge": "br0"}, "back": {"libvirt_network": "storage"}},
    "instances": {
        "web": {
            "count": 2,
            "flavor": "small",
            "image": "debian",
            "networks": [{"network": "front"}, {"network": "back"}],
            "user_data": "secret",
            "vm_state": "stopped",
        },
        "one": {"count": 1, "flavor": "small", "image": "debian"},
        "none": {"count": 0, "flavor": "small", "image": "debian"},
        "db": {"flavor": "small", "image": "debian", "host": "kvm1"},
    },
}


def test_a_count_makes_numbered_names_in_the_order_of_the_file():
    assert [wanted.spec.name for wanted in expand(load_fleet(FLEET))] == ["web-1", "web-2", "one-1", "db"]


def test_a_wanted_instance_holds_its_ingredients():
    fleet = load_fleet(FLEET)
    first, *_rest, last = expand(fleet)
    assert first.spec.flavor == fleet.flavors["small"]
    assert first.spec.image == fleet.images["debian"]
    assert (first.spec.fleet, first.spec.project_id) == ("shop", "default")
    assert [(nic.network, nic.bridge, nic.libvirt_network) for nic in first.spec.networks] == [
        ("front", "br0", None),
        ("back", None, "storage"),
    ]
    assert [nic.mac_address for nic in first.spec.networks] == [mac_address(first.uuid, 0), mac_address(first.uuid, 1)]
    assert (first.vm_state, first.host) == ("stopped", None)
    assert (last.vm_state, last.host) == ("active", "kvm1")


def test_what_hangs_on_an_instance_and_its_lock_are_carried():
    labels = {"metadata": {"role": "web"}, "tags": ["b", "a"], "display_name": "Shop window", "locked": False}
    described = {**FLEET, "instances": {"db": {**FLEET["instances"]["db"], **labels}, "one": FLEET["instances"]["one"]}}
    db, other = expand(load_fleet(described))
    assert (db.spec.tags, db.spec.display_name, db.locked) == (["a", "b"], "Shop window", False)
    assert (other.spec.tags, other.spec.display_name, other.locked) == ([], None, None)


def test_volumes_are_named_ones_or_an_instance_s_own_after_its_name_and_their_position():
    body = {"flavor": "small", "image": "debian"}
    declared = {
        **FLEET,
        "volumes": {"data": {"size_gb": 10, "format": "raw"}},
        "instances": {
            "db": {**body, "volumes": [{"volume": "data", "bus": "scsi"}, {"size_gb": 2}]},
            "web": {**body, "count": 2, "volumes": [{"size_gb": 3, "delete_on_termination": True}]},
        },
    }
    db, first, second = (wanted.spec.volumes for wanted in expand(load_fleet(declared)))
    assert [(item.name, item.size_gb, item.format, item.bus) for item in db] == [
        ("data", 10, "raw", "scsi"),
        ("db/1", 2, "qcow2", "virtio"),
    ]
    assert [item.delete_on_termination for item in (*db, *first)] == [False, False, True]
    assert [item.name for item in (*first, *second)] == ["web-1/0", "web-2/0"]
    assert db[0].uuid == volume_uuid("shop", "default", "data")


def test_user_data_is_carried_beside_the_spec_which_holds_its_digest():
    wanted = expand(load_fleet(FLEET))[0]
    assert wanted.user_data == b"secret"
    assert wanted.spec.user_data_sha256 == hashlib.sha256(b"secret").hexdigest()
    assert "secret" not in repr(wanted)


def test_identities_never_change():
    # Existing instances hang on these values: a change of the rule would make every one of them a stranger.
    assert instance_uuid("default", "default", "web-1") == "3930e23a-8fb5-51ce-8af0-f55f1d576afe"
    assert volume_uuid("default", "default", "data") == "1682f140-d20c-5b6c-987d-4375d3d92c13"
    assert mac_address("6f2a54b0-0000-5000-8000-000000000000", 0) == "02:d6:25:dc:dd:a5"


@pytest.mark.parametrize("other", [("a-b", "c", "d"), ("a", "b", "c-d"), ("a", "b-c", "e"), ("A", "b-c", "d")])
def test_the_three_names_are_kept_apart(other):
    assert instance_uuid("a", "b-c", "d") != instance_uuid(*other)


def test_a_mac_address_is_local_and_unicast():
    assert int(mac_address("x", 0)[:2], 16) & 0b11 == 0b10
