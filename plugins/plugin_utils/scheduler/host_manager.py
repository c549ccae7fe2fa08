# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the states of all hosts, and filters and weighs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Optional, Union

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .aggregate import Aggregate
from .arrays import np
from .columns import HostColumns
from .filtering import run_filters
from .filters import BaseHostFilter
from .host_state import HostState
from .instance_info import InstanceInfo
from .ranking import rank
from .weights import BaseHostWeigher, WeighedHost


class HostManager:
    """The scheduler's view of the fleet (Nova's HostManager).

    Args:
        host_state_cls: What a host's state is made of: called with host and nodename.

    Attributes:
        unavailable: Hosts that cannot be chosen because nothing is known of them, each with the reason.
    """

    def __init__(self, host_state_cls: type[HostState] = HostState) -> None:
        self.host_state_cls = host_state_cls
        self.unavailable: dict[str, str] = {}
        self._states: dict[str, HostState] = {}
        self._aggregates: dict[str, Aggregate] = {}
        self._info = InstanceInfo()
        self._columns: Optional[HostColumns] = None

    def update_hosts(self, reports: Iterable[HostReport], unavailable: Optional[Mapping[str, str]] = None) -> None:
        """Take over an audit of the whole fleet. Hosts that it does not hold are forgotten.

        Args:
            reports: What the audited hosts said.
            unavailable: The hosts that did not answer, each with the reason. They are named in explanations.

        Raises:
            InvalidInput: A host reported twice, or a figure cannot be read.
        """
        self._columns = None
        seen: set[str] = set()
        for report in reports:
            if report.host in seen:
                raise InvalidInput(f"There are two reports of host {report.host}.", "Give each host one document.")
            seen.add(report.host)
            self.update_host(report)
        for host in self._states.keys() - seen:
            del self._states[host]
            self._info.forget(host)
        self.unavailable = {host: reason for host, reason in (unavailable or {}).items() if host not in seen}

    def update_host(self, report: HostReport) -> None:
        """Take over a new audit of one host, unless the host was changed here after the audit was made."""
        self._columns = None
        node = report.compute_node
        state = self._states.get(report.host)
        if state is None:
            state = self.host_state_cls(report.host, node.hypervisor_hostname)
        state.update_service(report.service)
        if state.update_from_compute_node(node):
            self._info.replace(report.host, (seen.instance for seen in report.instances))
        state.instances = self._info.of(report.host)
        self._states[report.host] = state
        self.unavailable.pop(report.host, None)
        self._refresh_aggregates([state])

    def get_all_host_states(self) -> Iterator[HostState]:
        """Yield the state of each known host, by name."""
        for host in sorted(self._states):
            yield self._states[host]

    def get_columns(self) -> HostColumns:
        """Return all hosts, by name, as columns. They are kept until something but a placement changes a host."""
        if self._columns is None:
            self._columns = HostColumns(self.get_all_host_states())
        return self._columns

    def get_filtered_hosts(
        self,
        hosts: Iterable[HostState],
        spec: RequestSpec,
        filters: Sequence[BaseHostFilter],
        index: int = 0,
    ) -> list[HostState]:
        """Return the hosts that can take the request, in their order; `filtering.run_filters` says how.

        Raises:
            PluginFailed: A filter raised.
        """
        columns = HostColumns(hosts)
        left, _trace = run_filters(columns, spec, filters, index)
        return [columns.states[row] for row in np.flatnonzero(left)]

    def get_weighed_hosts(
        self, hosts: Sequence[HostState], spec: RequestSpec, weighers: Sequence[BaseHostWeigher]
    ) -> list[WeighedHost]:
        """Return the hosts with their weights, best first; equals keep their order.

        A single host is not weighed.

        Raises:
            PluginFailed: A weigher raised, or weighed something as no finite number.
        """
        columns = HostColumns(hosts)
        ranking = rank(columns, columns.all(), spec, weighers)
        return [ranking.weighed_host(place) for place in ranking.order()]

    def update_aggregates(self, aggregates: Union[Aggregate, Iterable[Aggregate]]) -> None:
        """Add or replace aggregates, by name. Their hosts see it at once."""
        for aggregate in [aggregates] if isinstance(aggregates, Aggregate) else aggregates:
            self._aggregates[aggregate.name] = aggregate
        self._refresh_aggregates(self._states.values())

    def delete_aggregate(self, aggregate: Aggregate) -> None:
        """Forget an aggregate; one that is not known is no error."""
        self._aggregates.pop(aggregate.name, None)
        self._refresh_aggregates(self._states.values())

    def update_instance_info(self, host: str, instances: list[Instance]) -> None:
        """Add or replace instances of a host, such as a reconcile returned.

        Resources stay as they are; an audit or a consume changes those. Of a host that is not known, several
        instances are taken as its full list; fewer leave it out of sync.
        """
        self._columns = None
        self._info.update(host, instances)

    def delete_instance_info(self, host: str, uuid: str) -> None:
        """Forget an instance of a host. A host that is not known is out of sync after it."""
        self._columns = None
        self._info.delete(host, uuid)

    def sync_instance_info(self, host: str, uuids: Iterable[str]) -> None:
        """Compare what is known with the uuids that a host reports; a difference leaves it out of sync."""
        self._info.sync(host, uuids)

    def hosts_out_of_sync(self) -> list[str]:
        """Return the hosts whose instances must be read again.

        Nova's scheduler reads them itself. Reading is the caller's here: audit them and call `update_host`.
        """
        return self._info.out_of_sync()

    def _refresh_aggregates(self, states: Iterable[HostState]) -> None:
        self._columns = None
        by_host: dict[str, list[Aggregate]] = {}
        ordered = [aggregate for _name, aggregate in sorted(self._aggregates.items())]
        for aggregate in ordered:
            for host in dict.fromkeys(aggregate.hosts):
                by_host.setdefault(host, []).append(aggregate)
        for state in states:
            state.aggregates = by_host.get(state.host, [])
            state.all_aggregates = ordered
