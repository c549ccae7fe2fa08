# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status that users see, row by row of Nova's table."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.status import status_of

RESIZE = ("resize_prep", "resize_migrating", "resize_migrated", "resize_finish")
REBUILD = ("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning")
SOFT = ("rebooting", "reboot_pending", "reboot_started")
HARD = ("rebooting_hard", "reboot_pending_hard", "reboot_started_hard")
DEFAULTS = {
    "active": "ACTIVE",
    "building": "BUILD",
    "stopped": "SHUTOFF",
    "resized": "VERIFY_RESIZE",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "rescued": "RESCUE",
    "soft-delete": "SOFT_DELETED",
    "deleted": "DELETED",
    "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
    "error": "ERROR",
}
ROWS = [
    *[("active", task, "REBOOT") for task in SOFT],
    *[("active", task, "HARD_REBOOT") for task in HARD],
    ("active", "updating_password", "PASSWORD"),
    *[("active", task, "REBUILD") for task in REBUILD],
    ("active", "migrating", "MIGRATING"),
    *[("active", task, "RESIZE") for task in RESIZE],
    *[("stopped", task, "RESIZE") for task in RESIZE],
    *[("stopped", task, "REBUILD") for task in REBUILD],
    ("resized", "resize_reverting", "REVERT_RESIZE"),
    ("paused", "migrating", "MIGRATING"),
    *[("error", task, "REBUILD") for task in REBUILD],
    # A hard reboot of an instance in error keeps showing the error.
    *[("error", task, "ERROR") for task in HARD],
]


@pytest.mark.parametrize(("vm_state", "task_state", "status"), ROWS)
def test_a_task_changes_the_status(vm_state: str, task_state: str, status: str) -> None:
    assert status_of(vm_state, task_state) == status


@pytest.mark.parametrize(("vm_state", "status"), DEFAULTS.items())
def test_without_such_a_task_the_vm_state_is_the_status(vm_state: str, status: str) -> None:
    special = {task for state, task, _status in ROWS if state == vm_state}
    tasks = {None, "powering-off", "deleting", "spawning", *RESIZE, *REBUILD, *SOFT, *HARD, "migrating"} - special
    assert {status_of(vm_state, task) for task in tasks} == {status}


def test_a_state_that_nova_has_not_is_unknown() -> None:
    assert status_of("asleep", None) == "UNKNOWN"
