# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource classes, traits and labels on the host: what it reports of them, and what it lets be claimed."""

import dataclasses
import sqlite3

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.inventories import (
    read_inventories,
    read_labels,
    read_traits,
)
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_tracker import ResourceTracker
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_schema import VERSION
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from support.fake_host import FakeHost, act, create

TOTALS = {"VCPU": 8, "MEMORY_MB": 8192, "DISK_GB": 100}


def declare(host: FakeHost, **options) -> None:
    host.options = dataclasses.replace(host.options, **options)


def licensed(name: str, amount: str = "1", **specs: str):
    action = create(name)
    flavor = Flavor("licensed", 1, 512, 1, extra_specs={"resources:CUSTOM_LICENCE": amount, **specs})
    return action.but(spec=action.spec.but(flavor=flavor))


def outcomes(results: list[dict]) -> list[str]:
    return [result["error"]["message"] if "error" in result else result["status"] for result in results]


def test_a_host_reports_what_the_operator_declares(host: FakeHost) -> None:
    declare(host, resources={"CUSTOM_LICENCE": 3}, traits=["CUSTOM_RAID"], labels={"rack": 7, "lit": True})
    node = host.manager().audit().compute_node
    assert (node.inventories["CUSTOM_LICENCE"].total, node.traits) == (3, ["CUSTOM_RAID"])
    assert node.labels == {"rack": "7", "lit": "true"}
    assert (
        "inventories"
        not in host.manager().audit().but(compute_node=node.but(inventories={})).as_document()["compute_node"]
    )


def test_a_class_is_counted_from_the_instances_records(host: FakeHost) -> None:
    declare(host, resources={"CUSTOM_LICENCE": 3})
    host.reconcile(licensed("a", "2"))
    assert host.manager().audit().compute_node.resources_used == {"CUSTOM_LICENCE": 2}
    host.reconcile(act("delete", "a"))
    assert host.manager().audit().compute_node.resources_used == {}


def test_a_host_never_gives_out_more_of_a_class_than_it_has(host: FakeHost) -> None:
    declare(host, resources={"CUSTOM_LICENCE": {"total": 4, "reserved": 1, "step_size": 1}})
    results = outcomes(host.reconcile(licensed("a", "2"), licensed("b", "2"), licensed("c", "1")))
    assert results[0] == results[2] == "done"
    assert results[1] == "b does not fit on kvm1: the host lacks 1 CUSTOM_LICENCE (1 of 3 free)."


def test_claims_that_are_not_built_yet_count_too(host: FakeHost) -> None:
    declare(host, resources={"CUSTOM_LICENCE": 2})
    tracker = ResourceTracker(host.options, host.driver, host.db)
    manager = host.manager()
    host.db.open()
    with host.db.transaction() as connection:
        connection.execute("INSERT INTO claims VALUES ('u', 'x', 1, 1, 1, 'nobody', 'now')")
        connection.execute("INSERT INTO claimed_resources VALUES ('u', 'CUSTOM_LICENCE', 2)")
    assert tracker.update_available_resource().node.resources_used == {"CUSTOM_LICENCE": 2}
    tracker.drop_claim("u")
    assert host.db.query("SELECT * FROM claimed_resources") == []
    assert manager.audit().compute_node.resources_used == {}


def test_a_host_that_declares_nothing_of_a_class_has_none(host: FakeHost) -> None:
    assert outcomes(host.reconcile(licensed("a"))) == ["a does not fit on kvm1: the host has no CUSTOM_LICENCE."]


def test_a_host_bounds_what_one_instance_has(host: FakeHost) -> None:
    declare(host, resources={"VCPU": {"max_unit": 1}})
    results = outcomes(host.reconcile(create("a", vcpus=2), create("b")))
    assert results == ["a does not fit on kvm1: the host gives an instance at most 1 VCPU (2 asked for).", "done"]


