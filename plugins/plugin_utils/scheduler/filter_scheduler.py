# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses hosts for requests: filter, weigh, choose, consume."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.numa import NUMATopologyLimits
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec, Selection

from .columns import HostColumns
from .errors import PluginFailed
from .explain import nearest_miss, no_valid_host
from .filtering import Trace, run_filters
from .filters import BaseHostFilter
from .hardware_request import HardwareReader
from .host_manager import HostManager
from .options import SchedulerOptions
from .ranking import Ranking, rank
from .registry import load_filters, load_weighers
from .server_group import GroupLedger, objection


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
        self._hardware = HardwareReader(options)

    def select_destinations(self, specs: Sequence[RequestSpec]) -> list[Selection]:
        """Choose a host for each request, in order; each sees what the ones before it took.

        Returns:
            One selection per request, in the same order. A request that cannot be placed has no host, and a
            message that says why.
        """
        return list(self.select_each(specs))

    def select_each(self, specs: Iterable[RequestSpec]) -> Iterator[Selection]:
        """Choose a host for one request after the other, as they are asked for."""
        # A plan must come out the same however often it is made, so the draw starts anew with each batch.
        draw = random.Random(self.options.seed)  # noqa: S311
        columns = self.host_manager.get_columns()
        for spec in specs:
            yield self._select(self._groups.join(spec), columns, draw)

    def _select(self, spec: RequestSpec, columns: HostColumns, draw: random.Random) -> Selection:
        blank = Selection(spec.instance_uuid, spec.name)
        if spec.instance_group is not None:
            against = objection(spec.instance_group, self._enabled())
            if against:
                return blank.but(message=f"{spec.name} was not placed: {against}")
        if spec.where and "WhereFilter" not in self.options.enabled_filters:
            return blank.but(message=f"{spec.name} was not placed: where needs WhereFilter, which is not enabled.")
        try:
            spec = self._hardware.fill(spec)
            passing, trace = run_filters(columns, spec, self.filters)
            ranking = rank(columns, passing, spec, self.weighers)
            # Of a large fleet a placed request tells only how many hosts fell, and one that was not placed some.
            most, refused = self.options.explained_refusals, trace.refused()
            is_told = not len(ranking) or refused <= most
            refusals = trace.refusals(columns, most) if is_told else []
        except (InvalidInput, PluginFailed) as exc:
            return blank.but(message=f"{spec.name} was not placed: {exc}")
        if not len(ranking):
            answer = blank.but(funnel=trace.funnel, refusals=refusals, refusals_left_out=refused - len(refusals))
            return self._refuse(answer, spec, columns, trace)
        chosen, *alternates = self._draw(ranking, draw)
        winner = ranking.weighed_host(chosen)
        self._consume(spec, columns, ranking.row(chosen))
        return Selection(
            spec.instance_uuid,
            spec.name,
            host=winner.host_state.host,
            alternates=[columns.states[ranking.row(place)].host for place in alternates],
            limits=dict(winner.host_state.limits),
            weight=winner.weight,
            weights=winner.weights,
            funnel=trace.funnel,
            refusals=refusals,
            refusals_left_out=refused - len(refusals),
        )

    def _draw(self, ranking: Ranking, draw: random.Random) -> list[int]:
        """Return the places of the chosen host and of the next best ones."""
        options = self.options
        places = ranking.order(max(options.host_subset_size, options.max_attempts) + 1)
        if options.shuffle_best_same_weighed_hosts and len(tied := ranking.tied()) > 1:
            draw.shuffle(tied)
            best = set(tied)
            places = (tied + [place for place in places if place not in best])[: len(places)]
        chosen = places.pop(draw.randrange(min(options.host_subset_size, len(places))))
        return [chosen, *places[: options.max_attempts - 1]]

    def _refuse(self, answer: Selection, spec: RequestSpec, columns: HostColumns, trace: Trace) -> Selection:
        # Hosts that were left out by name would not be mended by any change to them.
        named, _trace = run_filters(columns, spec, [])
        nearest = nearest_miss(columns, named, spec, self._asked(spec))
        message = no_valid_host(spec, len(columns), trace, self.host_manager.unavailable, nearest)
        return answer.but(nearest_miss=nearest, message=message)

    def _consume(self, spec: RequestSpec, columns: HostColumns, row: int) -> None:
        state = columns.states[row]
        state.limits.clear()
        if spec.numa_topology is not None:
            # The order of cells is the claim's to keep, whether or not a filter limits them.
            packing = self.options.packing_host_numa_cells_allocation_strategy
            state.limits["numa_topology"] = NUMATopologyLimits(packing=packing).as_dict(sparse=True)
        for item in self._asked(spec):
            if item.concerns(spec):
                state.limits.update(item.limits(state))
        state.consume_from_instance(spec)
        state.instances[spec.instance_uuid] = _record(spec, state.host)
        columns.place(spec.instance_uuid, row)
        self._groups.add(spec, state.host)

    def _asked(self, spec: RequestSpec) -> list[BaseHostFilter]:
        """Return the filters that run for a request: on forced hosts only some do."""
        is_forced = bool(spec.force_hosts or spec.force_nodes)
        return [item for item in self.filters if item.run_on_forced or not is_forced]

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
