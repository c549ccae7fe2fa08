# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metadata, tags and display name: set, merged, taken away, and never half."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Answer, Command
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.novella.compute.plugins.module_utils.compute.labels import read_labels
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from support.fake_host import FakeHost, act, create

UUID = "uuid-of-web"


def change(host: FakeHost, check: bool = False, **arguments: Any) -> Answer:
    [answer] = host.manager().obey(Command("change_metadata", Selection(["web"]), arguments), check)
    return answer


def spec_of(host: FakeHost) -> InstanceSpec:
    domain = host.driver.get_domain(UUID)
    assert domain is not None
    assert domain.record is not None
    return Instance.from_document(domain.record).spec


def options(**given: Any) -> dict[str, Any]:
    return {"state": "present", "metadata": None, "tags": None, "display_name": None, **given}


@pytest.fixture
def web(host: FakeHost) -> FakeHost:
    """A host with a running instance that has a bit of everything."""
    host.reconcile(create("web"))
    change(host, metadata={"role": "front", "tier": "1"}, tags=["b", "a"], display_name="Shop window")
    return host


@pytest.mark.parametrize(
    ("given", "metadata", "tags", "name"),
    [
        ({"metadata": {"role": "back"}}, {"role": "back", "tier": "1"}, ["a", "b"], "Shop window"),
        ({"metadata": {"note": ""}}, {"role": "front", "tier": "1", "note": ""}, ["a", "b"], "Shop window"),
        ({"metadata": {"x": "y"}, "state": "replaced"}, {"x": "y"}, ["a", "b"], "Shop window"),
        ({"metadata": {}, "tags": [], "state": "replaced"}, {}, [], "Shop window"),
        ({"metadata": {"role": "", "none": ""}, "state": "absent"}, {"tier": "1"}, ["a", "b"], "Shop window"),
        ({"tags": ["c", "a"]}, {"role": "front", "tier": "1"}, ["a", "b", "c"], "Shop window"),
        ({"tags": ["c"], "state": "replaced"}, {"role": "front", "tier": "1"}, ["c"], "Shop window"),
        ({"tags": ["b", "z"], "state": "absent"}, {"role": "front", "tier": "1"}, ["a"], "Shop window"),
        ({"display_name": "Till"}, {"role": "front", "tier": "1"}, ["a", "b"], "Till"),
        ({"display_name": ""}, {"role": "front", "tier": "1"}, ["a", "b"], None),
        ({"display_name": "Till", "state": "absent"}, {"role": "front", "tier": "1"}, ["a", "b"], None),
    ],
)
def test_what_is_given_is_changed_and_a_second_time_nothing(
    web: FakeHost, given: dict[str, Any], metadata: dict[str, str], tags: list[str], name: str | None
) -> None:
    expected = {"metadata": metadata, "tags": tags, "display_name": name}
    planned, done = change(web, check=True, **given), change(web, **given)
    assert (planned.status, done.status) == ("planned", "done")
    assert planned.record_after == done.record_after == expected
    spec = spec_of(web)
    assert {key: getattr(spec, key) for key in expected} == expected
    assert web.driver.title_of(UUID) == name
    assert change(web, **given).status == "unchanged"


def test_the_guest_does_not_notice(web: FakeHost) -> None:
    web.settings(failures={name: {"web": "touched"} for name in ("power_off", "power_on", "define", "pause")})
    answer = change(web, metadata={"role": "back"}, display_name="Till")
    assert (answer.status, answer.before, answer.after) == ("done", "active", "active")


def test_a_locked_instance_may_be_described_anew(web: FakeHost) -> None:
    web.manager().obey(Command("lock", Selection(["web"])), False)
    assert change(web, tags=["c"]).status == "done"


def test_a_domain_that_is_defined_has_its_title(host: FakeHost) -> None:
    action = create("web")
    assert action.spec is not None
    host.reconcile(action.but(spec=action.spec.but(display_name="Shop window")))
    assert host.driver.title_of(UUID) == "Shop window"


def test_a_plan_changes_the_title_too(web: FakeHost) -> None:
    web.reconcile(act("update", "web", spec=spec_of(web).but(display_name="Till")))
    assert web.driver.title_of(UUID) == "Till"


@pytest.mark.parametrize("operation", ["change_metadata", "update"])
def test_of_a_run_that_died_the_title_is_what_the_record_says(web: FakeHost, operation: str) -> None:
    journal = Journal(web.db)
    journal.begin(UUID, "web", operation)
    journal.begin_step(UUID, "title")
    web.driver.set_title(UUID, "half-done")
    with web.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = 'another-boot:1:1'")
    web.manager()
    assert web.driver.title_of(UUID) == "Shop window"


