# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filters have in common that allow a host so many of something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .aggregate import Aggregate, whole_values
from .arrays import Column, Mask, np
from .columns import HostColumns
from .filters import BaseHostFilter, Reason
from .host_state import HostState


class CountLimitFilter(BaseHostFilter):
    """Only hosts that have fewer of something than an option allows.

    Attributes:
        figure: The figure of the host that counts them.
        option: The option that says how many are too many.
        things: What they are called.
    """

    figure: ClassVar[str]
    option: ClassVar[str]
    things: ClassVar[str]

    def limit(self, host_state: HostState) -> int:
        """Return how many are too many for a host."""
        limit: int = getattr(self.options, self.option)
        return limit

    def limit_of_all(self, columns: HostColumns) -> Column:
        """Return `limit` of all hosts."""
        return np.full(len(columns), getattr(self.options, self.option), dtype=np.float64)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        count, limit = getattr(host_state, self.figure), self.limit(host_state)
        if count < limit:
            return None
        return Reason(f"already has {count} of at most {limit} {self.things}", margin=count - limit + 1)

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        mask: Mask = columns[self.figure] < self.limit_of_all(columns)
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        surplus: Column = columns[self.figure] - self.limit_of_all(columns) + 1
        return surplus


class AggregateCountLimitFilter(CountLimitFilter):
    """The same, where the metadata of the host's aggregates may say otherwise under the option's name."""

    def limit(self, host_state: HostState) -> int:
        return lowest_integer(host_state.aggregates, self.option, super().limit(host_state))

    def limit_of_all(self, columns: HostColumns) -> Column:
        def make(states: Sequence[HostState]) -> Column:
            return np.array([self.limit(state) for state in states], dtype=np.float64)

        limits: Column = columns.derived((self, "limit"), make)
        return limits


def lowest_integer(aggregates: Iterable[Aggregate], key: str, default: int) -> int:
    """Return the lowest of the values of `key` (Nova's validate_num_values).

    One value that is no integer makes all of them void: then, and without any, it is `default`.
    """
    try:
        return min((int(value) for value in whole_values(aggregates, key)), default=default)
    except ValueError:
        return default
