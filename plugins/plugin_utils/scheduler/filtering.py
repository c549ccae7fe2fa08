# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs filters over columns of hosts, in order, and keeps account of what each left over."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import (
    FilterCount,
    Refusal,
    RequestSpec,
)

from .arrays import Mask, np
from .classes import HostClasses
from .columns import HostColumns
from .errors import PluginFailed
from .filters import BaseHostFilter, Reason
from .host_state import HostState


@dataclass(frozen=True)
class Step:
    """What one filter, or one rule that goes by names, left of the hosts it saw: which, and how many."""

    name: str
    before: Mask
    after: Mask
    seen: int
    left: int
    reason: Callable[[HostState], str]


@dataclass
class Trace:
    """What became of the hosts of one request, step by step."""

    steps: list[Step] = field(default_factory=list)

    @property
    def funnel(self) -> list[FilterCount]:
        """Return how many hosts each step saw and left."""
        return [FilterCount(step.name, step.seen, step.left) for step in self.steps]

    def refused(self) -> int:
        """Return how many hosts were refused."""
        return self.steps[0].seen - self.steps[-1].left if self.steps else 0

    def refusals(self, columns: HostColumns, most: int) -> list[Refusal]:
        """Return each refused host with the step that refused it, and why.

        Args:
            most: How many to return at most. Where there are more, each step has its share of them.

        Raises:
            PluginFailed: A filter raised.
        """
        refusing = [step for step in self.steps if step.left < step.seen]
        refused = [(step, np.flatnonzero(step.before & ~step.after)) for step in refusing]
        shares = _share([len(rows) for _step, rows in refused], most)
        return [
            Refusal(columns.states[row].host, step.name, step.reason(columns.states[row]))
            for (step, rows), share in zip(refused, shares, strict=True)
            for row in rows[:share]
        ]


