# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the states of all hosts, and filters and weighs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Optional, Union

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .aggregate import Aggregate
from .errors import PluginFailed
from .explain import Trace
from .filters import BaseHostFilter
from .host_state import HostState
from .instance_info import InstanceInfo
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

    def update_hosts(self, reports: Iterable[HostReport], unavailable: Optional[Mapping[str, str]] = None) -> None:
        """Take over an audit of the whole fleet. Hosts that it does not hold are forgotten.

        Args:
            reports: What the audited hosts said.
            unavailable: The hosts that did not answer, each with the reason. They are named in explanations.

        Raises:
            InvalidInput: A host reported twice, or a figure cannot be read.
        """
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

    def get_filtered_hosts(
        self,
        hosts: Iterable[HostState],
        spec: RequestSpec,
        filters: Sequence[BaseHostFilter],
        index: int = 0,
        trace: Optional[Trace] = None,
    ) -> list[HostState]:
        """Return the hosts that can take the request, in their order.

        A requested destination and the hosts to ignore come first, then the forced hosts: those skip all
        filters but the ones with `run_on_forced`. Filters run in order until no host is left.

        Args:
            index: Which instance of a request of several this is; for all but 0, filters with
                `run_filter_once_per_request` are skipped.
            trace: Where to note what each step left over, and why it refused a host.

        Raises:
            PluginFailed: A filter raised.
        """
        trace = Trace() if trace is None else trace
        left = list(hosts)
        for step, reason, wanted in _named_hosts(spec):
            kept = [state for state in left if wanted(state.host)]
            trace.named(step, reason, left, kept)
            left = kept
        for item in filters:
            if not left:
                break
            if (spec.force_hosts and not item.run_on_forced) or (index and item.run_filter_once_per_request):
                continue
            kept = _run(item, left, spec)
            trace.filtered(item, spec, left, kept)
            left = kept
        return left

    def get_weighed_hosts(
        self, hosts: Sequence[HostState], spec: RequestSpec, weighers: Sequence[BaseHostWeigher]
    ) -> list[WeighedHost]:
        """Return the hosts with their weights, best first; equals keep their order.

        A single host is not weighed.

        Raises:
            PluginFailed: A weigher raised, or weighed something as no finite number.
        """
        weighed = [WeighedHost(state) for state in hosts]
        if len(weighed) <= 1:
            return weighed
        for weigher in weighers:
            for item, weight in zip(weighed, weigher.weigh_objects(hosts, spec)):
                item.weights[weigher.name] = weight
                item.weight += weight
        return sorted(weighed, key=lambda item: item.weight, reverse=True)

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
        self._info.update(host, instances)

    def delete_instance_info(self, host: str, uuid: str) -> None:
        """Forget an instance of a host. A host that is not known is out of sync after it."""
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
        by_host: dict[str, list[Aggregate]] = {}
        for _name, aggregate in sorted(self._aggregates.items()):
            for host in dict.fromkeys(aggregate.hosts):
                by_host.setdefault(host, []).append(aggregate)
        for state in states:
            state.aggregates = by_host.get(state.host, [])


def _named_hosts(spec: RequestSpec) -> Iterator[tuple[str, str, Callable[[str], bool]]]:
    """Yield the steps that go by names alone: what each is called, how it refuses, and whom it keeps."""
    destination = spec.requested_destination
    if destination is not None and destination.host is not None:
        wanted = destination.host
        yield "requested_destination", f"is not {wanted}, the requested destination", lambda host: host == wanted
    if spec.ignore_hosts:
        ignored = {host.lower() for host in spec.ignore_hosts}
        yield "ignore_hosts", "is to be ignored", lambda host: host.lower() not in ignored
    if spec.force_hosts:
        forced = {host.lower() for host in spec.force_hosts}
        yield "force_hosts", f"is not {' or '.join(spec.force_hosts)}, as forced", lambda host: host.lower() in forced


def _run(item: BaseHostFilter, hosts: list[HostState], spec: RequestSpec) -> list[HostState]:
    try:
        return list(item.filter_all(hosts, spec))
    except PluginFailed:
        raise
    # A filter may replace `filter_all` with anybody's code; its errors are told with its name.
    except Exception as exc:
        raise PluginFailed(item.name, f"raised {exc!r}") from exc
