# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of guests when it is asked for."""

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.guest_reading import Reading
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from support.fake_host import FakeHost, act, create


def read(host: FakeHost, **reading: Any) -> dict[str, dict[str, Any]]:
    told = host.manager().describe_instances(Selection(), 0, reading=Reading(**reading))
    return {item["name"]: item for item in told["instances"]}


def test_what_is_not_asked_for_is_not_told(host: FakeHost) -> None:
    host.reconcile(create("web"))
    assert not {"diagnostics", "diagnostics_reason", "console_output"} & set(read(host)["web"])


def test_running_guests_are_diagnosed_and_of_others_it_is_said_why_not(host: FakeHost) -> None:
    host.reconcile(create("web", vcpus=2), create("off", vm_state="stopped"), create("saved"), create("still"))
    host.reconcile(act("suspend", "saved"), act("pause", "still"))
    told = read(host, diagnostics=True)
    assert (told["web"]["diagnostics"]["state"], told["web"]["diagnostics_reason"]) == ("running", None)
    assert (told["web"]["diagnostics"]["num_cpus"], told["web"]["diagnostics"]["driver"]) == (2, "fake")
    assert "hypervisor_os" not in told["web"]["diagnostics"]
    assert told["still"]["diagnostics"]["state"] == "paused"
    assert [told[name]["diagnostics"] for name in ("off", "saved")] == [None, None]
    assert told["off"]["diagnostics_reason"] == "There are none, as it is off."
    assert told["saved"]["diagnostics_reason"] == "There are none, as it is suspended to disk."


def test_a_console_is_told_as_far_as_is_asked_for(host: FakeHost) -> None:
    host.reconcile(create("web"), create("off", vm_state="stopped"))
    host.settings(consoles={"web": "one\r\ntwo é\r\n\x1b[2Jlogin: "})
    assert read(host, console_lines=2)["web"]["console_output"] == "two é\n\\x1b[2Jlogin: "
    assert read(host, console_bytes=8)["web"]["console_output"] == "Jlogin: "
    assert read(host, console_bytes=14, console_lines=5)["web"]["console_output"] == "\n\\x1b[2Jlogin: "
    assert read(host, console_bytes=0)["web"]["console_output"] == ""
    assert read(host, console_lines=1)["off"]["console_output"] == "fake console of off\n"


def test_of_a_long_console_nova_s_amount_is_told(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.settings(consoles={"web": "x" * (10 << 20)})
    assert len(read(host, console_lines=5)["web"]["console_output"]) == 100 * 1024
    assert len(read(host, console_bytes=1 << 20)["web"]["console_output"]) == 1 << 20
    with pytest.raises(OptionInvalid, match="console_bytes must be from 0 to 1048576"):
        read(host, console_bytes=(1 << 20) + 1)


def test_amounts_are_checked_where_there_is_no_guest_too(host: FakeHost) -> None:
    with pytest.raises(OptionInvalid, match="console_lines must not be negative"):
        read(host, console_lines=-1)


def test_what_is_plugged_in_is_told_of_each_guest(host: FakeHost) -> None:
    host.reconcile(create("web"), create("off", vm_state="stopped"))
    told = read(host, devices=True)
    for name in ("web", "off"):
        disks = [device for device in told[name]["devices"] if device["type"] == "disk"]
        assert [(disk["name"], disk["read_only"]) for disk in disks] == [("vdb", True), ("vda", False)]
