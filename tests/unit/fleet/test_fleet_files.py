# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet file may be, as YAML."""

from __future__ import annotations

import os

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid, VersionNotSupported
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 2000))

NOT_A_FLEET = {
    "bomb": (BOMB, ":6: holds more than 200,000 values, counting what its aliases repeat."),
    "deep": ("[" * 1_000_000, ":1: is nested deeper than 50 levels."),
    "deep_by_aliases": (CHAIN, ":50: is nested deeper than 50 levels."),
    "endless": ("a: &a [*a]\n", ":1: the alias *a stands for nothing before it."),
    "wide": (f"a: [{'1,' * 300_000}]", ":1: holds more than 200,000 values, counting what its aliases repeat."),
    "large": ("#" * (8 * 1024 * 1024 + 1), ": is larger than 8,388,608 bytes."),
    "list": ("\n- a\n", ":2: must be a mapping, not a list."),
    "text": ("just text\n", ":1: must be a mapping, not the text 'just text'."),
    "documents": ("a: b\n---\nc: d\n", ":2: holds several YAML documents; a fleet file is one."),
    "tab": ("a:\n\tb: c\n", ":2: is not valid YAML: found character that cannot start any token."),
    "control_character": ("a: b\nc: \x01\n", ":2: is not valid YAML: control characters are not allowed."),
    "empty": ("# nothing yet\n", ": the fleet is empty."),
    "unversioned": ("name: shop\n", ": version: required, but missing."),
    "unquoted_version": (
        "\nversion: 1.0\n",
        ':2: version: must be text, not the number 1.0. Quote it: "1.0".',
    ),
    "wrong_version": (
        "version: one\n",
        ":1: version: 'one' is not a version of this format; write \"1.0\".",
    ),
    "python_tag": (
        "version: !!python/object/apply:os.system ['true']\n",
        ":1: version: the tag !!python/object/apply:os.system is not allowed in a fleet file. Write a plain value.",
    ),
    "vault": (
        'version: "1.0"\nname: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n',
        ":2: name: the tag !vault is not allowed in a fleet file. Give encrypted values as inventory variables.",
    ),
    "date": ('version: "1.0"\nname: 2025-01-01\n', ":2: name: YAML reads this as a date: quote it."),
    "boolean_key": (
        'version: "1.0"\nserver_groups:\n  on: {policy: affinity}\n',
        ":3: server_groups.on: YAML does not read this key as text: quote it.",
    ),
    "mapping_key": (
        'version: "1.0"\nserver_groups:\n  {{ group }}: {policy: affinity}\n',
        ":3: server_groups: every key must be text.",
    ),
    "merge_of_text": (
        'version: "1.0"\nflavors:\n  a: {<<: b, vcpus: 1, memory_mb: 1}\n',
        ":3: flavors.a['<<']: must be a mapping, or a list of mappings.",
    ),
}


@pytest.mark.parametrize("case", NOT_A_FLEET)
def test_what_is_no_fleet_is_refused_in_one_line(case, faults):
    text, fault = NOT_A_FLEET[case]
    assert faults(text) == [f"fleet.yml{fault}"]


def test_a_file_that_is_not_utf_8_is_refused(folder):
    (folder / "fleet.yml").write_bytes(b'version: "1.0"\nname: \xff\n')
    with pytest.raises(FleetInvalid, match=r"fleet\.yml:2: is not UTF-8\."):
        load_fleet("fleet.yml")


def test_a_missing_file_is_named(folder):
    with pytest.raises(FleetInvalid, match=r"nowhere\.yml: there is no such file\."):
        load_fleet("nowhere.yml")


def test_a_pipe_is_refused_and_not_waited_for(folder):
    os.mkfifo("fleet.yml")
    with pytest.raises(FleetInvalid, match=r"fleet\.yml: is not a regular file\."):
        load_fleet("fleet.yml")


def test_a_newer_major_version_is_refused_before_anything_else(folder):
    (folder / "fleet.yml").write_text('what: is this\nversion: "2.1"\n')
    with pytest.raises(VersionNotSupported) as caught:
        load_fleet("fleet.yml")
    assert str(caught.value) == (
        "fleet.yml:2: version: 2.1 is newer than this release, which reads 1.x. "
        "Upgrade novella.compute here, or write the fleet in an older version."
    )


def test_a_newer_minor_version_is_read(folder):
    (folder / "fleet.yml").write_text('version: "1.7"\n')
    assert load_fleet("fleet.yml").version == "1.7"


def test_anchors_and_merge_keys_work_and_own_keys_win(folder):
    (folder / "fleet.yml").write_text(
        'version: "1.0"\nflavors:\n  small: &small {vcpus: 1, memory_mb: 512}\n'
        "  large: {<<: *small, memory_mb: 4096}\n  same: *small\n"
    )
    flavors = load_fleet("fleet.yml").flavors
    assert (flavors["large"].vcpus, flavors["large"].memory_mb) == (1, 4096)
    assert flavors["same"] == flavors["small"].but(name="same")


def test_a_fault_in_merged_values_names_the_line_they_come_from(faults):
    text = (
        'version: "1.0"\nflavors:\n  small: &small\n    vcpus: 0\n    memory_mb: 1\n'
        "  large:\n    <<: *small\n    memory_mb: 4096\n"
    )
    assert faults(text) == [
        "fleet.yml:4: flavors.large.vcpus: must be at least 1, not 0.",
        "fleet.yml:4: flavors.small.vcpus: must be at least 1, not 0.",
    ]


def test_user_data_comes_from_a_file_beside_the_fleet_file(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "web.yml").write_bytes(b"#cloud-config\n")
    (folder / "sub" / "fleet.yml").write_text(
        'version: "1.0"\nflavors: {f: {vcpus: 1, memory_mb: 1}}\nimages: {i: {source: /i}}\n'
        "instances: {web: {flavor: f, image: i, user_data_file: web.yml}}\n"
    )
    web = load_fleet("sub/fleet.yml").instances["web"]
    assert web.user_data == b"#cloud-config\n"
    assert "cloud-config" not in repr(web)


def test_a_whole_number_may_be_written_with_a_point(folder):
    (folder / "fleet.yml").write_text('version: "1.0"\nflavors: {f: {vcpus: 2.0, memory_mb: 1}}\n')
    assert repr(load_fleet("fleet.yml").flavors["f"].vcpus) == "2"
