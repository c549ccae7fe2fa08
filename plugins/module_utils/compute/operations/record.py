# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that only the record shows (Nova's change_instance_metadata, lock and unlock).

No guest notices, but that its next boot finds another config drive where that is to tell of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...objects.instance import Instance
from ..block_devices import relabel
from ..drive_renewal import finish_record, renew_drive
from ..host import Host
from ..journal import Entry
from ..labels import change_labels, tell_labels
from ..locking import lock_record, tell_lock, unlock_record
from ..nic_changes import relabel_nics
from ..operation import Alteration, Run, operation
from ..records import read_record
from ..states import ACTIVE, ERROR, PAUSED, RESCUED, SHELVED, SOFT_DELETE, STOPPED, SUSPENDED, UPDATING

AT_REST = (ACTIVE, ERROR, PAUSED, RESCUED, SHELVED, SOFT_DELETE, STOPPED, SUSPENDED)


def _update(instance: Instance, arguments: Mapping[str, Any]) -> Instance:
    spec = arguments.get("spec") or instance.spec
    # Volumes and NICs come and go by operations of their own, and firewalls change by one.
    nics = relabel_nics(instance.spec.networks, spec.networks)
    volumes = relabel(instance.spec.volumes, spec.volumes)
    spec = spec.but(volumes=volumes, networks=nics, firewall=instance.spec.firewall)
    return instance.but(spec=spec, vm_state=arguments.get("vm_state") or instance.vm_state)


UPDATE = Alteration(_update, lambda instance: {"vm_state": instance.vm_state, **tell_labels(instance)})
LOCK, UNLOCK = Alteration(lock_record, tell_lock), Alteration(unlock_record, tell_lock)
LABELS = Alteration(change_labels, tell_labels)


def finish_or_restore(host: Host, entry: Entry) -> None:
    """Have the record say what its config drive tells, and the domain's title be what the record says."""
    finish_record(host, entry)
    domain = host.driver.get_domain(entry.uuid)
    instance = None if domain is None else read_record(domain)
    # An adopted one without a display name keeps the title that it came with.
    if instance is not None and (instance.adopted is None or instance.spec.display_name is not None):
        host.driver.set_title(entry.uuid, instance.spec.display_name)


@operation(
    "update",
    vm_states=(ACTIVE, STOPPED, PAUSED, SUSPENDED, SHELVED),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_or_restore,
    alters=UPDATE,
)
def update(run: Run) -> Optional[Instance]:
    """Write the new intent, and the vm_state where it is given. Arguments: spec, vm_state, contents (see create)."""
    return _write(run, UPDATE)


@operation("lock", vm_states=AT_REST, task_state=UPDATING, ends_in=None, alters=LOCK)
def lock(run: Run) -> Optional[Instance]:
    """Have it stay as it is, whoever asks for what. Arguments: reason."""
    return LOCK.change(run.instance, run.arguments)


@operation("unlock", vm_states=AT_REST, task_state=UPDATING, ends_in=None, alters=UNLOCK)
def unlock(run: Run) -> Optional[Instance]:
    """Let it be changed again."""
    return UNLOCK.change(run.instance, run.arguments)


@operation(
    "change_metadata",
    vm_states=AT_REST,
    task_state=UPDATING,
    ends_in=None,
    action="change_instance_metadata",
    recover=finish_or_restore,
    alters=LABELS,
)
def change_metadata(run: Run) -> Optional[Instance]:
    """Change metadata, tags and display name. Arguments: state, metadata, tags, display_name."""
    return _write(run, LABELS)


def _write(run: Run, alteration: Alteration) -> Instance:
    before, after = run.instance, alteration.change(run.instance, run.arguments)
    if after.spec.display_name != before.spec.display_name:
        run.step("title", run.driver.set_title, after.uuid, after.spec.display_name)
    renew_drive(run, after)
    return after
