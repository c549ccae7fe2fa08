# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import errno
import os
import shutil
import subprocess

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    HypervisorError,
    ImageUnacceptable,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import CachedImage
from ansible_collections.novella.compute.plugins.module_utils.virt.image_format import read_qcow2
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.storage import MOST_CONFIG_BYTES, DiskStore

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
GIB = 1 << 30


@pytest.fixture
def store(tmp_path):
    return DiskStore(str(tmp_path), deadline=20)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "novella-base-1.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "2G"], check=True)
    return CachedImage(str(path), "qcow2", 2 * GIB)


def test_a_root_disk_is_an_overlay_as_large_as_the_flavor_says(store, image):
    assert store.create_root_disk(UUID, image, root_gb=5) is True
    disk = read_qcow2(str(store.root_disk(UUID)))
    assert (disk.virtual_size, disk.has_backing_file) == (5 * GIB, True)
    assert store.root_disk_size(UUID) == 5 * GIB
    assert store.list_root_disks() == {UUID}


def test_root_gb_zero_means_the_size_of_the_image(store, image):
    store.create_root_disk(UUID, image, root_gb=0)
    assert store.root_disk_size(UUID) == 2 * GIB


def written(path):
    """What only writing changes of a file; being read changes its access time."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def test_a_root_disk_that_is_there_is_kept(store, image):
    store.create_root_disk(UUID, image, root_gb=5)
    before = written(store.root_disk(UUID))
    assert store.create_root_disk(UUID, image, root_gb=5) is False
    assert written(store.root_disk(UUID)) == before


def test_a_root_disk_that_is_there_but_damaged_is_never_overwritten(store, image):
    store.root_disk(UUID).write_bytes(b"precious")
    with pytest.raises(HypervisorError, match="is damaged"):
        store.create_root_disk(UUID, image, root_gb=5)
    assert store.root_disk(UUID).read_bytes() == b"precious"


def test_disks_that_were_set_aside_come_back_in_the_place_of_newer_ones(store, image):
    store.create_root_disk(UUID, image, root_gb=5)
    store.write_config_drive(UUID, b"old")
    old = written(store.root_disk(UUID))
    for _again in range(2):
        store.set_aside(UUID, False)
    assert not store.root_disk(UUID).exists()
    assert store.root_disk_size(UUID) == 5 * GIB, "its room is still the guest's"
    assert store.config_drive(UUID).read_bytes() == b"old"
    store.create_root_disk(UUID, image, root_gb=3)
    store.write_config_drive(UUID, b"new")
    store.set_aside(UUID, False)
    assert store.root_disk_size(UUID) == 3 * GIB
    for _again in range(2):
        store.take_back(UUID)
    assert written(store.root_disk(UUID)) == old
    assert store.config_drive(UUID).read_bytes() == b"old"
    assert len(list(store.directory.iterdir())) == 3


def test_disks_that_were_set_aside_are_gone_when_they_are_dropped(store, image):
    store.create_root_disk(UUID, image, root_gb=5)
    store.write_config_drive(UUID, b"old")
    store.set_aside(UUID, False)
    store.create_root_disk(UUID, image, root_gb=5)
    store.drop_aside(UUID)
    store.take_back(UUID)
    assert store.config_drive(UUID).read_bytes() == b"old"
    assert len(list(store.directory.iterdir())) == 3


def test_a_rescue_disk_is_as_large_as_its_image_and_goes_with_the_instance(store, image):
    store.create_root_disk(UUID, image, root_gb=5)
    for _again in range(2):
        store.create_rescue_disk(UUID, image)
    assert read_qcow2(str(store.rescue_disk(UUID))).virtual_size == 2 * GIB
    assert store.list_root_disks() == {UUID}
    store.set_aside(UUID, False)
    store.delete(UUID)
    assert list(store.directory.iterdir()) == [store.directory / "novella-base-1.qcow2"]


def test_an_image_larger_than_the_root_disk_is_refused(store, image):
    with pytest.raises(ImageUnacceptable, match="needs 2 GiB, and the flavor's root disk has 1"):
        store.create_root_disk(UUID, image, root_gb=1)
    assert store.list_root_disks() == set()


def test_a_failed_creation_leaves_nothing(store, image, tmp_path):
    missing = CachedImage(str(tmp_path / "gone.qcow2"), "qcow2", GIB)
    with pytest.raises(HypervisorError, match=r"qemu-img create failed: .*gone.qcow2"):
        store.create_root_disk(UUID, missing, root_gb=5)
    assert [path.name for path in tmp_path.iterdir()] == ["novella-base-1.qcow2"]


def test_a_config_drive_is_for_root_alone(store):
    store.write_config_drive(UUID, b"secret")
    store.write_config_drive(UUID, b"secret again")
    assert store.config_drive(UUID).read_bytes() == b"secret again"
    assert store.config_drive(UUID).stat().st_mode & 0o777 == 0o600


def test_deleting_removes_what_was_made_for_the_instance_and_nothing_else(store, image, tmp_path):
    store.create_root_disk(UUID, image, root_gb=5)
    store.write_config_drive(UUID, b"")
    (tmp_path / f"{UUID}.root.qcow2.part").touch()
    (tmp_path / f"{UUID}.backup.qcow2").touch()
    store.delete(UUID)
    store.delete(UUID)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{UUID}.backup.qcow2", "novella-base-1.qcow2"]


def test_a_full_disk_is_told_as_such_and_leaves_nothing(store, image, tmp_path, monkeypatch):
    store.create_root_disk(UUID, image, root_gb=5)
    store.delete(UUID)
    before = sorted(tmp_path.iterdir())

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    # The second disk is a copy of the first one, and is not made by qemu-img any more.
    for write in (lambda: store.create_root_disk(UUID, image, root_gb=5), lambda: store.write_config_drive(UUID, b"x")):
        with pytest.raises(ComputeResourcesUnavailable, match=r"has no room left for .*: No space left on device"):
            write()
    assert sorted(tmp_path.iterdir()) == before


def test_a_rescued_guest_has_the_config_drive_that_was_written_for_that_and_it_goes_with_the_rescue_disk(store):
    store.write_config_drive(UUID, b"its own")
    assert store.current_config_drive(UUID, is_rescued=True) == store.config_drive(UUID)
    store.write_config_drive(UUID, b"a secret", for_rescue=True)
    assert store.read_config_drive(UUID) == b"its own"
    assert store.current_config_drive(UUID, is_rescued=False) == store.config_drive(UUID)
    drive = store.current_config_drive(UUID, is_rescued=True)
    assert (drive.read_bytes(), drive.stat().st_mode & 0o777) == (b"a secret", 0o600)
    store.delete_rescue_disk(UUID)
    assert not drive.exists()
    store.write_config_drive(UUID, b"a secret", for_rescue=True)
    store.delete(UUID)
    assert store.list_files() == []


def test_a_config_drive_that_is_too_large_is_refused_and_one_that_is_not_there_is_empty(store):
    assert store.read_config_drive(UUID) == b""
    with store.config_drive(UUID).open("wb") as file:
        file.truncate(MOST_CONFIG_BYTES + 1)
    with pytest.raises(HypervisorError, match="is no config drive"):
        store.read_config_drive(UUID)


def test_a_config_drive_that_waits_is_the_newest_and_takes_its_place_when_the_guest_boots(store):
    store.write_config_drive(UUID, b"old")
    store.write_config_drive(UUID, b"new", is_waiting=True)
    assert (store.config_drive(UUID).read_bytes(), store.read_config_drive(UUID)) == (b"old", b"new")
    store.install_config_drive(UUID)
    assert (store.config_drive(UUID).read_bytes(), store.read_config_drive(UUID)) == (b"new", b"new")
    store.write_config_drive(UUID, b"waits", is_waiting=True)
    # Whoever writes another one knows better.
    store.write_config_drive(UUID, b"newest")
    assert store.read_config_drive(UUID) == b"newest"
    store.write_config_drive(UUID, b"waits", is_waiting=True)
    store.delete(UUID)
    assert store.list_files() == []
