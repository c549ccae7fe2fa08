# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ephemeral disks, swap and filled volumes as files: what is on them, and that no half one is taken for a whole one."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.ephemeral_disk import EphemeralDisk
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    HypervisorError,
    ImageUnacceptable,
    NotSupported,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import Volume
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import CachedImage
from ansible_collections.novella.compute.plugins.module_utils.virt.image_usage import used_images
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.local_disk_store import (
    LocalDiskStore,
    write_swap_header,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.storage import DiskStore
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_store import VolumeStore
from ansible_collections.novella.compute.plugins.module_utils.virt.local_disks import LocalDisk, local_disks

UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
MIB, GIB = 1 << 20, 1 << 30
NONE, SWAP = LocalDisk("ephemeral0", MIB, "none", "vdb"), LocalDisk("swap", MIB, "swap", "vdc")
BLKID, MKFS, QEMU_IMG = (
    shutil.which(name, path="/usr/sbin:/sbin:/usr/bin") for name in ("blkid", "mkfs.ext4", "qemu-img")
)


@pytest.fixture
def store(tmp_path: Path) -> LocalDiskStore:
    return LocalDiskStore(tmp_path, 30.0)


def names(folder: Path) -> list[str]:
    return sorted(path.name.removeprefix(f"{UUID}.") for path in folder.iterdir())


def test_without_a_word_there_is_one_ephemeral_disk_of_the_flavors_size() -> None:
    spec = InstanceSpec("web", Flavor("roomy", 1, 512, 1, ephemeral_gb=3, swap_mb=64))
    assert local_disks(spec) == [
        LocalDisk("ephemeral0", 3 * GIB, "ext4", "vdb"),
        LocalDisk("swap", 64 * MIB, "swap", "vdc"),
    ]
    assert local_disks(spec.but(flavor=Flavor("plain", 1, 512, 1))) == []
    divided = local_disks(spec.but(ephemeral=[EphemeralDisk(1, "none"), EphemeralDisk(2, "xfs")]))
    assert [(disk.name, disk.content, disk.device_name) for disk in divided] == [
        ("ephemeral0", "none", "vdb"),
        ("ephemeral1", "xfs", "vdc"),
        ("swap", "swap", "vdd"),
    ]


def test_swap_has_the_header_that_mkswap_writes(tmp_path: Path) -> None:
    path = tmp_path / "swap"
    path.write_bytes(bytes(10 * MIB))
    write_swap_header(path, 10 * MIB)
    page = path.read_bytes()[:4096]
    assert struct.unpack_from("<III", page, 1024) == (1, 10 * MIB // 4096 - 1, 0)
    assert page[-10:] == b"SWAPSPACE2"
    assert path.stat().st_size == 10 * MIB
    if BLKID:
        said = subprocess.run([BLKID, "-p", "-o", "value", "-s", "TYPE", path], capture_output=True, text=True).stdout
        assert said.strip() == "swap"


@pytest.mark.skipif(not (MKFS and BLKID), reason="needs mkfs.ext4 and blkid")
def test_an_ephemeral_disk_has_its_file_system_and_label(store: LocalDiskStore, tmp_path: Path) -> None:
    store.create(UUID, [LocalDisk("ephemeral0", 64 * MIB, "ext4", "vdb")])
    [path] = tmp_path.iterdir()
    said = subprocess.run([str(BLKID), "-p", path], capture_output=True, text=True).stdout
    assert 'LABEL="ephemeral0"' in said
    assert 'TYPE="ext4"' in said
    assert (path.stat().st_size, path.stat().st_mode & 0o777) == (64 * MIB, 0o600)


def test_what_is_there_is_kept(store: LocalDiskStore, tmp_path: Path) -> None:
    store.create(UUID, [NONE, SWAP])
    (tmp_path / f"{UUID}.ephemeral0.raw").write_bytes(b"precious")
    store.create(UUID, [NONE, SWAP])
    assert (tmp_path / f"{UUID}.ephemeral0.raw").read_bytes() == b"precious"
    assert store.owners() == {UUID}


def test_disks_are_set_aside_taken_back_and_deleted_with_all_that_is_half_made(
    store: LocalDiskStore, tmp_path: Path
) -> None:
    store.create(UUID, [NONE, SWAP])
    old = (tmp_path / f"{UUID}.swap.raw").read_bytes()
    store.set_aside(UUID)
    assert names(tmp_path) == ["ephemeral0.old.raw", "swap.old.raw"]
    store.create(UUID, [NONE, SWAP])
    store.set_aside(UUID)
    store.take_back(UUID)
    assert names(tmp_path) == ["ephemeral0.raw", "swap.raw"]
    assert (tmp_path / f"{UUID}.swap.raw").read_bytes() == old
    store.set_aside(UUID)
    store.create(UUID, [NONE])
    for other in ("ephemeral1.raw.part", "volume.raw"):
        (tmp_path / f"{UUID}.{other}").touch()
    store.delete(UUID)
    assert names(tmp_path) == ["volume.raw"]


def test_a_file_system_that_cannot_be_made_leaves_nothing(
    store: LocalDiskStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: "/nowhere/mkfs")
    with pytest.raises(HypervisorError, match=r"mkfs\.xfs is missing on this host\. Install the package xfsprogs"):
        store.create(UUID, [LocalDisk("ephemeral0", MIB, "xfs", "vdb")])
    with pytest.raises(NotSupported, match="No ephemeral disk is made with 'zfs'"):
        store.create(UUID, [LocalDisk("ephemeral0", MIB, "zfs", "vdb")])
    assert names(tmp_path) == []


def test_what_a_guest_writes_into_a_raw_disk_is_no_header_to_us(tmp_path: Path) -> None:
    store = DiskStore(str(tmp_path), 30.0)
    store.local.create(UUID, [NONE])
    path = tmp_path / f"{UUID}.ephemeral0.raw"
    head = b"QFI\xfb" + struct.pack(">IQIIQ", 3, 64, 12, 16, 64 * GIB) + bytes(32) + b"/no/such/dir"
    with path.open("r+b") as file:
        file.write(head)
    assert store.growth([UUID], []) <= MIB
    assert used_images([str(path)]) == set()


@pytest.fixture
def base(tmp_path: Path) -> CachedImage:
    if not QEMU_IMG:
        pytest.skip("needs qemu-img")
    path = tmp_path / "base.qcow2"
    raw = tmp_path / "base.raw"
    raw.write_bytes(b"novella " * 4096 + bytes(MIB))
    subprocess.run([QEMU_IMG, "convert", "-q", "-f", "raw", "-O", "qcow2", raw, path], check=True)
    return CachedImage(str(path), "qcow2", raw.stat().st_size)


@pytest.mark.parametrize("disk_format", ["qcow2", "raw"])
def test_a_volume_has_what_the_image_has_and_is_as_large_as_it_shall_be(
    tmp_path: Path, base: CachedImage, disk_format: str
) -> None:
    store = VolumeStore(str(tmp_path / "volumes"), 30.0)
    store.create(Volume(UUID, "data", 1, disk_format), base)
    [path] = (tmp_path / "volumes").glob(f"*.{disk_format}")
    assert store.size(path) == GIB
    out = tmp_path / "out.raw"
    subprocess.run([str(QEMU_IMG), "convert", "-q", "-f", disk_format, "-O", "raw", path, out], check=True)
    with out.open("rb") as file:
        assert file.read(8 * 4096) == b"novella " * 4096
    assert "backing" not in subprocess.run([str(QEMU_IMG), "info", path], capture_output=True, text=True).stdout


def test_a_volume_that_is_there_is_never_filled_again(tmp_path: Path, base: CachedImage) -> None:
    store = VolumeStore(str(tmp_path / "volumes"), 30.0)
    store.create(Volume(UUID, "data", 1, "raw"))
    [path] = (tmp_path / "volumes").glob("*.raw")
    with path.open("r+b") as file:
        file.write(b"precious")
    store.create(Volume(UUID, "data", 1, "raw"), base)
    with path.open("rb") as file:
        assert file.read(8) == b"precious"


def test_an_image_that_does_not_fit_makes_no_volume(tmp_path: Path, base: CachedImage) -> None:
    store = VolumeStore(str(tmp_path / "volumes"), 30.0)
    large = CachedImage(base.path, "qcow2", 3 * GIB)
    with pytest.raises(ImageUnacceptable, match="is to be made of needs 3 GiB; it has 1"):
        store.create(Volume(UUID, "data", 1), large)
    assert list((tmp_path / "volumes").iterdir()) == []


def test_a_copy_that_differs_makes_no_volume(
    tmp_path: Path, base: CachedImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import volume_store

    def damage(_source: Path, target: Path, *_more: object) -> None:
        target.write_bytes(bytes(2 * MIB))

    monkeypatch.setattr(volume_store, "convert", damage)
    store = VolumeStore(str(tmp_path / "volumes"), 30.0)
    with pytest.raises(HypervisorError, match="compare"):
        store.create(Volume(UUID, "data", 1, "raw"), base)
    assert list((tmp_path / "volumes").iterdir()) == []
