# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules answer that do one operation to several instances."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.novella.compute.plugins.module_utils.answering import describe
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Answer
from ansible_collections.novella.compute.plugins.modules import instance_action, instance_metadata
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\ufeff"))


def answer(**changes: Any) -> Answer:
    done = Answer("uuid", "web", "shop", "default", "kvm1", "change_metadata", "done", "active", "active")
    return done.but(**changes)


@given(st.dictionaries(TEXT, TEXT), st.lists(TEXT), st.none() | TEXT)
def test_the_difference_is_yaml_whatever_hangs_on_an_instance(
    metadata: dict[str, str], tags: list[str], name: str | None
) -> None:
    record = {"metadata": metadata, "tags": tags, "display_name": name}
    [diff] = describe([answer(record_before=record, record_after=record)])["diff"]
    assert yaml.safe_load(diff["before"]) == yaml.safe_load(diff["after"]) == record


def test_the_difference_is_short_and_plain() -> None:
    before = {"metadata": {}, "tags": [], "display_name": None}
    after = {"metadata": {"role": "front", "on": "yes"}, "tags": ["a"], "display_name": "The till"}
    [diff] = describe([answer(record_before=before, record_after=after)])["diff"]
    assert diff["before"] == "metadata: {}\ntags: []\ndisplay_name: null\n"
    assert diff["after"] == ('metadata:\n  "on": "yes"\n  role: front\ntags:\n- a\ndisplay_name: "The till"\n')


def test_what_changes_no_record_shows_the_state_and_what_is_unchanged_shows_nothing() -> None:
    told = describe([answer(operation="pause", after="paused"), answer(status="unchanged")])
    assert [(diff["before"], diff["after"]) for diff in told["diff"]] == [("vm_state: active\n", "vm_state: paused\n")]
    assert describe([answer(status="unchanged")])["changed"] is False


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (instance_action, {"action": "stop", "reason": "x", "names": ["*"]}, "reason is no option of action stop."),
        (instance_metadata, {"metadata": {"a": "b"}}, "Nothing says which instances to change_metadata."),
        (instance_metadata, {"names": ["*"]}, "one of the following is required: metadata, tags, display_name"),
        (instance_metadata, {"names": ["*"], "tags": ["a/b"]}, "tags: 'a/b' is no tag."),
    ],
)
def test_what_makes_no_sense_is_refused(
    module: Any, options: dict[str, Any], message: str, tmp_path: Path, capsys: Any
) -> None:
    arguments = {"host": "kvm1", "driver": "fake", "state_path": str(tmp_path), **options}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    told = json.loads(capsys.readouterr().out)
    assert told["failed"]
    assert message in told["msg"]
