# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status that users see of an instance: one word for vm_state and task_state (Nova's table of both)."""

from __future__ import annotations

from typing import Optional

UNKNOWN = "UNKNOWN"

_RESIZE = dict.fromkeys(("resize_prep", "resize_migrating", "resize_migrated", "resize_finish"), "RESIZE")
_REBUILD = dict.fromkeys(("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning"), "REBUILD")
_REBOOT = {
    **dict.fromkeys(("rebooting", "reboot_pending", "reboot_started"), "REBOOT"),
    **dict.fromkeys(("rebooting_hard", "reboot_pending_hard", "reboot_started_hard"), "HARD_REBOOT"),
}

# By vm_state: the status without a task that changes it, and those tasks.
_STATUS: dict[str, tuple[str, dict[str, str]]] = {
    "active": (
        "ACTIVE",
        {**_REBOOT, **_REBUILD, **_RESIZE, "updating_password": "PASSWORD", "migrating": "MIGRATING"},
    ),
    "building": ("BUILD", {}),
    "stopped": ("SHUTOFF", {**_RESIZE, **_REBUILD}),
    "resized": ("VERIFY_RESIZE", {"resize_reverting": "REVERT_RESIZE"}),
    "paused": ("PAUSED", {"migrating": "MIGRATING"}),
    "suspended": ("SUSPENDED", {}),
    "rescued": ("RESCUE", {}),
    "soft-delete": ("SOFT_DELETED", {}),
    "deleted": ("DELETED", {}),
    "shelved": ("SHELVED", {}),
    "shelved_offloaded": ("SHELVED_OFFLOADED", {}),
    "error": ("ERROR", _REBUILD),
}


def status_of(vm_state: str, task_state: Optional[str]) -> str:
    """Return the status, such as ``ACTIVE`` or ``HARD_REBOOT``; ``UNKNOWN`` for a vm_state that Nova has not."""
    default, by_task = _STATUS.get(vm_state, (UNKNOWN, {}))
    return by_task.get(task_state or "", default)
