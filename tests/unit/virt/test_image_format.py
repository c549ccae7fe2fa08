# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images are untrusted: whatever their header says, no guest gets a file of the host through them."""

import shutil
import struct
import subprocess

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import ImageUnacceptable
from ansible_collections.novella.compute.plugins.module_utils.virt.image_format import inspect, virtual_size
from hypothesis import given, settings
from hypothesis import strategies as st

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
MIB = 1 << 20


def qcow2(version=3, backing=0, size=64 * MIB, features=0, encryption=0, cluster_bits=16, extensions=bytes(8)):
    head = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", version, backing, 0, cluster_bits, size, encryption, 1, 512, 1024, 1, 0, 0
    )
    head += struct.pack(">QQQII", features, 0, 0, 4, 104)
    return (head + extensions).ljust(4096, b"\x00")


def refusal(tmp_path, content):
    path = tmp_path / "image"
    path.write_bytes(content)
    with pytest.raises(ImageUnacceptable) as caught:
        inspect(str(path), "debian")
    assert "'debian' is not acceptable" in str(caught.value)
    return str(caught.value)


def accepted(tmp_path, content):
    path = tmp_path / "image"
    path.write_bytes(content)
    return inspect(str(path), "debian")


def test_a_plain_qcow2_is_accepted_with_its_virtual_size(tmp_path):
    found = accepted(tmp_path, qcow2())
    assert (found.disk_format, found.virtual_size) == ("qcow2", 64 * MIB)


def test_a_raw_disk_is_accepted_with_its_length(tmp_path):
    found = accepted(tmp_path, bytes(MIB))
    assert (found.disk_format, found.virtual_size) == ("raw", MIB)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (qcow2(version=2, backing=200), "has a backing file"),
        (qcow2(backing=200), "has a backing file"),
        (qcow2(backing=1 << 40), "has a backing file"),
        (qcow2(features=4), "its data lies in another file"),
        (qcow2(extensions=struct.pack(">II", 0x44415441, 11) + b"/etc/shadow".ljust(24, b"\x00")), "another file"),
        (qcow2(features=2), "marked as corrupt"),
        (qcow2(features=1 << 20), "features that are not known"),
        (qcow2(version=7), "version 7"),
        (qcow2(encryption=2), "encrypted"),
        (qcow2(size=0), "virtual size is 0 bytes"),
        (qcow2(size=1 << 60), "64 TiB"),
        (qcow2(cluster_bits=40), "cluster size"),
        (qcow2()[:600], "shorter than its header says"),
        (qcow2()[:90], "shorter than its header says"),
        (qcow2()[:40], "cut off"),
    ],
)
def test_a_hostile_or_damaged_qcow2_is_refused(tmp_path, content, words):
    assert words in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x1f\x8b" + bytes(1000), "gzip"),
        (b"\xfd7zXZ\x00" + bytes(1000), "xz"),
        (b"\x28\xb5\x2f\xfd" + bytes(1000), "zstd"),
        (b"KDMV" + bytes(1000), "VMDK"),
        (b"vhdxfile" + bytes(1000), "VHDX"),
        (bytes(0x8001) + b"CD001" + bytes(1000), "ISO 9660"),
        (b"\n<!DOCTYPE html><html>" + bytes(1000), "web page"),
        (b"", "only 0 bytes"),
        (b"hello", "only 5 bytes"),
    ],
)
def test_what_is_no_disk_is_refused_by_its_name(tmp_path, content, words):
    assert words in refusal(tmp_path, content)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 110))
def test_any_header_is_accepted_or_refused_in_words(tmp_path_factory, noise, at):
    content = bytearray(qcow2())
    content[at : at + len(noise)] = noise
    path = tmp_path_factory.mktemp("fuzz") / "image"
    path.write_bytes(content)
    try:
        found = inspect(str(path), "debian")
    except ImageUnacceptable:
        return
    assert not found.has_backing_file
    assert 0 < found.virtual_size <= 64 << 40


@needs_qemu_img
@pytest.mark.parametrize("options", ["compat=1.1", "compat=0.10", "compat=1.1,cluster_size=512", "extended_l2=on"])
def test_what_qemu_img_makes_is_read_as_qemu_img_reads_it(tmp_path, options):
    path = tmp_path / "made.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "10G"], check=True)
    found = inspect(str(path), "made")
    assert (found.disk_format, found.virtual_size) == ("qcow2", 10 << 30)
    assert virtual_size(str(path)) == 10 << 30


@needs_qemu_img
def test_an_overlay_and_an_external_data_file_of_qemu_img_are_refused(tmp_path):
    base, overlay, split = tmp_path / "base.raw", tmp_path / "overlay.qcow2", tmp_path / "split.qcow2"
    base.write_bytes(bytes(MIB))
    create = ["qemu-img", "create", "-q", "-f", "qcow2"]
    subprocess.run([*create, "-b", base, "-F", "raw", overlay], check=True)
    subprocess.run([*create, "-o", f"data_file={tmp_path / 'data'}", split, "1M"], check=True)
    assert "has a backing file" in refusal(tmp_path, overlay.read_bytes())
    assert "its data lies in another file" in refusal(tmp_path, split.read_bytes())


def test_the_size_of_a_missing_disk_is_zero(tmp_path):
    assert virtual_size(str(tmp_path / "gone")) == 0
