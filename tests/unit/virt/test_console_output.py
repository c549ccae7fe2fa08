# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

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
