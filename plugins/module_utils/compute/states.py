# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's states: what the user asked for (vm_state), what is being done (task_state), what is (power_state)."""

from __future__ import annotations

ACTIVE = "active"
BUILDING = "building"
DELETED = "deleted"
ERROR = "error"
PAUSED = "paused"
RESCUED = "rescued"
SHELVED = "shelved"
SHELVED_OFFLOADED = "shelved_offloaded"
SOFT_DELETE = "soft-delete"
STOPPED = "stopped"
SUSPENDED = "suspended"

VM_STATES = (ACTIVE, BUILDING, DELETED, ERROR, PAUSED, RESCUED, SHELVED, SOFT_DELETE, STOPPED, SUSPENDED)

BLOCK_DEVICE_MAPPING = "block_device_mapping"
DELETING = "deleting"
IMAGE_BACKUP = "image_backup"
IMAGE_SNAPSHOT = "image_snapshot"
PAUSING = "pausing"
POWERING_OFF = "powering-off"
POWERING_ON = "powering-on"
REBOOTING = "rebooting"
REBOOTING_HARD = "rebooting_hard"
REBUILDING = "rebuilding"
RESCUING = "rescuing"
RESTORING = "restoring"
RESUMING = "resuming"
SHELVING = "shelving"
SOFT_DELETING = "soft-deleting"
SPAWNING = "spawning"
SUSPENDING = "suspending"
UNPAUSING = "unpausing"
UNRESCUING = "unrescuing"
UNSHELVING = "unshelving"
UPDATING = "updating"
UPDATING_PASSWORD = "updating_password"  # noqa: S105 - Nova's word for what is being done
