# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that no guest may be given are refused before they are kept; those of other hypervisors are converted."""

import hashlib
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import ImageUnacceptable
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.virt.foreign_image import ForeignImage, inspect_foreign
from ansible_collections.novella.compute.plugins.module_utils.virt.images import ImageCache
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.qemu_img import convert_foreign
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.storage import DiskStore
from support.hostile_images import REFUSALS, make

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-img") is None or shutil.which("setpriv") is None, reason="qemu-img or setpriv is not installed"
)
MIB = 1 << 20


def run(*arguments: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A qcow2 image of 4 MiB with data to its end, of which a part is compressed."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "raw").write_bytes(os.urandom(MIB) + b"boot" * (MIB // 4) + bytes(MIB) + os.urandom(MIB))
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", str(folder / "raw"), str(folder / "disk"))
    run("qemu-io", "-f", "qcow2", "-c", "write -P 7 3M 1M", str(folder / "disk"))
    return folder / "disk"


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    (tmp_path / "pool").mkdir()
    return tmp_path / "pool"


@pytest.fixture
def cache(pool: Path) -> ImageCache:
    return ImageCache(str(pool), deadline=60, convert=convert_foreign)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_an_attack_is_refused_by_what_it_is_and_leaves_nothing(
    name: str, whole: Path, cache: ImageCache, pool: Path, sources: Path
) -> None:
    file = make(sources, whole)[name]
    disks = DiskStore(str(pool), 60)
    with pytest.raises(ImageUnacceptable, match=REFUSALS[name]):
        cache.ensure(Image(name, f"{sources}/{file}"), lambda size: disks.check_fits(size, 1))
    assert list(pool.iterdir()) == []


def test_an_image_that_was_exchanged_is_refused_and_leaves_nothing(whole: Path, cache: ImageCache, pool: Path) -> None:
    checksum = "sha256:" + hashlib.sha256(b"another").hexdigest()
    with pytest.raises(ImageUnacceptable, match="has the checksum"):
        cache.ensure(Image("exchanged", str(whole), checksum))
    assert list(pool.iterdir()) == []


def test_a_disk_of_the_images_size_has_to_fit_into_the_pool(cache: ImageCache, pool: Path, sources: Path) -> None:
    run("qemu-img", "create", "-q", "-f", "qcow2", str(sources / "huge"), "63T")
    disks = DiskStore(str(pool), 60)
    with pytest.raises(ImageUnacceptable, match=r"The image is a disk of 64512 GiB, and .*pool has"):
        cache.ensure(Image("huge", str(sources / "huge")), lambda size: disks.check_fits(size, 0))
    assert list(pool.iterdir()) == []


def test_a_whole_image_is_taken_and_one_that_is_a_name_for_it_too(
    whole: Path, cache: ImageCache, sources: Path
) -> None:
    shutil.copy(whole, sources / "debian-12.qcow2")
    (sources / "debian.qcow2").symlink_to("debian-12.qcow2")
    for name in ("debian-12.qcow2", "debian.qcow2"):
        assert cache.ensure(Image("debian", str(sources / name))).virtual_size == 4 * MIB


@pytest.mark.parametrize("clusters", ["512", "64k", "2M"])
def test_wherever_it_is_cut_off_what_is_missing_is_missed(clusters: str, cache: ImageCache, sources: Path) -> None:
    disk = sources / "disk"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"cluster_size={clusters}", str(disk), "8M")
    run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 8M", str(disk))
    assert cache.ensure(Image("disk", str(disk))).virtual_size == 8 * MIB
    length = disk.stat().st_size
    for cut in (length // 4, length // 2, length - (4 << 20), length - (2 << 20)):
        (sources / "cut").write_bytes(disk.read_bytes()[:cut])
        with pytest.raises(ImageUnacceptable, match="shorter than"):
            cache.ensure(Image("cut", str(sources / "cut")))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("vmdk", "subformat=monolithicSparse"),
        ("vmdk", "subformat=streamOptimized"),
        ("vdi", "static=off"),
        ("vdi", "static=on"),
    ],
)
def test_an_image_of_another_hypervisor_is_converted_once_and_whole(
    kind: str, options: str, whole: Path, cache: ImageCache, pool: Path, sources: Path
) -> None:
    run("qemu-img", "convert", "-f", "qcow2", "-O", kind, "-o", options, str(whole), str(sources / kind))
    assert inspect_foreign(str(sources / kind), kind) == ForeignImage(kind, 4 * MIB)
    checksum = "sha256:" + hashlib.sha256((sources / kind).read_bytes()).hexdigest()
    found = cache.ensure(Image("moved", str(sources / kind), checksum))
    assert (found.disk_format, found.virtual_size) == ("qcow2", 4 * MIB)
    run("qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", str(whole), found.path)
    assert [str(path) for path in pool.iterdir()] == [found.path]
    assert Path(found.path).stat().st_mode & 0o777 == 0o444
    (sources / kind).unlink()
    assert cache.ensure(Image("moved", str(sources / kind), checksum)) == found


def test_one_that_qemu_img_cannot_read_leaves_nothing(
    whole: Path, cache: ImageCache, pool: Path, sources: Path
) -> None:
    run("qemu-img", "convert", "-f", "qcow2", "-O", "vmdk", str(whole), str(sources / "vmdk"))
    content = bytearray((sources / "vmdk").read_bytes())
    # Tables of a size that no VMDK has.
    content[44:48] = struct.pack("<I", 5000)
    (sources / "vmdk").write_bytes(content)
    with pytest.raises(ImageUnacceptable, match="could not be converted"):
        cache.ensure(Image("odd", str(sources / "vmdk")))
    assert list(pool.iterdir()) == []


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (0x4C, struct.pack("<I", 4), "depends on another one"),
        (0x1B8, b"\1", "it has a parent"),
        (0x170, struct.pack("<Q", 1 << 60), "its header is damaged"),
        (0x184, struct.pack("<I", 1 << 20), "shorter than its header says"),
        (0x44, struct.pack("<I", 7), "VDI of version 0x7"),
    ],
)
def test_a_vdi_that_is_not_whole_by_itself_is_refused(
    offset: int, value: bytes, words: str, whole: Path, cache: ImageCache, sources: Path
) -> None:
    run("qemu-img", "convert", "-f", "qcow2", "-O", "vdi", str(whole), str(sources / "vdi"))
    content = bytearray((sources / "vdi").read_bytes())
    content[offset : offset + len(value)] = value
    (sources / "vdi").write_bytes(content)
    with pytest.raises(ImageUnacceptable, match=words):
        cache.ensure(Image("odd", str(sources / "vdi")))
