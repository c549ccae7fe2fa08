# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders, inventory variables, and their merging."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet

HEAD = {
    "version": "1.0",
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512}},
    "images": {"debian": {"source": "/srv/debian.qcow2"}},
}
WEB = {"flavor": "small", "image": "debian"}


def write(folder: Path, **files: str) -> None:
    (folder / "fleet").mkdir()
    for name, text in files.items():
        (folder / "fleet" / f"{name}.yml").write_text(text)


def faults_of(*sources: object) -> list[str]:
    with pytest.raises(FleetInvalid) as caught:
        load_fleet(*sources)
    return caught.value.faults


def test_the_files_of_a_folder_are_one_fleet(folder):
    write(
        folder,
        a='version: "1.0"\nflavors: {small: {vcpus: 1, memory_mb: 512}}\n',
        b='version: "1.0"\nimages: {debian: {source: /d}}\nflavors: {large: {vcpus: 2, memory_mb: 1024}}\n',
        c="instances: {web: {flavor: small, image: debian}}\n",
        d="# nothing here yet\n",
    )
    (folder / "fleet" / ".hidden.yml").write_text("not: read")
    (folder / "fleet" / "README.md").write_text("not read")
    fleet = load_fleet("fleet")
    assert list(fleet.flavors) == ["small", "large"]
    assert list(fleet.instances) == ["web"]


def test_a_name_in_two_files_is_refused_with_both_places(folder):
    write(
        folder,
        a='version: "1.0"\nflavors: {f: {vcpus: 1, memory_mb: 1}}\nimages: {i: {source: /i}}\ninstances:\n'
        "  db: {flavor: f, image: i}\n\n  web: {flavor: f, image: i}\n",
        b="\ninstances:\n  web: {flavor: f, image: i}\n",
    )
    assert faults_of("fleet") == ["fleet/b.yml:3: instances.web is defined twice; first at fleet/a.yml:7"]


def test_settings_may_be_repeated_only_if_equal(folder):
    write(
        folder,
        a='version: "1.0"\nname: shop\nscheduler: {seed: 1, max_attempts: 2}\n',
        b='version: "1.0"\nname: shops\nscheduler: {seed: 1, max_attempts: 3}\n',
    )
    assert faults_of("fleet") == [
        "fleet/b.yml:2: name is 'shops' here, but 'shop' at fleet/a.yml:2",
        "fleet/b.yml:3: scheduler.max_attempts is '3' here, but '2' at fleet/a.yml:3",
    ]


def test_a_folder_without_files_is_refused(folder):
    (folder / "fleet").mkdir()
    assert faults_of("fleet") == ["fleet: the folder holds no *.yml or *.yaml file."]


def test_a_broken_link_in_a_folder_is_reported(folder):
    write(folder, a='version: "1.0"\n')
    (folder / "fleet" / "b.yml").symlink_to("nowhere")
    assert faults_of("fleet") == ["fleet/b.yml: there is no such file."]


def test_every_unreadable_file_of_a_folder_is_reported_and_nothing_that_follows_from_it(folder):
    write(folder, a="]", b="- a\n", c="instances: {web: {flavor: f, image: i}}\n")
    assert [fault.partition(": ")[0] for fault in faults_of("fleet")] == ["fleet/a.yml:1", "fleet/b.yml:1"]


def test_inventory_variables_are_a_fleet():
    fleet = load_fleet(None, {**HEAD, "instances": {"web": WEB}})
    assert fleet == load_fleet({**HEAD, "instances": {"web": WEB}})
    assert list(fleet.instances) == ["web"]


def test_a_file_and_inventory_variables_are_merged(folder):
    (folder / "fleet.yml").write_text('version: "1.0"\ninstances: {db: {flavor: small, image: debian}}\n')
    fleet = load_fleet("fleet.yml", {**HEAD, "instances": {"web": WEB}})
    assert list(fleet.instances) == ["db", "web"]


def test_a_name_in_a_file_and_in_variables_is_refused_with_both_places(folder):
    (folder / "fleet.yml").write_text('version: "1.0"\ninstances: {web: {flavor: small, image: debian}}\n')
    assert faults_of("fleet.yml", {**HEAD, "instances": {"web": WEB}}) == [
        "inventory variable novella_fleet: instances.web is defined twice; first at fleet.yml:2"
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            {"instances": {"web": {**WEB, "flavor": "smal"}}},
            "instances.web.flavor: there is no flavor 'smal'. Did you mean 'small'?",
        ),
        ({"name": date(2025, 1, 1)}, "name: YAML reads this as a date: quote it."),
        ({"name": object()}, "name: must be plain data, not 'object'."),
        ({"name": b"shop"}, "name: must be plain data, not 'bytes'."),
        (
            {"scheduler": {"ram_weight_multiplier": float("nan")}},
            "scheduler.ram_weight_multiplier: must be a finite number.",
        ),
        ({"scheduler": {"seed": 10**400}}, "scheduler.seed: is too large a number."),
        ({"server_groups": {True: {"policy": "affinity"}}}, "server_groups.True: keys must be text: quote it."),
        (
            {"instances": {"web": {**WEB, "user_data": "\ud800"}}},
            "instances.web.user_data: is not valid Unicode text.",
        ),
        (
            {"instances": {"web": {**WEB, "user_data": "x" * 65_536}}},
            "instances.web.user_data: is larger than 65,535 bytes.",
        ),
        (
            {"instances": {"web": {**WEB, "user_data_file": "web.yml"}}},
            "instances.web.user_data_file: web.yml: must be an absolute path, as inventory variables have no folder.",
        ),
    ],
)
def test_a_fault_in_variables_names_the_variable(change, fault):
    assert faults_of(None, {**HEAD, **change}) == [f"inventory variable novella_fleet: {fault}"]


def test_variables_that_hold_themselves_are_refused():
    endless: dict[str, object] = {}
    endless["again"] = endless
    assert faults_of(None, endless) == ["inventory variable novella_fleet: is nested deeper than 50 levels."]


def test_variables_that_are_no_mapping_are_refused():
    assert faults_of(None, ["web"]) == ["inventory variable novella_fleet: must be a mapping, not a list."]


def test_no_fleet_at_all_says_how_to_give_one():
    assert faults_of(None) == [
        "No fleet was given. Name a file or folder, or set the inventory variable novella_fleet."
    ]


def test_values_tagged_by_ansible_become_plain():
    from ansible.parsing.dataloader import DataLoader

    tagged = DataLoader().load(
        'version: "1.0"\nflavors: {small: {vcpus: 1, memory_mb: 512}}\nimages: {debian: {source: /d}}\n'
        "instances: {web: {flavor: small, image: debian, ssh_keys: [ssh-rsa A]}}\n"
    )
    fleet = load_fleet(None, tagged)
    web = fleet.instances["web"]
    assert type(tagged["instances"]["web"]["flavor"]) is not str
    assert {type(value) for value in (web.name, web.flavor, web.ssh_keys[0], fleet.version)} == {str}
    assert type(fleet.flavors["small"].vcpus) is int
