# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidVolume
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import FORMATS, Volume
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_store import VolumeStore

UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
DATA = Volume(UUID, "data", 1, fleet="shop")


@pytest.fixture
def store(tmp_path: Path) -> VolumeStore:
    return VolumeStore(str(tmp_path / "volumes"), 30.0)


@pytest.mark.parametrize("disk_format", FORMATS)
def test_a_volume_is_as_it_was_made(store: VolumeStore, disk_format: str) -> None:
    made = DATA.but(format=disk_format)
    assert store.find_all() == []
    store.create(made)
    assert store.find_all() == [made]
    assert {path.stat().st_mode & 0o777 for path in store.directory.iterdir()} == {0o600}


def test_a_volume_that_is_there_keeps_its_data_and_its_size(store: VolumeStore) -> None:
    store.create(DATA.but(format="raw"))
    with store.path(UUID).open("r+b") as disk:
        disk.write(b"precious")
    store.create(DATA.but(size_gb=5))
    assert [(volume.size_gb, volume.format) for volume in store.find_all()] == [(1, "raw")]
    assert store.path(UUID).read_bytes()[:8] == b"precious"


@pytest.mark.parametrize("disk_format", FORMATS)
def test_a_volume_grows_and_never_shrinks(store: VolumeStore, disk_format: str) -> None:
    store.create(DATA.but(format=disk_format))
    store.grow(UUID, 3)
    store.grow(UUID, 2)
    assert [volume.size_gb for volume in store.find_all()] == [3]


def test_what_a_guest_writes_into_a_raw_volume_is_no_header(store: VolumeStore) -> None:
    store.create(DATA.but(format="raw"))
    with store.path(UUID).open("r+b") as disk:
        disk.write(b"QFI\xfb" + bytes(20) + (1 << 50).to_bytes(8, "big"))
    assert [volume.size_gb for volume in store.find_all()] == [1]


@pytest.mark.parametrize("content", [None, "{", '{"kind": "other"}'])
def test_a_volume_whose_document_is_lost_is_listed_by_its_uuid(store: VolumeStore, content: str | None) -> None:
    store.create(DATA)
    [document] = store.directory.glob("*.json")
    document.unlink()
    if content is not None:
        document.write_text(content)
    assert store.find_all() == [Volume(UUID, UUID, 1, fleet="", project_id="")]


def test_a_deleted_volume_leaves_nothing(store: VolumeStore) -> None:
    store.create(DATA)
    store.delete(UUID)
    store.delete(UUID)
    assert list(store.directory.iterdir()) == []


def test_no_empty_volume_stands_in_for_one_that_is_gone(store: VolumeStore) -> None:
    with pytest.raises(InvalidVolume, match=r"The volume 'data' .* is not in .* Bring its file back"):
        store.require(UUID, "data")
