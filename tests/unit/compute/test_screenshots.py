# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of guests' screens are of one guest that has one."""

from __future__ import annotations

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ConsoleNotAvailable,
    HypervisorError,
    InstanceNotFound,
    NovellaError,
    OptionInvalid,
)
from support.fake_host import FakeHost, create


@pytest.mark.parametrize("vm_state", ["active", "paused"])
def test_a_guest_that_has_a_screen_is_taken_a_picture_of(host: FakeHost, vm_state: str) -> None:
    host.reconcile(create("web", vm_state=vm_state))
    taken = host.manager().take_screenshot(Selection(["web"]))
    assert (taken.name, taken.host, taken.picture.width, taken.picture.height) == ("web", "kvm1", 2, 2)


@pytest.mark.parametrize(
    ("name", "error", "complaint"),
    [
        ("nobody", InstanceNotFound, "No such instance is on kvm1"),
        ("w*", OptionInvalid, "That fits 2 instances"),
        ("win", ConsoleNotAvailable, "win on kvm1 is shutdown: its screen shows nothing"),
    ],
)
def test_where_there_is_nothing_to_be_seen_that_is_told(
    host: FakeHost, name: str, error: type[NovellaError], complaint: str
) -> None:
    host.reconcile(create("web"), create("win", vm_state="stopped"))
    with pytest.raises(error, match=complaint):
        host.manager().take_screenshot(Selection([name]))


def test_a_guest_without_a_screen_is_refused_with_what_to_do(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.settings(screens={})
    with pytest.raises(ConsoleNotAvailable, match="web has no screen on kvm1") as raised:
        host.manager().take_screenshot(Selection(["web"]))
    assert "novella_vnc_server_listen" in raised.value.remedy


def test_a_picture_without_end_is_refused(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.settings(pictures={"web": "P6 8000 1000 255 " + "x" * (33 << 20)})
    with pytest.raises(HypervisorError, match="has more than 33554432 bytes"):
        host.manager().take_screenshot(Selection(["web"]))