def test_what_fails_leaves_record_and_title_as_they_were(web: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    before, save = spec_of(web), FakeDriver.save_record

    def fail_at_the_end(driver: FakeDriver, instance: Instance) -> None:
        if instance.spec != before:
            raise OSError("no space left")
        save(driver, instance)

    monkeypatch.setattr(FakeDriver, "save_record", fail_at_the_end)
    assert change(web, display_name="Till").status == "failed"
    assert (spec_of(web), web.driver.title_of(UUID)) == (before, "Shop window")


def test_an_instance_has_so_many_tags_and_no_more(web: FakeHost) -> None:
    answer = change(web, tags=[f"t{number}" for number in range(49)])
    assert answer.error is not None
    assert answer.error["message"] == "web would have 51 tags."
    assert spec_of(web).tags == ["a", "b"]
    assert change(web, tags=[f"t{number}" for number in range(48)]).status == "done"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metadata": {"a/b": "x"}}, "metadata: 'a/b' is no key."),
        ({"metadata": {"": "x"}}, "metadata: '' is no key."),
        ({"metadata": {"k" * 256: "x"}}, "is no key. Use 1 to 255 letters"),
        ({"metadata": {"role": "x" * 256}}, "metadata.role has 256 characters. It may have 0 to 255."),
        ({"metadata": {"role": "a\nb"}}, "metadata.role is not one line of text."),
        ({"metadata": {"role": True}}, "metadata.role is True, which is not text. Quote it."),
        ({"metadata": {"role": None}}, "metadata.role is None, which is not text."),
        ({"metadata": {"role": ["x"]}}, "metadata.role is ['x'], which is not text."),
        ({"tags": ["x" * 61]}, "has 61 characters. It may have 1 to 60."),
        ({"tags": [""]}, "tags: '' has 0 characters."),
        ({"tags": ["a/b"]}, "tags: 'a/b' is no tag. A tag has no '/' and no ','."),
        ({"tags": ["a,b"]}, "tags: 'a,b' is no tag."),
        ({"tags": [f"t{number}" for number in range(51)]}, "An instance would have 51 tags. It may have 50."),
        ({"display_name": "x" * 256}, "display_name has 256 characters."),
        ({"display_name": "two\nlines"}, "display_name is not one line of text."),
        ({"display_name": " x"}, "display_name has a space around it"),
        ({"display_name": "\uffff"}, "or a sign that no XML can hold"),
    ],
)
def test_what_nova_would_refuse_is_refused_before_any_instance_is_looked_at(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionInvalid) as refusal:
        read_labels(options(**given))
    assert message in str(refusal.value)


def test_whole_numbers_are_taken_for_text_and_of_what_goes_only_the_keys_count() -> None:
    assert read_labels(options(metadata={"build": 42}))["metadata"] == {"build": "42"}
    gone = read_labels(options(metadata={"build": None}, state="absent", tags=["b", "a", "b"]))
    assert (gone["metadata"], gone["tags"]) == ({"build": ""}, ["a", "b"])


@pytest.mark.parametrize(
    ("operation", "arguments", "what"),
    [
        ("lock", {}, "a lock"),
        ("change_metadata", {"tags": ["a"]}, "tags"),
        ("change_metadata", {"display_name": "Till"}, "a display name"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_older_releases_could_not_read_is_refused_where_they_must_read_it(
    host: FakeHost, operation: str, arguments: dict[str, Any], what: str, check: bool
) -> None:
    capped(host, "1.1")
    host.reconcile(create("web"))
    [answer] = host.manager().obey(Command(operation, Selection(["web"]), arguments), check)
    assert answer.error is not None
    assert (answer.error["code"], answer.error["message"]) == (
        "VersionNotSupported",
        f"web has {what}, and record_version_cap is 1.1: its record cannot hold that.",
    )
    assert change(host, metadata={"role": "front"}).status == "done"


def test_a_lock_is_not_lost_by_a_release_that_may_not_write_it(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.manager().obey(Command("lock", Selection(["web"])), False)
    capped(host, "1.1")
    [refused] = host.manager().obey(Command("change_metadata", Selection(["web"]), {"metadata": {"a": "b"}}), False)
    assert refused.status == "failed"
    [made] = host.reconcile(create("other", locked=True))
    assert made["error"]["code"] == "VersionNotSupported"


def capped(host: FakeHost, cap: str) -> None:
    host.options = dataclasses.replace(host.options, record_version_cap=cap)
    host.driver = FakeDriver("kvm1", str(host.path), host.db, cap)
