# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import domain_xml
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.driver import LibvirtDriver

UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr(domain_xml, "CONSOLE_LOG_DIRECTORY", str(tmp_path))
    return tmp_path / f"novella-{UUID}.console.log"


def test_the_end_of_the_log_is_returned(log):
    log.write_bytes(b"one two three")
    assert LibvirtDriver().get_console_output(UUID, 5) == b"three"
    assert LibvirtDriver().get_console_output(UUID, 500) == b"one two three"


def test_what_was_rotated_away_comes_before_it(log):
    for suffix, content in ((".1", b"first "), (".0", b"second "), ("", b"third")):
        log.with_name(log.name + suffix).write_bytes(content)
    assert LibvirtDriver().get_console_output(UUID, 500) == b"first second third"
    assert LibvirtDriver().get_console_output(UUID, 8) == b"nd third"


def test_a_guest_that_never_ran_has_said_nothing(log):
    assert LibvirtDriver().get_console_output(UUID, 500) == b""


def test_what_is_no_uuid_never_becomes_a_path(log):
    with pytest.raises(InvalidInput):
        LibvirtDriver().get_console_output("../../../etc/passwd", 500)


def test_more_than_is_wanted_is_never_read(log):
    with log.open("wb") as file:
        file.truncate(10 << 20)
        file.seek(0, 2)
        file.write(b"the end")
    log.with_name(f"{log.name}.0").write_bytes(b"old")
    assert LibvirtDriver().get_console_output(UUID, 10) == b"\0\0\0the end"
    assert len(LibvirtDriver().get_console_output(UUID, 1 << 20)) == 1 << 20
    assert LibvirtDriver().get_console_output(UUID, 0) == b""


def test_parts_are_read_by_number_and_other_files_are_not(log):
    for number in range(12):
        log.with_name(f"{log.name}.{number}").write_bytes(b"%d " % number)
    for suffix in (".0.gz", ".01x", ".swp", ".-1"):
        log.with_name(f"{log.name}{suffix}").write_bytes(b"strange")
    log.write_bytes(b"now")
    assert LibvirtDriver().get_console_output(UUID, 500) == b"11 10 9 8 7 6 5 4 3 2 1 0 now"


def test_links_and_pipes_are_not_read(log, tmp_path):
    (tmp_path / "secret").write_bytes(b"root:x:0")
    log.symlink_to(tmp_path / "secret")
    os.mkfifo(log.with_name(f"{log.name}.0"))
    log.with_name(f"{log.name}.1").mkdir()
    log.with_name(f"{log.name}.2").write_bytes(b"said")
    assert LibvirtDriver().get_console_output(UUID, 500) == b"said"


def test_what_is_rotated_while_it_is_read_is_not_told_twice(log, monkeypatch):
    log.write_bytes(b"second ")
    log.with_name(f"{log.name}.0").write_bytes(b"first ")
    fdopen = os.fdopen

    def rotate(descriptor, mode):
        monkeypatch.setattr(os, "fdopen", fdopen)
        log.with_name(f"{log.name}.0").rename(log.with_name(f"{log.name}.1"))
        log.rename(log.with_name(f"{log.name}.0"))
        log.write_bytes(b"third")
        return fdopen(descriptor, mode)

    log.with_name(f"{log.name}.1").write_bytes(b"zeroth ")
    monkeypatch.setattr(os, "fdopen", rotate)
    assert LibvirtDriver().get_console_output(UUID, 500) == b"first second "
