# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ComputeManager: the one door to a host's instances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ..manager import Manager
from ..objects.errors import OptionInvalid, nearest
from ..objects.host_report import HostReport
from ..objects.plan import Action
from ..virt.driver import ComputeDriver
from .auditing import audit
from .host import Host
from .host_options import HostOptions
from .journal import Entry, Journal
from .operation import OPERATIONS, recover_operations
from .operations import build as _build  # noqa: F401  an operation exists by being imported
from .operations import power as _power  # noqa: F401
from .operations import record as _record  # noqa: F401
from .operations import removal as _removal  # noqa: F401
from .reconciliation import Progress, make_result, reconcile
from .resource_tracker import ResourceTracker
from .tracker_db import TrackerDB


class ComputeManager(Manager):
    """Manage the instances of one host, from creation to destruction.

    Args:
        options: The operator's settings of the host.
        driver: The hypervisor.
        db: The tracker database, open.
        progress: Told after each ended action: what it was, how many ended, how many there are.
    """

    def __init__(
        self, options: HostOptions, driver: ComputeDriver, db: TrackerDB, progress: Optional[Progress] = None
    ) -> None:
        tracker = ResourceTracker(options, driver, db)
        self._host = Host(options, driver, db, Journal(db), tracker)
        self._progress = progress

    def init_host(self) -> None:
        """Finish or undo what dead runs left behind; `recovered` then names it."""
        self.recovered = recover_operations(self._host)

    recovered: Sequence[Entry] = ()

    def audit(self) -> HostReport:
        """Read the host: resources, claims, every instance, and the domains that are not ours."""
        return audit(self._host)

    def check_actions(self, actions: Iterable[Action]) -> None:
        """Refuse a slice that this release cannot do.

        Raises:
            OptionInvalid: An operation is unknown, or one that builds lacks its spec.
        """
        for action in actions:
            if action.operation not in OPERATIONS:
                known = sorted(OPERATIONS)
                hint = nearest(action.operation, known)
                raise OptionInvalid(f"'{action.operation}' is no operation.{hint}", f"There are: {', '.join(known)}.")
            if action.operation == "create" and action.spec is None:
                raise OptionInvalid(f"The action create of {action.name} lacks its spec.")

    def predict(self, actions: Sequence[Action]) -> list[dict[str, Any]]:
        """Return what `reconcile` would say, as far as can be told without doing anything."""
        self.check_actions(actions)
        return [{**make_result(action, 0.0, None), "status": "planned"} for action in actions]

    def reconcile(self, actions: Sequence[Action], user_data: Mapping[str, bytes]) -> list[dict[str, Any]]:
        """Do this host's slice of a plan; see `reconciliation`.

        Args:
            actions: The slice, in the plan's order.
            user_data: By uuid, for instances to be created.

        Returns:
            One result per action, in order: uuid, name, operation, status (done or failed), seconds, error.
        """
        self.check_actions(actions)
        return reconcile(self._host, actions, user_data, self._progress)
