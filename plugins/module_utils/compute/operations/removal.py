# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deleting (Nova's terminate_instance)."""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..records import read_record
from ..states import (
    ACTIVE,
    BUILDING,
    DELETED,
    DELETING,
    ERROR,
    PAUSED,
    RESCUED,
    SHELVED,
    SOFT_DELETE,
    STOPPED,
    SUSPENDED,
)


def finish_delete(host: Host, entry: Entry) -> None:
    """Go on to the end: what was to be deleted is of no use half-deleted."""
    domain = host.driver.get_domain(entry.uuid)
    if domain is not None:
        if read_record(domain) is None:
            return
        host.driver.power_off(entry.uuid)
        host.driver.undefine(entry.uuid)
    host.driver.delete_disks(entry.uuid)
    with host.db.transaction() as connection:
        connection.execute("DELETE FROM instances WHERE uuid = ?", (entry.uuid,))


@operation(
    "delete",
    vm_states=(ACTIVE, BUILDING, ERROR, PAUSED, RESCUED, SHELVED, SOFT_DELETE, STOPPED, SUSPENDED),
    task_state=DELETING,
    ends_in=DELETED,
    recover=finish_delete,
    absent_too=True,
)
def delete(run: Run) -> Optional[Instance]:
    """Cut the power, remove the definition, then the disks: a disk never goes before its domain."""
    uuid = run.instance.uuid
    if run.instance.vm_state != DELETED:
        run.step("power off", run.driver.power_off, uuid)
        run.step("undefine", run.driver.undefine, uuid)
    run.step("disks", run.driver.delete_disks, uuid)
    return run.instance.but(vm_state=DELETED)
