# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host as a service: whether it takes new instances (Nova's set_host_enabled). Its guests stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ..objects.compute_node import Service
from ..objects.errors import OptionInvalid
from .build_failures import read_failed_builds, reset_failed_builds
from .clock import now
from .host import Host

# Nova's column holds no more.
MOST_LETTERS = 255


@dataclass(frozen=True)
class ServiceWish:
    """What shall be. None leaves a thing as it is.

    Args:
        disabled_reason: For people; only with ``enabled`` False.
        reset_failed_builds: Begin to count failed builds anew.
    """

    enabled: Optional[bool] = None
    disabled_reason: Optional[str] = None
    maintenance: Optional[bool] = None
    reset_failed_builds: bool = False


@dataclass(frozen=True)
class ServiceState:
    """What is."""

    service: Service
    failed_builds: int

    def as_dict(self, host: str) -> dict[str, Any]:
        """Return the service record as modules show it."""
        return {"host": host, **self.service.as_dict(), "failed_builds": self.failed_builds}


def read_service(host: Host) -> ServiceState:
    """Return the host's service record."""
    return ServiceState(host.tracker.service, read_failed_builds(host.options, host.db))


def decide_service(state: ServiceState, wish: ServiceWish) -> ServiceState:
    """Return what the wish makes of the state; an equal one where there is nothing to do.

    Raises:
        OptionInvalid: A reason is given for a host that is not to be disabled, or it is too long.
    """
    if wish.disabled_reason is not None and wish.enabled is not False:
        raise OptionInvalid("disabled_reason is given, but enabled is not false.", "Say enabled: false with it.")
    if len(wish.disabled_reason or "") > MOST_LETTERS:
        raise OptionInvalid(
            f"disabled_reason has {len(wish.disabled_reason or '')} letters, of at most {MOST_LETTERS}."
        )
    service = state.service
    if wish.enabled is False:
        reason = service.disabled_reason if wish.disabled_reason is None else wish.disabled_reason or None
        service = service.but(disabled=True, disabled_reason=reason)
    elif wish.enabled:
        service = service.but(disabled=False, disabled_reason=None)
    if wish.maintenance is not None:
        service = service.but(maintenance=wish.maintenance)
    if service != state.service:
        service = service.but(updated_at=now())
    return ServiceState(service, 0 if wish.reset_failed_builds else state.failed_builds)


def change_service(host: Host, wish: ServiceWish) -> tuple[ServiceState, ServiceState]:
    """Make it so, and return what was and what is.

    Raises:
        OptionInvalid: As `decide_service`.
    """
    with host.db.transaction():
        before = read_service(host)
        after = decide_service(before, wish)
        if after.service != before.service:
            # Without what is at its default, releases that do not know maintenance can read it.
            host.db.set_fact("service", after.service.as_dict(sparse=True))
        if after.failed_builds != before.failed_builds:
            reset_failed_builds(host.db)
    return before, after
