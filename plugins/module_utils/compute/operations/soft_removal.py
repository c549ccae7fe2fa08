# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deleting with a way back (Nova's soft_delete_instance and restore_instance).

The guest is off and everything of it is kept, so it counts as used. The periodic task `reclaim_queued_deletes`
deletes it for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...objects.instance import Instance
from ..clock import now
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..records import read_record
from ..states import (
    ACTIVE,
    ERROR,
    PAUSED,
    RESCUED,
    RESTORING,
    SHELVED,
    SOFT_DELETE,
    SOFT_DELETING,
    STOPPED,
    SUSPENDED,
)


def keep_restored(host: Host, entry: Entry) -> None:
    """Have it count as restored, running or not: what a user wanted back must never be reclaimed."""
    domain = host.driver.get_domain(entry.uuid)
    instance = None if domain is None else read_record(domain)
    if domain is not None and instance is not None and instance.vm_state == SOFT_DELETE:
        host.driver.save_record(_restored(instance, ACTIVE if domain.power_state == "running" else STOPPED))


@operation(
    "soft_delete",
    vm_states=(ACTIVE, ERROR, PAUSED, RESCUED, SHELVED, STOPPED, SUSPENDED),
    task_state=SOFT_DELETING,
    ends_in=SOFT_DELETE,
    action="delete",
)
def soft_delete(run: Run) -> Optional[Instance]:
    """Cut the power and note the time. Done by half it is not deleted, and can be done again. It ends a rescue."""
    instance, driver = run.instance, run.driver
    run.step("power off", driver.power_off, instance.uuid)
    if instance.vm_state == RESCUED:
        instance = instance.but(rescue_image=None)
        run.step("define", driver.define, instance)
        run.step("rescue disk", driver.delete_rescue_disk, instance.uuid)
    return instance.but(deleted_at=now(), old_vm_state=run.instance.vm_state)


def state_to_restore(instance: Instance, arguments: Mapping[str, Any]) -> str:
    """Return what a restored instance becomes: what was asked for, else what it was, on or off."""
    return arguments.get("vm_state") or (STOPPED if instance.old_vm_state in (STOPPED, SHELVED) else ACTIVE)


@operation(
    "restore",
    vm_states=(SOFT_DELETE,),
    task_state=RESTORING,
    ends_in=None,
    ends_as=state_to_restore,
    recover=keep_restored,
)
def restore(run: Run) -> Optional[Instance]:
    """Take it back. Arguments: vm_state, active or stopped; without it, what it was when it was deleted."""
    instance = run.instance
    vm_state = state_to_restore(instance, run.arguments)
    if vm_state == ACTIVE:
        run.step("start", run.driver.power_on, instance.uuid)
        instance = instance.but(launched_at=instance.launched_at or now())
    return _restored(instance, vm_state)


def _restored(instance: Instance, vm_state: str) -> Instance:
    return instance.but(vm_state=vm_state, task_state=None, deleted_at=None, old_vm_state=None)
