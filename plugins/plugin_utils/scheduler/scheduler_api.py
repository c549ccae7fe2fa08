# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one door to the scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Optional, Union

from ansible_collections.novella.compute.plugins.module_utils.objects.base import parse_version
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import VersionNotSupported
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec, Selection

from .aggregate import Aggregate
from .arrays import require_numpy
from .filter_scheduler import FilterScheduler
from .host_manager import HostManager
from .options import SchedulerOptions


class SchedulerAPI:
    """What lookups, the planner and event sources call (Nova's SchedulerAPI, without the messages).

    Version history:
        1.0  select_destinations, and the five calls that keep the view of the fleet up to date
        1.1  Selection.refusals_left_out

    Args:
        host_manager: The fleet.
        options: How to choose.
        version_cap: The newest version that every reader of the answers knows: ``major.minor``, or the
            release of Novella that brought it. None: this release's own.

    Raises:
        OptionInvalid: The options name an unknown filter or weigher.
        VersionNotSupported: The cap is of a major version that this release cannot write.
        InvalidInput: The cap is no version.
        PluginFailed: A user's filter or weigher cannot be loaded.
        NotSupported: The controller has no NumPy.
    """

    VERSION = "1.1"
    VERSION_ALIASES = {"0.1": "1.1"}  # noqa: RUF012

    def __init__(self, host_manager: HostManager, options: SchedulerOptions, version_cap: Optional[str] = None) -> None:
        require_numpy()
        self.host_manager = host_manager
        self.version_cap = self._resolve(version_cap)
        self._scheduler = FilterScheduler(host_manager, options)

    def can_send_version(self, version: str) -> bool:
        """Return whether readers at the cap know what `version` (``major.minor``) brought."""
        wanted = parse_version(version)
        return wanted[0] == self.version_cap[0] and wanted <= self.version_cap

    def select_destinations(self, specs: Sequence[RequestSpec]) -> list[Selection]:
        """Choose a host for each request, as `FilterScheduler.select_destinations` says."""
        return self._scheduler.select_destinations(specs)

    def select_each(self, specs: Iterable[RequestSpec]) -> Iterator[Selection]:
        """Choose a host for one request after the other, as they are asked for: who counts may stop at any."""
        return self._scheduler.select_each(specs)

    def written(self, selection: Selection) -> dict[str, Any]:
        """Return a selection as plain data, without what is younger than the cap."""
        return selection.as_dict(cap=self.version_cap)

    def update_aggregates(self, aggregates: Union[Aggregate, Iterable[Aggregate]]) -> None:
        """Add or replace aggregates."""
        self.host_manager.update_aggregates(aggregates)

    def delete_aggregate(self, aggregate: Aggregate) -> None:
        """Forget an aggregate."""
        self.host_manager.delete_aggregate(aggregate)

    def update_instance_info(self, host: str, instances: list[Instance]) -> None:
        """Add or replace instances of a host."""
        self.host_manager.update_instance_info(host, instances)

    def delete_instance_info(self, host: str, uuid: str) -> None:
        """Forget an instance of a host."""
        self.host_manager.delete_instance_info(host, uuid)

    def sync_instance_info(self, host: str, uuids: Iterable[str]) -> None:
        """Compare what is known of a host with the uuids that it reports."""
        self.host_manager.sync_instance_info(host, uuids)

    def _resolve(self, cap: Optional[str]) -> tuple[int, int]:
        ours = parse_version(self.VERSION)
        if cap is None:
            return ours
        wanted = parse_version(self.VERSION_ALIASES.get(cap, cap))
        if wanted[0] < ours[0]:
            raise VersionNotSupported(
                f"The scheduler cannot answer at version {cap}; this release answers at {self.VERSION}.",
                f"Raise the cap to {ours[0]}.0 or newer.",
            )
        return min(wanted, ours)
