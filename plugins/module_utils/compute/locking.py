# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lock of an instance forbids (Nova's check_instance_lock), on its host and in a plan.

It is there for people: what finishes or undoes the operation of a dead run does not ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.errors import InstanceIsLocked, OptionInvalid
from ..objects.instance import Instance
from ..objects.plan import Finding

# They leave the guest as it is.
THOUGH_LOCKED = ("lock", "unlock", "change_metadata", "update", "snapshot", "backup")
REMEDY = "Unlock it first (novella.compute.instance_action action=unlock)"
DECLARED = "it is declared locked"
# The kind of a finding.
LOCKED = "locked"
MOST_LETTERS = 255


def check_lock(instance: Instance, operation: str) -> None:
    """Refuse to do to a locked instance what its lock forbids.

    Raises:
        InstanceIsLocked: It does.
    """
    if instance.locked and operation not in THOUGH_LOCKED:
        raise refuse(instance)


def refuse(instance: Instance) -> InstanceIsLocked:
    """Return the error that a locked instance answers with."""
    return InstanceIsLocked(f"{instance.spec.name} {_describe(instance)}.", f"{REMEDY}.")


def find_locked(instance: Instance, host: str) -> Finding:
    """Return what a plan says of a locked instance that it was to change."""
    reason = f"{_describe(instance)}. {REMEDY}"
    return Finding(LOCKED, instance.uuid, instance.spec.name, reason, host, fatal=True)


def lock_record(instance: Instance, arguments: Mapping[str, Any]) -> Instance:
    """Return the record, locked. One that is so already keeps its reason, as in Nova.

    Arguments:
        reason: Why; text of one line.

    Raises:
        OptionInvalid: The reason is too long, or not one line.
    """
    reason = str(arguments.get("reason") or "").strip()
    if len(reason) > MOST_LETTERS or not reason.isprintable():
        raise OptionInvalid(f"The reason of a lock is one line of at most {MOST_LETTERS} characters.")
    return instance if instance.locked else instance.but(locked=True, locked_reason=reason or None)


def unlock_record(instance: Instance, arguments: Mapping[str, Any]) -> Instance:
    """Return the record, unlocked. There are no arguments."""
    return instance.but(locked=False, locked_reason=None)


def tell_lock(instance: Instance) -> dict[str, Any]:
    """Return what there is to say of an instance's lock."""
    return {"locked": instance.locked, "locked_reason": instance.locked_reason}


def _describe(instance: Instance) -> str:
    reason = (instance.locked_reason or "").rstrip(".")
    return f"is locked: {reason}" if reason else "is locked"
