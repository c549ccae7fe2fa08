# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for instances that were somebody else's domains before.

Their definitions are never built anew and their disks are never touched: what Novella cannot express would be lost.
"""

from __future__ import annotations

from typing import Optional

from ..objects.errors import InstanceExists, InstanceNotFound, NotSupported
from ..objects.instance import Instance
from ..virt.hypervisor import Domain
from .states import ACTIVE

# What a plan says of an adopted instance that goes.
DISKS_STAY = "its definition is lost, its disks stay"
_DISK = "Novella has not made its root disk"
_DRIVE = "it has no config drive of Novella's"
# Operations that need something which Novella has made, and what that is.
_REFUSED = {
    "rebuild": _DISK,
    "rescue": _DISK,
    "unrescue": _DISK,
    "snapshot": _DISK,
    "backup": _DISK,
    "inject_network_info": _DRIVE,
    "reconfigure": "its size is what its own definition says",
}


def check_adoptable(domain: Optional[Domain], uuid: str, host: str) -> None:
    """Refuse to adopt what is not there, or is an instance.

    Raises:
        InstanceNotFound, InstanceExists: It is so.
    """
    if domain is None:
        raise InstanceNotFound(f"There is no domain {uuid} on {host}.", "Look at 'virsh list --all' there.")
    if domain.record is not None:
        spec = domain.record.get("spec") or {}
        raise InstanceExists(
            f"The domain '{domain.name}' on {host} is Novella's already: instance '{spec.get('name')}' of fleet "
            f"'{spec.get('fleet', 'default')}', project '{spec.get('project_id', 'default')}'."
        )


def check_adopted(instance: Instance, operation: str) -> None:
    """Refuse to do to an adopted instance what would need its definition or its disks to be Novella's.

    Raises:
        NotSupported: It does.
    """
    if instance.adopted is None:
        return
    why = _REFUSED.get(operation)
    if operation == "inject_file" and instance.vm_state != ACTIVE:
        why = f"it is off, and {_DRIVE}"
    if why is not None:
        raise NotSupported(
            f"{instance.spec.name} was adopted and keeps its own definition, so it cannot {operation}: {why}.",
            f"Do it with virsh: its domain is '{instance.adopted.domain_name}'.",
        )


def kept_disks(instance: Instance) -> list[str]:
    """Return what stays on the host of an adopted instance that is deleted."""
    if instance.adopted is None:
        return []
    return [disk.source for disk in instance.adopted.disks if disk.kind in ("disk", "lun") and disk.source]