def test_an_overridden_amount_is_what_counts(host: FakeHost) -> None:
    declare(host, resources={"CUSTOM_LICENCE": 9})
    host.reconcile(licensed("a", **{"resources:VCPU": "0", "resources:MEMORY_MB": "100"}))
    node = host.manager().audit().compute_node
    assert (node.vcpus_used, node.memory_mb_used, node.local_gb_used) == (0, 100, 1)


def test_an_amount_that_makes_no_sense_is_refused_by_the_claim(host: FakeHost) -> None:
    results = outcomes(host.reconcile(licensed("a", "many"), create("b")))
    assert results == ["resources:CUSTOM_LICENCE: must be a whole number of 0 or more, not 'many'.", "done"]


def test_a_file_of_an_older_release_gets_what_it_lacks(host: FakeHost) -> None:
    host.db.open()
    with host.db.transaction() as connection:
        connection.execute("DROP TABLE claimed_resources")
        connection.execute("UPDATE facts SET value = '\"1.0\"' WHERE key = 'version'")
    host.db.close()
    reader = TrackerDB(str(host.path))
    reader.open(read_only=True)
    assert reader.query("SELECT * FROM claimed_resources") == []
    reader.close()
    with sqlite3.connect(host.db.path) as file:
        assert file.execute("SELECT 1 FROM sqlite_master WHERE name = 'claimed_resources'").fetchall() == []
    file.close()
    host.db.open()
    assert host.db.get_fact("version", "") == VERSION
    assert host.db.query("SELECT * FROM claimed_resources") == []


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"CUSTOM_a": 1}, "there is no resource class 'CUSTOM_a'. Call your own CUSTOM_ and capitals"),
        ({"VCPUS": 1}, "there is no resource class 'VCPUS'. Did you mean 'VCPU'?"),
        ({"CUSTOM_A": "1"}, "resources.CUSTOM_A must be a total or a mapping, not '1'."),
        ({"CUSTOM_A": {"totl": 1}}, "resources.CUSTOM_A has the unknown key 'totl'. Did you mean 'total'?"),
        ({"CUSTOM_A": {"reserved": 1}}, "resources.CUSTOM_A lacks 'total'."),
        ({"CUSTOM_A": {"total": 1.5}}, "resources.CUSTOM_A.total must be an integer, not 1.5."),
        ({"CUSTOM_A": -1}, "resources.CUSTOM_A.total must be at least 0, not -1."),
        ({"CUSTOM_A": {"total": 1, "step_size": 0}}, "resources.CUSTOM_A.step_size must be at least 1, not 0."),
        ({"CUSTOM_A": {"total": 1, "allocation_ratio": 0.0}}, "allocation_ratio must be above 0, not 0.0."),
        ({"CUSTOM_A": {"total": 9, "min_unit": 3, "max_unit": 2}}, "max_unit is 2, less than min_unit 3."),
        ({"CUSTOM_A": {"total": 1, "reserved": 2}}, "reserved is 2, more than the total 1."),
        ({"VCPU": 4}, "resources.VCPU must be a mapping, not 4."),
        ({"VCPU": {"total": 4}}, "has the unknown key 'total'. The host's own options say it."),
    ],
)
def test_an_inventory_that_makes_no_sense_is_told(declared, sentence) -> None:
    with pytest.raises(OptionInvalid) as caught:
        read_inventories(declared, TOTALS)
    assert sentence in str(caught.value)


def test_a_standard_class_takes_its_total_from_the_host() -> None:
    assert read_inventories({"MEMORY_MB": {"step_size": 512}}, TOTALS)["MEMORY_MB"].total == 8192


@pytest.mark.parametrize("name", ["raid", "CUSTOM-RAID", ""])
def test_a_trait_has_a_traits_name(name) -> None:
    with pytest.raises(OptionInvalid, match="is no trait"):
        read_traits([name])


@pytest.mark.parametrize(("key", "value"), [("rack", None), ("rack", ""), ("rack", ["a"]), ("a b", "x"), ("", "x")])
def test_a_label_is_text_by_key(key, value) -> None:
    with pytest.raises(OptionInvalid, match="labels"):
        read_labels({key: value})
