# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes as files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError, InvalidVolume
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


MISMEASURING = """#!/bin/sh
echo >> {tries}
[ $(wc -l < {tries}) -gt {failures} ] && exec {qemu_img} "$@"
echo "qemu-img: data.part: {words}" >&2
exit 1
"""
MISMEASURED = "Unable to get accurate CPU usage"
KNOWN_SPEED = "QEMU must know it to encrypt. Run again."


@pytest.fixture
def mismeasuring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], Path]:
    """Have qemu-img fail so many times with these words; the file returned gets a line for each run of it."""

    def install(failures: int, words: str) -> Path:
        tool, tries = tmp_path / "bin" / "qemu-img", tmp_path / "tries"
        tool.parent.mkdir()
        qemu_img = shutil.which("qemu-img")
        tool.write_text(MISMEASURING.format(tries=tries, failures=failures, words=words, qemu_img=qemu_img))
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
        return tries

    return install


def test_a_volume_is_made_though_qemu_could_not_tell_how_fast_the_host_is(
    store: VolumeStore, mismeasuring: Callable[[int, str], Path]
) -> None:
    tries = mismeasuring(3, MISMEASURED)
    store.create(DATA)
    assert store.find_all() == [DATA]
    assert len(tries.read_text().splitlines()) == 4


@pytest.mark.parametrize(("words", "times", "remedy"), [(MISMEASURED, 10, KNOWN_SPEED), ("Permission denied", 1, "")])
def test_a_volume_that_cannot_be_made_is_not_tried_for_ever(
    store: VolumeStore, mismeasuring: Callable[[int, str], Path], words: str, times: int, remedy: str
) -> None:
    tries = mismeasuring(1000, words)
    with pytest.raises(HypervisorError, match=words) as refusal:
        store.create(DATA)
    assert refusal.value.remedy == remedy
    assert store.find_all() == []
    assert len(tries.read_text().splitlines()) == times


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
