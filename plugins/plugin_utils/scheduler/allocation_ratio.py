# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the filters of resources take the over-commit ratio from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .aggregate import lowest_number, whole_values
from .arrays import Column, np
from .columns import HostColumns
from .host_state import HostState


class HostRatio:
    """The ratio that the host itself reports.

    Attributes:
        ratio_name: The attribute of the host state, and the metadata key of aggregates.
    """

    ratio_name: ClassVar[str]

    def ratio(self, host_state: HostState) -> float:
        """Return the ratio of one host."""
        own: float = getattr(host_state, self.ratio_name)
        return own

    def ratios(self, columns: HostColumns) -> Column:
        """Return the ratios of all hosts."""
        return columns[self.ratio_name]


class AggregateRatio(HostRatio):
    """The lowest ratio that an aggregate of the host sets, else the host's own. To be named before the filter that it
    changes.

    An aggregate's ratio may be lower or higher than the host's, unless the operator has fixed that: no claim would be
    granted beyond it. Nova tells the two apart too, ``cpu_allocation_ratio`` and ``initial_cpu_allocation_ratio``, but
    its filters go beyond either.
    """

    def ratio(self, host_state: HostState) -> float:
        own = super().ratio(host_state)
        lowest = lowest_number(whole_values(host_state.aggregates, self.ratio_name), own)
        return min(lowest, own) if self.ratio_name in host_state.fixed_allocation_ratios else lowest

    def ratios(self, columns: HostColumns) -> Column:
        column: Column = columns.derived((AggregateRatio, self.ratio_name), self._derive)
        return column

    def _derive(self, states: Sequence[HostState]) -> Column:
        return np.array([self.ratio(state) for state in states], dtype=np.float64)
