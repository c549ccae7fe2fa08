# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, OptionInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.planner.storage import read_document, write_document


@pytest.mark.parametrize("name", ["plan.yml", "plan.yaml", "plan.json"])
def test_a_document_is_read_as_it_was_written_and_only_its_owner_may(tmp_path, name):
    document = {"kind": "plan", "version": "1.0", "reason": "was stopped → start", "n": [1, 2.5, None, True]}
    path = tmp_path / name
    write_document(str(path), document)
    assert read_document(str(path)) == document
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_an_unknown_extension_is_refused(tmp_path):
    with pytest.raises(OptionInvalid, match=r"Let it end in \.yml, \.yaml or \.json"):
        write_document(str(tmp_path / "plan.txt"), {})


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OptionInvalid, match="cannot be written: No such file or directory"):
        write_document(str(tmp_path / "none" / "plan.yml"), {})


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OptionInvalid, match="cannot be read: No such file or directory"):
        read_document(str(tmp_path / "plan.yml"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("plan.json", "{", "is not JSON"),
        ("plan.yml", "a: [", r"plan.yml:\d+ is not YAML"),
        ("plan.yml", "a: !!python/name:os.system\n", "is not YAML"),
        ("plan.yml", "- 1", "holds no document"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_document(str(tmp_path / name))
