# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What disks may still take of the pool's file system: Nova's disk_available_least, disk by disk."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import CachedImage
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.storage import DiskStore
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.surroundings import read_disk

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
GIB, MIB = 1 << 30, 1 << 20


@pytest.fixture
def store(tmp_path):
    (tmp_path / "pool").mkdir()
    return DiskStore(str(tmp_path / "pool"), deadline=20)


def thin(path, size="3G"):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, size], check=True)
    return str(path)


def test_a_thin_disk_may_grow_to_what_the_guest_sees_of_it(store):
    base = thin(store.directory / "novella-base-1.qcow2")
    store.create_root_disk(UUID, CachedImage(base, "qcow2", 3 * GIB), root_gb=5)
    allocated = store.root_disk(UUID).stat().st_blocks * 512
    assert store.growth({UUID}, []) == 5 * GIB - allocated


def test_what_a_disk_has_allocated_it_does_not_take_again(store):
    path = store.root_disk(UUID)
    path.write_bytes(os.urandom(2 * MIB))
    os.truncate(path, 10 * MIB)
    assert 7 * MIB <= store.growth({UUID}, []) <= 8 * MIB
    # One that is wholly written grows no more, whatever its metadata take besides.
    path.write_bytes(os.urandom(10 * MIB))
    assert store.growth({UUID}, []) == 0


def test_files_that_no_domain_writes_to_do_not_grow(store):
    for name in ("novella-base-1.qcow2", "template.qcow2", f"{UUID}.root.qcow2"):
        thin(store.directory / name)
    assert store.growth(set(), []) == 0
    assert store.growth({UUID}, []) > 2 * GIB


def test_a_config_drive_does_not_grow(store):
    store.write_config_drive(UUID, b"x" * 12345)
    assert store.growth({UUID}, []) == 0


def test_the_disks_of_other_domains_count_wherever_they_lie_on_that_file_system(store, tmp_path):
    beside = thin(tmp_path / "theirs.qcow2")
    assert 2 * GIB < store.growth(set(), [beside]) <= 3 * GIB


def test_a_disk_that_two_domains_name_counts_once(store, tmp_path):
    beside = thin(tmp_path / "theirs.qcow2")
    (tmp_path / "link").symlink_to(beside)
    assert store.growth(set(), [beside, str(tmp_path / "link"), beside]) == store.growth(set(), [beside])


@pytest.mark.parametrize("path", ["/nowhere/at/all.qcow2", "/dev/null", "/proc/self/status"])
def test_what_takes_nothing_from_the_pool_does_not_count(store, path):
    assert store.growth(set(), [path]) == 0


def test_what_is_free_is_what_can_be_written(store):
    about = os.statvfs(store.directory)
    assert abs(store.free_bytes() - about.f_bavail * about.f_frsize) < GIB


@pytest.mark.parametrize(
    ("xml", "path"),
    [
        ("<disk device='disk'><source file='{0}'/></disk>", "{0}"),
        ("<disk><source dev='{0}'/></disk>", "{0}"),
        ("<disk device='cdrom'><source file='{0}'/></disk>", ""),
        ("<disk device='disk'><source file='{0}'/><readonly/></disk>", ""),
        ("<disk device='disk'/>", ""),
        ("<disk type='network' device='disk'><source protocol='rbd' name='pool/volume'/></disk>", ""),
    ],
)
def test_only_disks_that_a_domain_writes_to_take_room(tmp_path, xml, path):
    file = thin(tmp_path / "theirs.qcow2", "1G")
    found = read_disk(None, ET.fromstring(xml.format(file)))
    assert found == (path.format(file), GIB if path else 0)
