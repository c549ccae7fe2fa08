# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every stored object survives being written and read, in its own version and across minors and majors."""

import json
import typing
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects import (
    compute_node,
    host_report,
    ingredients,
    instance,
    instance_action,
    inventory,
    migration,
    plan,
    request_spec,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.base import Document, Record, since
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, VersionNotSupported
from hypothesis import given
from hypothesis import strategies as st

MODULES = (compute_node, host_report, ingredients, instance, instance_action, migration, plan, request_spec)


def subclasses(kind: type) -> list[type]:
    found = [kind for module in MODULES for kind in vars(module).values() if isinstance(kind, type)]
    return sorted({each for each in found if issubclass(each, kind) and each not in (Record, Document)}, key=str)


RECORDS = subclasses(Record)
DOCUMENTS = subclasses(Document)
CLASS_WORDS = ("KIND", "VERSION", "UPGRADES")
SCALARS = {int: st.integers(), str: st.text(), bool: st.booleans(), float: st.floats(allow_nan=False)}


def some(kind: Any) -> st.SearchStrategy:
    """Any value of a type that a stored object may have."""
    arguments = typing.get_args(kind)
    if kind is Any:
        return st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)
    if kind in SCALARS:
        return SCALARS[kind]
    if type(None) in arguments:
        return st.none() | some(arguments[0])
    if typing.get_origin(kind) is list:
        return st.lists(some(arguments[0]), max_size=3)
    if typing.get_origin(kind) is tuple:
        return st.lists(some(arguments[0]), max_size=2).map(tuple)
    if typing.get_origin(kind) is dict:
        return st.dictionaries(st.text(max_size=5), some(arguments[1]), max_size=3)
    fields = {name: some(hint) for name, hint in typing.get_type_hints(kind).items() if name not in CLASS_WORDS}
    if "unknown_keys" in fields:
        # Keys that a newer minor added: any that this release does not know.
        fields["unknown_keys"] = st.dictionaries(st.just("added_later"), st.integers(), max_size=1)
    return st.builds(kind, **fields)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_record_written_and_read_is_the_same_record(kind: type, data: st.DataObject) -> None:
    record = data.draw(some(kind))
    for sparse in (False, True):
        assert kind.from_dict(json.loads(json.dumps(record.as_dict(sparse=sparse)))) == record


