# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.allocation_ratio import AggregateRatio

from .core_filter import CoreFilter


class AggregateCoreFilter(AggregateRatio, CoreFilter):
    """CoreFilter with over-commit by aggregate: the lowest `cpu_allocation_ratio` of the host's aggregates counts, and
    without one the host's own (Nova's AggregateCoreFilter).

    A value that is no number makes all of them void, as in Nova. Enable it in place of CoreFilter, which would go
    on refusing by the host's own ratio.
    """
