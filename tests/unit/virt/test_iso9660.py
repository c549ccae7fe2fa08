# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images are read back by a reader that shares no code with the writer, and by isoinfo where it is installed."""

import shutil
import struct
import subprocess

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.virt.iso9660 import build_iso
from hypothesis import given, settings
from hypothesis import strategies as st

CONFIG_DRIVE = {
    "openstack/latest/meta_data.json": b'{"uuid": "8f2c"}',
    "openstack/latest/network_data.json": b"{}",
    "openstack/latest/user_data": b"#cloud-config\n" * 500,
    "openstack/2018-08-27/meta_data.json": b"",
}


def read_volume(image: bytes, joliet: bool) -> tuple[str, dict[str, bytes]]:
    sector = 17 if joliet else 16
    descriptor = image[sector * 2048 : (sector + 1) * 2048]
    assert descriptor[1:6] == b"CD001"
    assert descriptor[0] == (2 if joliet else 1)
    assert struct.unpack_from("<I", descriptor, 80)[0] * 2048 == len(image)
    label = descriptor[40:72].decode("utf-16-be" if joliet else "ascii").rstrip(" ")
    files: dict[str, bytes] = {}
    read_directory(image, descriptor[156:190], "", joliet, files)
    return label, files


def read_directory(image: bytes, record: bytes, prefix: str, joliet: bool, files: dict[str, bytes]) -> None:
    start, length = struct.unpack_from("<I", record, 2)[0] * 2048, struct.unpack_from("<I", record, 10)[0]
    assert struct.unpack_from(">I", record, 6)[0] * 2048 == start
    extent, at = image[start : start + length], 0
    names = []
    while at < length:
        size = extent[at]
        if size == 0:
            at = (at // 2048 + 1) * 2048
            continue
        assert at // 2048 == (at + size - 1) // 2048, "a record crosses a sector"
        entry = extent[at : at + size]
        identifier = entry[33 : 33 + entry[32]]
        at += size
        if identifier in (b"\x00", b"\x01"):
            continue
        names.append(identifier)
        name = identifier.decode("utf-16-be" if joliet else "ascii")
        if entry[25] & 2:
            read_directory(image, entry, f"{prefix}{name}/", joliet, files)
        else:
            begin, count = struct.unpack_from("<I", entry, 2)[0] * 2048, struct.unpack_from("<I", entry, 10)[0]
            files[prefix + name] = image[begin : begin + count]
    assert names == sorted(names)
    assert len(names) == len(set(names))


def test_names_and_content_come_back_as_they_were_written():
    label, files = read_volume(build_iso("config-2", CONFIG_DRIVE), joliet=True)
    assert label == "config-2"
    assert files == CONFIG_DRIVE


def test_a_reader_without_joliet_finds_the_same_content_under_upper_case_names():
    label, files = read_volume(build_iso("config-2", CONFIG_DRIVE), joliet=False)
    assert label == "config-2"
    assert files["OPENSTACK/LATEST/META_DATA.JSON;1"] == CONFIG_DRIVE["openstack/latest/meta_data.json"]
    assert sorted(files.values()) == sorted(CONFIG_DRIVE.values())


def test_equal_content_in_any_order_gives_equal_images():
    backwards = dict(reversed(CONFIG_DRIVE.items()))
    assert build_iso("config-2", CONFIG_DRIVE) == build_iso("config-2", backwards)


def test_names_that_look_alike_in_upper_case_stay_apart():
    files = {name: name.encode() for name in ("a-b", "a_b", "A_B", "a+b", "a" * 40 + "1", "a" * 40 + "2")}
    image = build_iso("config-2", files)
    assert read_volume(image, joliet=True)[1] == files
    assert sorted(read_volume(image, joliet=False)[1].values()) == sorted(files.values())


@pytest.mark.parametrize(
    "path", ["", "/etc", "a//b", "../a", "a/..", ".", "a*", "a\\b", "a:b", "x" * 65, "dot.", "n\nl"]
)
def test_a_path_that_cannot_be_written_is_refused(path):
    with pytest.raises(InvalidInput, match="config drive"):
        build_iso("config-2", {path: b""})


def test_a_file_where_a_directory_must_be_is_refused():
    with pytest.raises(InvalidInput, match="a file and a directory"):
        build_iso("config-2", {"a": b"", "a/b": b""})


def test_a_small_image_is_large_enough_for_programs_that_look_for_labels():
    assert len(build_iso("config-2", {})) == 128 * 1024


def test_a_label_that_is_too_long_is_refused():
    with pytest.raises(InvalidInput, match="volume label"):
        build_iso("config-2-and-more", {})


NAMES = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789._- é", min_size=1, max_size=64).filter(
    lambda name: not name.endswith(".")
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(PATHS, st.binary(max_size=5000), max_size=60))
def test_any_acceptable_files_come_back(files):
    try:
        image = build_iso("config-2", files)
    except InvalidInput as error:
        assert "a file and a directory" in str(error)
        return
    assert read_volume(image, joliet=True)[1] == files
    assert sorted(read_volume(image, joliet=False)[1].values()) == sorted(files.values())


@pytest.mark.skipif(shutil.which("isoinfo") is None, reason="isoinfo (package genisoimage) is not installed")
def test_isoinfo_reads_it(tmp_path):
    path = tmp_path / "config.iso"
    path.write_bytes(build_iso("config-2", CONFIG_DRIVE))

    def isoinfo(*arguments: str) -> bytes:
        return subprocess.run(["isoinfo", "-i", str(path), *arguments], check=True, capture_output=True).stdout

    assert b"Volume id: config-2\n" in isoinfo("-d")
    assert isoinfo("-J", "-x", "/openstack/latest/user_data") == CONFIG_DRIVE["openstack/latest/user_data"]
    assert isoinfo("-x", "/OPENSTACK/LATEST/META_DATA.JSON;1") == CONFIG_DRIVE["openstack/latest/meta_data.json"]
