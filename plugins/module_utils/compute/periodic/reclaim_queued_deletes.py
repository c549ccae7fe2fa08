# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's _reclaim_queued_deletes: the end of what was soft-deleted long enough ago."""

from __future__ import annotations

from ...periodic_task import TaskReport, periodic_task
from ..auditing import audit
from ..clock import seconds_since
from ..host import Host
from ..locking import refuse
from ..states import SOFT_DELETE
from .acting import Deed, act, idle_instances


@periodic_task(enabled="reclaim_instance_interval")
def reclaim_queued_deletes(host: Host, check: bool) -> TaskReport:
    """Delete for good what was deleted `reclaim_instance_interval` seconds ago.

    One that runs again or is locked is somebody's: it is told of and kept.
    """
    interval = host.options.reclaim_instance_interval
    deeds, warnings = [], []
    for seen in idle_instances(audit(host)):
        record = seen.instance
        if record.vm_state != SOFT_DELETE or record.task_state is not None or record.deleted_at is None:
            continue
        age = seconds_since(record.deleted_at)
        if age < interval:
            continue
        name, place = record.spec.name, host.options.host
        if record.locked:
            warnings.append(f"{refuse(record)} It is kept on {place}, though it was deleted at {record.deleted_at}.")
            continue
        if seen.power_state not in ("shutdown", "crashed", "nostate"):
            warnings.append(
                f"{name} on {place} was deleted at {record.deleted_at}, but is {seen.power_state}; it is kept. "
                "Restore it, or stop it to have it reclaimed."
            )
            continue
        reason = f"was deleted at {record.deleted_at}, and its data is kept for {interval} s"
        deeds.append(Deed("delete", record, seen.power_state, reason))
    return act(host, deeds, warnings, check)
