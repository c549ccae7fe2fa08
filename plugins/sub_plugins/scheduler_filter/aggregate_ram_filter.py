# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.allocation_ratio import AggregateRatio

from .ram_filter import RamFilter


class AggregateRamFilter(AggregateRatio, RamFilter):
    """RamFilter with over-commit by aggregate: the lowest `ram_allocation_ratio` of the host's aggregates counts, and
    without one the host's own (Nova's AggregateRamFilter).

    A value that is no number makes all of them void, as in Nova. Enable it in place of RamFilter, which would go
    on refusing by the host's own ratio.
    """
