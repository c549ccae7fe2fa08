# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Weighs hosts, all at once, and finds the best (Nova's weights.normalize and its weight handler)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Optional, Union

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .arrays import Column, Mask, Rows, np
from .columns import HostColumns
from .errors import PluginFailed
from .host_state import HostState
from .weights import BaseHostWeigher, WeighedHost

# Up to so many best hosts are looked for one by one, which beats sorting all.
_FEW = 16


class Ranking:
    """Weighed hosts.

    Args:
        columns: All hosts.
        rows: Those that were weighed.
        by_weigher: The weights of these by weigher, normalised and multiplied. Empty: nothing was weighed.
    """

    def __init__(self, columns: HostColumns, rows: Rows, by_weigher: dict[str, Column]) -> None:
        self._columns = columns
        self._rows = rows
        self._by_weigher = by_weigher
        self._total = np.zeros(len(rows))
        for weights in by_weigher.values():
            self._total += weights

    def __len__(self) -> int:
        return len(self._rows)

    def is_finite(self) -> bool:
        """Return whether all weights are finite numbers."""
        return not len(self) or bool(np.isfinite(np.maximum.reduce(self._total)))

    def order(self, count: Optional[int] = None) -> list[int]:
        """Return the places of the best hosts, best first, equals in the order of the hosts.

        Args:
            count: How many; None for all.
        """
        count = len(self) if count is None else min(count, len(self))
        if count > _FEW:
            return [int(place) for place in np.argsort(-self._total, kind="stable")[:count]]
        left, best = self._total.copy(), []
        for _number in range(count):
            place = int(np.argmax(left))
            best.append(place)
            left[place] = -np.inf
        return best

    def tied(self) -> list[int]:
        """Return the places of all hosts that share the highest weight."""
        return [int(place) for place in np.flatnonzero(self._total == self._total.max())] if len(self) else []

    def row(self, place: int) -> int:
        """Return the row of the host at a place."""
        return int(self._rows[place])

    def weighed_host(self, place: int) -> WeighedHost:
        """Return the host at a place, with its weights."""
        # A negative multiplier makes -0.0 of nothing, which would be shown so.
        weights = {name: float(column[place]) + 0.0 for name, column in self._by_weigher.items()}
        return WeighedHost(self._columns.states[self.row(place)], float(self._total[place]) + 0.0, weights)


def rank(columns: HostColumns, among: Mask, spec: RequestSpec, weighers: Sequence[BaseHostWeigher]) -> Ranking:
    """Weigh hosts. A single one is not weighed, as in Nova.

    Raises:
        PluginFailed: A weigher raised, or weighed something as no finite number.
    """
    rows = np.flatnonzero(among)
    by_weigher: dict[str, Column] = {}
    if len(rows) > 1:
        for item in weighers:
            by_weigher[item.name] = weigh(item, columns, rows, spec)
    ranking = Ranking(columns, rows, by_weigher)
    # Looked at once for all weighers: a single number that is not finite makes the sum so.
    if not ranking.is_finite():
        for item in weighers:
            _refuse_infinite(item, columns, rows, spec)
    return ranking


def weigh(item: BaseHostWeigher, columns: HostColumns, rows: Rows, spec: RequestSpec) -> Column:
    """Return what one weigher makes of the hosts in these rows: clamped, normalised to 0..1 and multiplied.

    Raises:
        PluginFailed: The weigher raised, or answered something else than finite numbers.
        InvalidInput: The request makes no sense to it.
    """
    if not item.concerns(spec):
        return np.zeros(len(rows))
    shares = normalise(_raw(item, columns, rows, spec), item.minval, item.maxval)
    multiplier = _multiplier(item, columns, rows)
    if isinstance(multiplier, float) and multiplier == 1.0:
        return shares
    weights: Column = multiplier * shares
    return weights


def normalise(raw: Column, minval: Optional[float] = None, maxval: Optional[float] = None) -> Column:
    """Clamp weights to the ends of their scale, and map them to 0..1 (Nova's weights.normalize).

    All are 0 where both ends are equal.
    """
    if not len(raw):
        return raw
    if minval is not None:
        raw = np.maximum(raw, minval)
    if maxval is not None:
        raw = np.minimum(raw, maxval)
    low = float(np.minimum.reduce(raw)) if minval is None else minval
    high = float(np.maximum.reduce(raw)) if maxval is None else maxval
    if high == low:
        return np.zeros(len(raw))
    result: Column = (raw if low == 0 else raw - low) / (high - low)
    return result


def _raw(item: BaseHostWeigher, columns: HostColumns, rows: Rows, spec: RequestSpec) -> Column:
    try:
        every = item.raw(columns, spec)
    # A weigher may be anybody's code; its errors are told with its name.
    except (InvalidInput, PluginFailed):
        raise
    except Exception as exc:
        raise PluginFailed(item.name, f"raised {exc!r}") from exc
    if every is None:
        return np.array([_ask(item, columns.states[row], spec) for row in rows])
    return every if len(rows) == len(every) else every[rows]


def _refuse_infinite(item: BaseHostWeigher, columns: HostColumns, rows: Rows, spec: RequestSpec) -> None:
    """Raise PluginFailed where this weigher is the one that answered no finite number."""
    raw = _raw(item, columns, rows, spec)
    strange = np.flatnonzero(~np.isfinite(raw))
    if len(strange):
        place = int(strange[0])
        raise PluginFailed(item.name, f"weighed host {columns.states[int(rows[place])].host} as {raw[place]}")


def _ask(item: BaseHostWeigher, state: HostState, spec: RequestSpec) -> float:
    try:
        weight = float(item.weigh_object(state, spec))
    # A weigher may be anybody's code; its errors are told with its name.
    except (PluginFailed, InvalidInput):
        raise
    except Exception as exc:
        raise PluginFailed(item.name, f"raised {exc!r} on host {state.host}") from exc
    if not math.isfinite(weight):
        raise PluginFailed(item.name, f"weighed host {state.host} as {weight}")
    return weight


def _multiplier(item: BaseHostWeigher, columns: HostColumns, rows: Rows) -> Union[float, Column]:
    """Return what the weights are multiplied by: a number where no aggregate overrides it, else one per host."""
    found: Union[float, Column] = columns.derived((item, "multiplier"), lambda _states: _multipliers(item, columns))
    return found if isinstance(found, float) else found[rows]


def _multipliers(item: BaseHostWeigher, columns: HostColumns) -> Union[float, Column]:
    """Ask for the multiplier once for each set of aggregates, which is all that it depends on."""
    class_of, examples = columns.derived("sets of aggregates", _sets_of_aggregates)
    by_class = np.array([float(item.weight_multiplier(state)) for state in examples])
    if len(by_class) and (by_class == by_class[0]).all():
        return float(by_class[0])
    column: Column = by_class[class_of]
    return column


def _sets_of_aggregates(states: Sequence[HostState]) -> tuple[Rows, list[HostState]]:
    numbers: dict[tuple[str, ...], int] = {}
    examples: list[HostState] = []
    class_of = np.zeros(len(states), dtype=np.intp)
    for row, state in enumerate(states):
        number = numbers.setdefault(tuple([aggregate.name for aggregate in state.aggregates]), len(numbers))
        if number == len(examples):
            examples.append(state)
        class_of[row] = number
    return class_of, examples
