# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a weigher is, and how weights are made comparable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .aggregate import lowest_number, whole_values
from .errors import PluginFailed
from .host_state import HostState
from .options import SchedulerOptions


@dataclass
class WeighedHost:
    """A host and its score: in all, and by weigher."""

    host_state: HostState
    weight: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)


class BaseHostWeigher:
    """Base of all weighers. One class per file, found by its name. More weight is better.

    Attributes:
        minval, maxval: Raw weights are clamped to these, and they are the ends of the scale. Where one is
            None, the lowest or highest of the hosts' raw weights is that end.
        multiplier_option: The scheduler option, and the aggregate metadata key that overrides it per host.
            Empty: the multiplier is always 1.
    """

    minval: ClassVar[Optional[float]] = None
    maxval: ClassVar[Optional[float]] = None
    multiplier_option: ClassVar[str] = ""

    def __init__(self, name: str, options: SchedulerOptions) -> None:
        self.name = name
        self.options = options

    def weight_multiplier(self, host_state: HostState) -> float:
        """Return what the normalised weight is multiplied by: the lowest override of the host's aggregates, or
        the option."""
        if not self.multiplier_option:
            return 1.0
        default: float = getattr(self.options, self.multiplier_option)
        if not host_state.aggregates:
            return default
        return lowest_number(whole_values(host_state.aggregates, self.multiplier_option), default)

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        """Return the raw weight of one host."""
        raise NotImplementedError  # a subclass without it is a defect, and says so

    def weigh_objects(self, hosts: Sequence[HostState], spec: RequestSpec) -> list[float]:
        """Return the hosts' weights, clamped, normalised to 0..1 and multiplied.

        Raises:
            PluginFailed: The weigher raised, or answered something else than a finite number.
        """
        raw = []
        for host_state in hosts:
            try:
                weight = float(self.weigh_object(host_state, spec))
            # A weigher may be anybody's code; its errors are told with its name.
            except Exception as exc:
                raise PluginFailed(self.name, f"raised {exc!r} on host {host_state.host}") from exc
            if not math.isfinite(weight):
                raise PluginFailed(self.name, f"weighed host {host_state.host} as {weight}")
            raw.append(weight)
        shares = normalise(raw, self.minval, self.maxval)
        return [self.weight_multiplier(host_state) * share for host_state, share in zip(hosts, shares)]


def normalise(raw: list[float], minval: Optional[float] = None, maxval: Optional[float] = None) -> list[float]:
    """Clamp weights to the ends of their scale, and map them to 0..1 (Nova's weights.normalize).

    All are 0 where both ends are equal.
    """
    if minval is not None:
        raw = [max(weight, minval) for weight in raw]
    if maxval is not None:
        raw = [min(weight, maxval) for weight in raw]
    if not raw:
        return []
    low = min(raw) if minval is None else minval
    high = max(raw) if maxval is None else maxval
    if high == low:
        return [0.0] * len(raw)
    return [(weight - low) / (high - low) for weight in raw]
