# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a request went where it went, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import (
    FilterCount,
    Refusal,
    RequestSpec,
)

from .errors import PluginFailed
from .filters import BaseHostFilter, Reason
from .host_state import HostState


@dataclass
class Trace:
    """What the filters did to one request: the funnel, and per host the first refusal."""

    funnel: list[FilterCount] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def named(self, step: str, reason: str, before: Sequence[HostState], after: Sequence[HostState]) -> None:
        """Note a step that goes by the hosts' names alone."""
        self._count(step, before, after)
        self.refusals += [Refusal(state.host, step, reason) for state in _lost(before, after)]

    def filtered(
        self, item: BaseHostFilter, spec: RequestSpec, before: Sequence[HostState], after: Sequence[HostState]
    ) -> None:
        """Note what a filter left of the hosts it saw, and ask it why it refused the others.

        Raises:
            PluginFailed: It raised.
        """
        self._count(item.name, before, after)
        for state in _lost(before, after):
            try:
                reason = item.refusal(state, spec) or Reason(f"is refused by {item.name}")
            # A filter may be anybody's code; its errors are told with its name.
            except Exception as exc:
                raise PluginFailed(item.name, f"raised {exc!r} on host {state.host}") from exc
            self.refusals.append(Refusal(state.host, item.name, str(reason)))

    def _count(self, name: str, before: Sequence[HostState], after: Sequence[HostState]) -> None:
        self.funnel.append(FilterCount(name, len(before), len(after)))


def nearest_miss(hosts: Sequence[HostState], spec: RequestSpec, filters: Sequence[BaseHostFilter]) -> Optional[str]:
    """Return what the smallest single change would have to mend: ``kvm2 lacks 512 MB of memory``.

    All filters are asked about each host. The host that the fewest refuse is named, and among equals the one
    that is refused by the smallest margin.

    Args:
        hosts: The candidates, all of which were refused.
    """
    best: tuple[int, float, str] | None = None
    for state in hosts:
        try:
            reasons = [why for item in filters if (why := item.refusal(state, spec)) is not None]
        # Here filters also see hosts that an earlier one keeps from them, and a user's may not be made for that.
        except Exception:  # noqa: S112
            continue
        rank = (len(reasons), sum(why.margin for why in reasons))
        if reasons and (best is None or rank < best[:2]):
            best = (*rank, f"{state.host} {' and '.join(why.text for why in reasons)}")
    return best[2] if best else None


def no_valid_host(
    spec: RequestSpec, total: int, trace: Trace, unavailable: Mapping[str, str], nearest: Optional[str]
) -> str:
    """Return the sentence that says why no host is valid.

    Args:
        total: How many hosts there are to choose from.
        unavailable: Hosts of which nothing is known, each with the reason.
        nearest: What `nearest_miss` returned.
    """
    parts = [f"No valid host for {spec.name} ({spec.flavor.name}): 0 of {total} host{'s' * (total != 1)} fit."]
    counts = [(step.before - step.after, step.name) for step in trace.funnel if step.before > step.after]
    if counts:
        counts.sort(key=lambda item: item[0], reverse=True)
        parts.append(", ".join(f"{name} refused {count}" for count, name in counts) + ".")
    if nearest:
        parts.append(f"Nearest: {nearest}.")
    elif wanted := _wanted_hosts(spec):
        parts.append(f"Only {' or '.join(wanted)} would do.")
    if unavailable:
        parts.append(
            "Not available: " + ", ".join(f"{host} ({why})" for host, why in sorted(unavailable.items())) + "."
        )
    return " ".join(parts)


def _lost(before: Sequence[HostState], after: Sequence[HostState]) -> list[HostState]:
    if len(before) == len(after):
        return []
    kept = {id(state) for state in after}
    return [state for state in before if id(state) not in kept]


def _wanted_hosts(spec: RequestSpec) -> list[str]:
    destination = spec.requested_destination
    return [destination.host] if destination and destination.host else spec.force_hosts
