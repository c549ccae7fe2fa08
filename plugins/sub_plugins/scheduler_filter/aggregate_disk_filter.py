# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.allocation_ratio import AggregateRatio

from .disk_filter import DiskFilter


class AggregateDiskFilter(AggregateRatio, DiskFilter):
    """DiskFilter with over-commit by aggregate: the lowest `disk_allocation_ratio` of the host's aggregates counts, and
    without one the host's own (Nova's AggregateDiskFilter).

    A value that is no number makes all of them void, as in Nova. Enable it in place of DiskFilter, which would go
    on refusing by the host's own ratio.
    """