def _share(counts: Sequence[int], most: int) -> list[int]:
    """Return how many of each count to take so that no more than `most` are taken in all, the small ones whole."""
    shares = [0] * len(counts)
    for left, place in zip(range(len(counts), 0, -1), sorted(range(len(counts)), key=lambda place: counts[place])):
        shares[place] = min(counts[place], most // left)
        most -= shares[place]
    return shares


def run_filters(
    columns: HostColumns, spec: RequestSpec, filters: Sequence[BaseHostFilter], index: int = 0
) -> tuple[Mask, Trace]:
    """Return which hosts can take the request.

    A requested destination and the hosts to ignore come first, then the forced hosts and nodes: those skip all
    filters but the ones with `run_on_forced`. Filters run in order until no host is left.

    Args:
        index: Which instance of a request of several this is; for all but 0, filters with
            `run_filter_once_per_request` are skipped.

    Raises:
        PluginFailed: A filter raised.
        InvalidInput: The request makes no sense to a filter.
    """
    left, count, trace = columns.all(), len(columns), Trace()
    for name, reason, kept in _named_hosts(columns, spec):
        before, left = left, left & kept
        seen, count = count, int(np.count_nonzero(left))
        trace.steps.append(Step(name, before, left, seen, count, _always(reason)))
    is_forced = bool(spec.force_hosts or spec.force_nodes)
    for item in filters:
        if not count:
            break
        if (is_forced and not item.run_on_forced) or (index and item.run_filter_once_per_request):
            continue
        before, left = left, left & passing(item, columns, left, spec)
        seen, count = count, int(np.count_nonzero(left))
        why = functools.partial(explain, item, spec, columns)
        trace.steps.append(Step(item.name, before, left, seen, count, why))
    return left, trace


def passing(item: BaseHostFilter, columns: HostColumns, among: Mask, spec: RequestSpec) -> Mask:
    """Return which hosts a filter passes, by the fastest way that it offers. Hosts not among these may be missing.

    Raises:
        PluginFailed: The filter raised.
        InvalidInput: The request makes no sense to it.
    """
    kind = type(item)
    try:
        if not item.concerns(spec):
            return among
        if kind.filter_all is not BaseHostFilter.filter_all:
            hosts = [columns.states[row] for row in np.flatnonzero(among)]
            return columns.only(columns.rows_of(state.host for state in item.filter_all(hosts, spec)))
        if kind.host_key is not BaseHostFilter.host_key:
            classes: HostClasses = columns.derived(item, lambda states: HostClasses(states, item.host_key))
            return classes.mask(item.request_key(spec), lambda state: item.judge(state, spec))
        mask = item.mask(columns, spec)
    except (InvalidInput, PluginFailed):
        raise
    # A filter may be anybody's code; its errors are told with its name.
    except Exception as exc:
        raise PluginFailed(item.name, f"raised {exc!r}") from exc
    if mask is not None:
        return mask
    return columns.only(int(row) for row in np.flatnonzero(among) if item.judge(columns.states[row], spec))


def explain(item: BaseHostFilter, spec: RequestSpec, columns: HostColumns, state: HostState) -> str:
    """Return why a filter refuses a host.

    Raises:
        PluginFailed: It raised.
        InvalidInput: The request makes no sense to it.
    """
    kind = type(item)
    try:
        if kind.host_key is not BaseHostFilter.host_key and kind.refusal_among is BaseHostFilter.refusal_among:
            # What is said of one host goes for all of its class.
            classes: HostClasses = columns.derived(item, lambda states: HostClasses(states, item.host_key))
            row = columns.row_of[state.host]
            return classes.answer(item.request_key(spec), row, lambda: _reason(item, columns, state, spec))
        return _reason(item, columns, state, spec)
    except InvalidInput:
        raise
    # A filter may be anybody's code; its errors are told with its name.
    except Exception as exc:
        raise PluginFailed(item.name, f"raised {exc!r} on host {state.host}") from exc


def _reason(item: BaseHostFilter, columns: HostColumns, state: HostState, spec: RequestSpec) -> str:
    return str(item.refusal_among(columns, state, spec) or Reason(f"is refused by {item.name}"))


def _named_hosts(columns: HostColumns, spec: RequestSpec) -> Iterator[tuple[str, str, Mask]]:
    """Yield the steps that go by names alone: what each is called, how it refuses, and whom it keeps.

    As in Nova, hosts to ignore and forced hosts are found whatever their case; a destination and nodes are not.
    """
    destination = spec.requested_destination
    if destination is not None and destination.host is not None:
        wanted = columns.rows_of([destination.host])
        if destination.node is not None:
            wanted = [row for row in wanted if columns.states[row].nodename == destination.node]
        name = ":".join(dict.fromkeys(part for part in (destination.host, destination.node) if part))
        yield "requested_destination", f"is not {name}, the requested destination", columns.only(wanted)
    if spec.ignore_hosts:
        yield "ignore_hosts", "is to be ignored", ~columns.only(_any_case(columns, spec.ignore_hosts))
    if spec.force_hosts:
        forced = columns.only(_any_case(columns, spec.force_hosts))
        yield "force_hosts", f"is not {' or '.join(spec.force_hosts)}, as forced", forced
    if spec.force_nodes:
        rows = [row for row, state in enumerate(columns.states) if state.nodename in spec.force_nodes]
        yield "force_nodes", f"is not node {' or '.join(spec.force_nodes)}, as forced", columns.only(rows)


def _always(reason: str) -> Callable[[HostState], str]:
    return lambda _state: reason


def _any_case(columns: HostColumns, hosts: Sequence[str]) -> list[int]:
    rows: dict[str, list[int]] = columns.derived("rows by lower-case name", _by_lower_name)
    return [row for host in hosts for row in rows.get(host.lower(), ())]


def _by_lower_name(states: Sequence[HostState]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, state in enumerate(states):
        rows.setdefault(state.host.lower(), []).append(row)
    return rows
