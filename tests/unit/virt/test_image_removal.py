# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base images go when nothing needs them any more, and never before. Real files, and disks that qemu-img made."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import UnusedImage
from ansible_collections.novella.compute.plugins.module_utils.virt.image_usage import used_images
from ansible_collections.novella.compute.plugins.module_utils.virt.images import ImageCache
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.storage import DiskStore

DAY = 86400
needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")


class Pool:
    """A folder of base images and disks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = ImageCache(str(folder), deadline=10)

    def image(self, content: bytes, age: float = 0) -> Path:
        """Have an image in the cache that was used so many seconds ago."""
        source = self.folder.parent / "source.raw"
        source.write_bytes(content.ljust(4096, b"."))
        checksum = hashlib.sha256(source.read_bytes()).hexdigest()
        path = Path(self.cache.ensure(Image("test", str(source), f"sha256:{checksum}")).path)
        last = time.time() - age
        os.utime(path, (last, last))
        return path

    def use(self, path: Path) -> None:
        content = path.read_bytes()
        source = self.folder.parent / "source.raw"
        source.write_bytes(content)
        self.cache.ensure(Image("test", str(source), f"sha256:{hashlib.sha256(content).hexdigest()}"))

    def overlay(self, name: str, backing: str, folder: Path | None = None, backing_format: str = "raw") -> Path:
        path = (folder or self.folder) / name
        command = ["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", backing_format, path, "1M"]
        subprocess.run(command, check=True)
        return path

    def unused(self, *disks: Path, age: float = DAY) -> list[Path]:
        used = used_images([*map(str, disks), *DiskStore(str(self.folder), 10).list_files()])
        return [Path(image.path) for image in self.cache.list_unused(lambda path: path.name in used, age)]


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    (tmp_path / "pool").mkdir()
    return Pool(tmp_path / "pool")


def listed(path: Path) -> UnusedImage:
    about = path.stat()
    return UnusedImage(str(path), about.st_size, about.st_mtime_ns)


def test_only_what_was_not_used_for_long_enough_is_unused(pool: Pool) -> None:
    old, _young = pool.image(b"old", DAY + 60), pool.image(b"young", DAY - 60)
    assert pool.unused() == [old]


def test_a_use_makes_an_image_young_again(pool: Pool) -> None:
    old = pool.image(b"old", DAY + 60)
    pool.use(old)
    assert pool.unused() == []
    assert time.time() - old.stat().st_mtime < 60


def test_an_unused_image_is_removed_and_one_used_since_it_was_listed_is_not(pool: Pool) -> None:
    first, second = pool.image(b"first", DAY + 60), pool.image(b"second", DAY + 60)
    images = [listed(first), listed(second)]
    pool.use(second)
    assert [pool.cache.remove(image) for image in images] == [True, False]
    assert [first.exists(), second.exists()] == [False, True]
    assert pool.cache.remove(images[0]) is False


def test_an_image_that_somebody_holds_is_not_removed(pool: Pool) -> None:
    path = pool.image(b"held", DAY + 60)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert pool.cache.remove(listed(path)) is False
    assert path.exists()


def test_a_use_waits_for_a_removal_and_then_fetches_the_image_anew(pool: Pool) -> None:
    path = pool.image(b"wanted", DAY + 60)
    content = path.read_bytes()
    source = pool.folder.parent / "again.raw"
    source.write_bytes(content)
    wanted = Image("test", str(source), f"sha256:{hashlib.sha256(content).hexdigest()}")
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        builder = threading.Thread(target=pool.cache.ensure, args=(wanted,))
        builder.start()
        path.unlink()
    builder.join(10)
    assert not builder.is_alive()
    assert path.read_bytes() == content


def test_a_half_image_and_other_files_are_not_images(pool: Pool) -> None:
    for name in ("novella-base-" + "a" * 64 + ".part", "debian.qcow2", "novella-base-notes.txt"):
        (pool.folder / name).write_bytes(b"x")
        os.utime(pool.folder / name, (0, 0))
    (pool.folder / ("novella-base-" + "b" * 64 + ".raw")).symlink_to("/etc/hostname")
    assert pool.unused() == []


@needs_qemu_img
def test_the_image_behind_any_disk_in_the_pool_is_used_however_old_it_is(pool: Pool) -> None:
    base = pool.image(b"base", 10 * DAY)
    pool.overlay("8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b.root.qcow2", str(base))
    assert pool.unused() == []


@needs_qemu_img
def test_a_chain_is_followed_to_its_end_wherever_its_disks_lie(pool: Pool, tmp_path: Path) -> None:
    base = pool.image(b"base", 10 * DAY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pool.overlay("bottom.qcow2", f"../pool/{base.name}", elsewhere)
    pool.overlay("middle.qcow2", "bottom.qcow2", elsewhere, "qcow2")
    nested = json.dumps({"driver": "qcow2", "file": {"driver": "file", "filename": str(elsewhere / "middle.qcow2")}})
    top = pool.overlay("top.qcow2", f"json:{nested}", tmp_path, "qcow2")
    assert pool.unused(top) == []
    assert pool.unused() == [base]


@needs_qemu_img
def test_a_chain_that_bites_its_tail_comes_to_an_end(pool: Pool, tmp_path: Path) -> None:
    first = pool.overlay("first.qcow2", str(tmp_path / "second.qcow2"), tmp_path, "qcow2")
    second = pool.overlay("second.qcow2", str(first), tmp_path, "qcow2")
    assert used_images([str(first), str(second)]) == set()


def test_a_domain_that_has_the_image_itself_as_its_disk_uses_it(pool: Pool) -> None:
    base = pool.image(b"base", 10 * DAY)
    assert base.name in used_images([f"/mnt/../{base}"])


def test_a_disk_that_cannot_be_read_keeps_everything_as_it_is(pool: Pool, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(HypervisorError, match="It cannot be told which image"):
        used_images([str(loop)])


def test_devices_pipes_and_addresses_need_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert used_images([str(tmp_path / "pipe"), "nbd://host/disk", str(tmp_path / "gone"), "/dev/null"]) == set()
