# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deleting (Nova's terminate_instance)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ...objects.ingredients import NetworkRequest
from ...objects.instance import Instance
from ..adopted import kept_disks
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
from ..volume_claims import hold_volume
from .interfaces import release_all


def finish_delete(host: Host, entry: Entry) -> None:
    """Go on to the end: what was to be deleted is of no use half-deleted."""
    domain = host.driver.get_domain(entry.uuid)
    if domain is not None:
        if read_record(domain) is None:
            return
        host.driver.power_off(entry.uuid)
    host.driver.undefine(entry.uuid, bool(entry.notes.get("is_adopted")))
    if not entry.notes.get("is_adopted"):
        host.driver.delete_disks(entry.uuid)
    release_all(host, [NetworkRequest.from_dict(nic, "addresses") for nic in entry.notes.get("addresses", ())])
    for volume in entry.notes.get("volumes", ()):
        host.driver.delete_volume(volume)
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
    """Cut the power, remove the definition, then the disks: a disk never goes before its domain.

    Of an adopted instance the disks stay, and what its firmware has stored: they are not Novella's.

    Volumes stay, but for those that were to be deleted with it (Nova's delete_on_termination).
    """
    uuid = run.instance.uuid
    volumes = [item.uuid for item in run.instance.spec.volumes if item.delete_on_termination]
    if volumes:
        run.note(volumes=volumes)
        # Once its domain is gone, nothing else would say that they are not free.
        run.step("claim volumes", _hold, run, volumes)
    is_adopted = run.instance.adopted is not None
    # Once its domain is gone, nothing else would say that its disks are not Novella's.
    if is_adopted:
        run.note(is_adopted=True)
    addressed = [nic for nic in run.instance.spec.networks if nic.addresses]
    if addressed:
        run.note(addresses=[nic.as_dict() for nic in addressed])
    if run.instance.vm_state != DELETED:
        run.step("power off", run.driver.power_off, uuid)
    # Of one whose domain is gone too, a firewall may be left.
    run.step("undefine", run.driver.undefine, uuid, is_adopted)
    if addressed:
        run.step("addresses", release_all, run.host, addressed)
    if not is_adopted:
        run.step("disks", run.driver.delete_disks, uuid)
    elif kept_disks(run.instance):
        run.remark(f"It was adopted, so its disks stay: {', '.join(kept_disks(run.instance))}.")
    for volume in volumes:
        run.step(f"volume {volume}", run.driver.delete_volume, volume)
    return run.instance.but(vm_state=DELETED)


def _hold(run: Run, volumes: Sequence[str]) -> None:
    with run.host.db.transaction():
        for volume in volumes:
            hold_volume(run.host.db, run.instance.uuid, volume)