@pytest.mark.parametrize("kind", DOCUMENTS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_document_written_and_read_is_the_same_document(kind: type, data: st.DataObject) -> None:
    document = data.draw(some(kind))
    assert kind.from_document(json.loads(json.dumps(document.as_document()))) == document


@dataclass(frozen=True)
class Letter(Document):
    KIND: ClassVar[str] = "letter"
    VERSION: ClassVar[str] = "2.1"
    UPGRADES: ClassVar[dict] = {1: lambda content: {"text": content["body"]}}

    text: str
    colour: str = field(default="black", metadata=since("2.1"))
    unknown_keys: dict[str, Any] = field(default_factory=dict)


def test_what_a_newer_minor_added_survives_being_read_and_written() -> None:
    newer = {"kind": "letter", "version": "2.9", "text": "hello", "stamp": "blue"}
    assert Letter.from_document(newer).as_document()["stamp"] == "blue"


def test_an_older_major_is_upgraded_on_read() -> None:
    assert Letter.from_document({"kind": "letter", "version": "1.3", "body": "hello"}).text == "hello"


def test_a_newer_major_is_refused_and_not_guessed_at() -> None:
    with pytest.raises(VersionNotSupported, match=r"has version 3\.0; this release reads letter documents up to 2\.x"):
        Letter.from_document({"kind": "letter", "version": "3.0", "text": "hello"})


def test_a_major_too_old_to_upgrade_is_refused() -> None:
    with pytest.raises(VersionNotSupported, match="too old"):
        Letter.from_document({"kind": "letter", "version": "0.3", "text": "hello"})


def test_a_capped_writer_leaves_out_what_older_readers_do_not_know() -> None:
    capped = Letter("hello", colour="red").as_document(version_cap="2.0")
    assert capped == {"kind": "letter", "version": "2.0", "text": "hello"}


def test_a_cap_of_an_older_major_is_refused() -> None:
    with pytest.raises(VersionNotSupported, match=r"cannot be written at 1\.0"):
        Letter("hello").as_document(version_cap="1.0")


def test_a_document_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="should be of kind 'letter', but is 'plan'"):
        Letter.from_document({"kind": "plan", "version": "2.0", "text": "hello"})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"vcpus": 1, "memory_mb": 1}, "Flavor lacks 'name'"),
        ({"name": "s", "vcpus": True, "memory_mb": 1}, "vcpus must be an integer, not True"),
        ({"name": "s", "vcpus": "1", "memory_mb": 1}, "vcpus must be an integer, not '1'"),
        ({"name": "s", "vcpus": 1, "memory_mb": 1, "colour": "red"}, "Flavor has the unknown key 'colour'"),
        ([], "Flavor must be a mapping, not list"),
    ],
)
def test_data_of_the_wrong_shape_is_refused_by_name(data: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ingredients.Flavor.from_dict(data)


def test_a_host_document_writes_each_flavor_and_image_once() -> None:
    spec = instance.InstanceSpec(
        "web", ingredients.Flavor("small", 1, 512), ingredients.Image("tiny", "/srv/tiny.qcow2")
    )
    seen = [instance.ObservedInstance(instance.Instance(f"uuid-{n}", spec), "running") for n in range(40)]
    node = compute_node.ComputeNode("u", "kvm1", "kvm1", 16, 65536, 900)
    document = host_report.HostReport(compute_node=node, instances=seen).as_document()
    assert document["flavors"] == [{"name": "small", "vcpus": 1, "memory_mb": 512}]
    assert host_report.HostReport.from_document(document).instances == seen


def test_the_digest_of_a_host_changes_with_what_a_plan_depends_on_and_with_nothing_else() -> None:
    spec = instance.InstanceSpec("web", ingredients.Flavor("small", 1, 512))
    node = compute_node.ComputeNode("u", "kvm1", "kvm1", 16, 65536, 900)
    report = host_report.HostReport(
        node, instances=[instance.ObservedInstance(instance.Instance("a", spec), "running")]
    )
    assert report.digest() == report.but(compute_node=node.but(updated_at="later")).digest()
    stopped = report.but(instances=[report.instances[0].but(power_state="shutdown")])
    fuller = report.but(foreign=[host_report.ForeignDomain("f", "stranger", "running", 1, 512)])
    assert len({report.digest(), stopped.digest(), fuller.digest()}) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"reserved_host_memory_mb": 4096},
        {"cpu_allocation_ratio": 1.0},
        {"labels": {"rack": "r1"}},
        {"traits": ["CUSTOM_RAID"]},
        {"inventories": {"CUSTOM_LICENCE": inventory.Inventory(3)}},
        {"vcpus_used": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_digest_of_a_host_changes_with_what_the_operator_says_of_it(change: dict[str, Any]) -> None:
    node = compute_node.ComputeNode("u", "kvm1", "kvm1", 16, 65536, 900)
    report = host_report.HostReport(node)
    assert report.digest() != report.but(compute_node=node.but(**change)).digest()


def test_the_digest_of_a_host_does_not_hang_on_the_order_in_which_a_cache_keeps_things() -> None:
    node = compute_node.ComputeNode("u", "kvm1", "kvm1", 16, 65536, 900, labels={"b": "1", "a": "2"})
    document = host_report.HostReport(node).as_document()
    cached = json.loads(json.dumps(document, sort_keys=True))
    assert host_report.HostReport.from_document(cached).digest() == host_report.HostReport(node).digest()
