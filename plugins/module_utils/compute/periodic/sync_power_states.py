# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's _sync_power_states: guests that were started, stopped or lost behind Novella's back."""

from __future__ import annotations

from ...objects.host_report import LostInstance
from ...periodic_task import TaskReport, periodic_task
from ..auditing import audit
from ..host import Host
from ..power_sync import OBSERVE, decide
from .acting import Deed, act, idle_instances


@periodic_task(spacing="sync_power_state_interval", run_immediately=True)
def sync_power_states(host: Host, check: bool) -> TaskReport:
    """Bring power and record together as the host's `power_policy` says. Foreign domains are not looked at.

    A domain that is gone is told of, and nothing is made in its place: that is for a plan, which knows all hosts. Of a
    locked instance only the record is corrected.
    """
    report = audit(host)
    deeds, warnings = [], [_alarm(host, lost) for lost in report.lost]
    elsewhere = _known_elsewhere(host)
    for seen in idle_instances(report):
        record, power = seen.instance, seen.power_state
        policy = OBSERVE if record.locked else host.options.power_policy
        decision = decide(record.vm_state, record.task_state, power, policy)
        other = elsewhere.get(record.uuid)
        if decision.operation == "start" and other is not None:
            warnings.append(
                f"{record.spec.name} on {host.options.host} {decision.reason}, and is known to be on {other}; "
                "it is not started. Apply its fleet to find out."
            )
        elif decision.operation is not None:
            # A guest that was only restarting is on again by then, and is not touched.
            deeds.append(Deed(decision.operation, record, power, decision.reason, decision.vm_state))
        elif decision.is_warning:
            warnings.append(f"{record.spec.name} on {host.options.host} {decision.reason}.")
    return act(host, deeds, warnings, check)


def _known_elsewhere(host: Host) -> dict[str, str]:
    """Return the instances that this host believes another to have. One runs in one place only."""
    rows = host.db.query("SELECT uuid, host FROM whereabouts WHERE host != ?", host.options.host)
    return {row["uuid"]: row["host"] for row in rows}


def _alarm(host: Host, lost: LostInstance) -> str:
    disk = "its root disk is there" if lost.has_disk else "its root disk is gone too"
    return (
        f"{lost.name} ({lost.uuid}) HAS VANISHED from {host.options.host}: somebody removed its domain, and {disk}. "
        "Apply its fleet to have it made again."
    )
