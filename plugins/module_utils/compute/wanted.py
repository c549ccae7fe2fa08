# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An instance that shall exist, and an instance that was seen: what judgement compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ..objects.guest import Readiness
from ..objects.instance import Instance, InstanceSpec, ObservedInstance


@dataclass(frozen=True)
class WantedInstance:
    """One instance that shall exist.

    Args:
        vm_state: ``active``, ``stopped``, or ``any`` for as it is.
        locked: None for as it is.
        is_adopted: It was a domain of somebody else, which Novella cannot make.
        user_data: For the guest; a secret.
        host: Set where it is forced to that host.
        where, scheduler_hints: What it asks of its host, as RequestSpec has them. They count when it is placed, and are
            no part of its record: an instance stays where it is when they change.
        allow: What may be done to it without asking: ``restart``, ``rebuild``.
        contents: By digest, what its record knows of files and vendor data; secrets.
        wait_for: What tells that its guest is ready, whenever it is booted.
    """

    uuid: str
    spec: InstanceSpec
    vm_state: str = "active"
    user_data: Optional[bytes] = field(default=None, repr=False)
    host: Optional[str] = None
    where: list[dict[str, Any]] = field(default_factory=list)
    scheduler_hints: dict[str, Any] = field(default_factory=dict)
    locked: Optional[bool] = None
    allow: tuple[str, ...] = ()
    is_adopted: bool = False
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    wait_for: Optional[Readiness] = None


@dataclass(frozen=True)
class Sighting:
    """One instance on one host."""

    host: str
    seen: ObservedInstance

    @property
    def instance(self) -> Instance:
        return self.seen.instance
