# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.count_limit import AggregateCountLimitFilter


class AggregateNumInstancesFilter(AggregateCountLimitFilter):
    """NumInstancesFilter, where aggregates may set `max_instances_per_host` (Nova's AggregateNumInstancesFilter).

    Of several the lowest counts; one that is no integer makes all of them void.
    """

    figure = "num_instances"
    option = "max_instances_per_host"
    things = "instances"
