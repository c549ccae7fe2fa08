# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses hosts for requests: filter, weigh, choose, consume."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec, Selection

from .errors import PluginFailed
from .explain import Trace, nearest_miss, no_valid_host
from .host_manager import HostManager
from .host_state import HostState
from .options import SchedulerOptions
from .registry import load_filters, load_weighers
from .server_group import GroupLedger, unsupported_policy


class FilterScheduler:
    """Nova's filter scheduler over a HostManager's hosts.

    It differs from Nova in two things. Each request sees all hosts: one that was refused to the request before
    is not lost to the next. And a batch is not all or nothing: a request without a valid host says so, and the
    others go on.

    Raises:
        OptionInvalid: The options name a filter or weigher that does not exist.
        PluginFailed: A user's filter or weigher cannot be loaded.
    """

    def __init__(self, host_manager: HostManager, options: SchedulerOptions) -> None:
        self.host_manager = host_manager
        self.options = options
        self.filters = load_filters(options.enabled_filters, options)
        self.weighers = load_weighers(options.enabled_weighers, options)
        self._groups = GroupLedger()

    def select_destinations(self, specs: Sequence[RequestSpec]) -> list[Selection]:
        """Choose a host for each request, in order; each sees what the ones before it took.

        Returns:
            One selection per request, in the same order. A request that cannot be placed has no host, and a
            message that says why.
        """
        # A plan must come out the same however often it is made, so the draw starts anew with each batch.
        draw = random.Random(self.options.seed)  # noqa: S311
        hosts = list(self.host_manager.get_all_host_states())
        return [self._select(self._groups.join(spec), hosts, draw) for spec in specs]

    def _select(self, spec: RequestSpec, hosts: list[HostState], draw: random.Random) -> Selection:
        blank = Selection(spec.instance_uuid, spec.name)
        if spec.instance_group is not None:
            unsupported = unsupported_policy(spec.instance_group, self._enabled())
            if unsupported:
                return blank.but(message=f"{spec.name} was not placed: {unsupported}")
        trace = Trace()
        try:
            passing = self.host_manager.get_filtered_hosts(hosts, spec, self.filters, trace=trace)
            weighed = self.host_manager.get_weighed_hosts(passing, spec, self.weighers)
        except PluginFailed as exc:
            return blank.but(message=f"{spec.name} was not placed: {exc}")
        answer = blank.but(funnel=trace.funnel, refusals=trace.refusals)
        if not weighed:
            return self._refuse(answer, spec, hosts, trace)
        chosen = weighed.pop(draw.randrange(min(self.options.host_subset_size, len(weighed))))
        self._consume(spec, chosen.host_state)
        return answer.but(
            host=chosen.host_state.host,
            alternates=[item.host_state.host for item in weighed[: self.options.max_attempts - 1]],
            limits=dict(chosen.host_state.limits),
            weight=chosen.weight,
            weights=chosen.weights,
        )

    def _refuse(self, answer: Selection, spec: RequestSpec, hosts: list[HostState], trace: Trace) -> Selection:
        # Hosts that were left out by name would not be mended by any change to them.
        named = self.host_manager.get_filtered_hosts(hosts, spec, [])
        asked = [item for item in self.filters if item.run_on_forced or not spec.force_hosts]
        nearest = nearest_miss(named, spec, asked)
        message = no_valid_host(spec, len(hosts), trace, self.host_manager.unavailable, nearest)
        return answer.but(nearest_miss=nearest, message=message)

    def _consume(self, spec: RequestSpec, state: HostState) -> None:
        for item in self.filters:
            state.limits.update(item.limits(state))
        state.consume_from_instance(spec)
        state.instances[spec.instance_uuid] = _record(spec, state.host)
        self._groups.add(spec, state.host)

    def _enabled(self) -> set[str]:
        return {*self.options.enabled_filters, *self.options.enabled_weighers}


def _record(spec: RequestSpec, host: str) -> Instance:
    """Return the record of an instance that is about to be built, for filters that look at a host's instances."""
    wanted = InstanceSpec(
        name=spec.name,
        flavor=spec.flavor,
        image=spec.image,
        project_id=spec.project_id,
        availability_zone=spec.availability_zone,
        server_group=spec.instance_group.name if spec.instance_group else None,
    )
    return Instance(spec.instance_uuid, wanted, host=host)
