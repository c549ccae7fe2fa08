# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scheduler's options, with Nova's names and defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.base import Record
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid, nearest

ENABLED_FILTERS = (
    "ComputeFilter",
    "AvailabilityZoneFilter",
    "RamFilter",
    "CoreFilter",
    "DiskFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
)
ENABLED_WEIGHERS = ("RAMWeigher", "CPUWeigher", "DiskWeigher")


@dataclass(frozen=True)
class SchedulerOptions(Record):
    """How hosts are chosen.

    `enabled_filters` run in their order; the default one shows cheap and general refusals first. `max_attempts`
    counts the builds of one instance, so that `max_attempts` - 1 alternates are named. Among the
    `host_subset_size` best hosts one is drawn, by `seed`; with 1 the best is taken.
    `default_availability_zone` is the zone of hosts that no aggregate gives one.
    """

    enabled_filters: list[str] = field(default_factory=lambda: list(ENABLED_FILTERS))
    enabled_weighers: list[str] = field(default_factory=lambda: list(ENABLED_WEIGHERS))
    ram_weight_multiplier: float = 1.0
    cpu_weight_multiplier: float = 1.0
    disk_weight_multiplier: float = 1.0
    host_subset_size: int = 1
    max_attempts: int = 3
    seed: int = 0
    default_availability_zone: str = "nova"

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], where: str = "scheduler") -> SchedulerOptions:
        """Build the options from what a user wrote; what is left out has its default.

        Args:
            where: How a message names the place.

        Raises:
            OptionInvalid: An option is unknown or out of its range.
            InvalidInput: A value has the wrong type.
        """
        known = [field.name for field in fields(cls)]
        for key in data:
            if key not in known:
                raise OptionInvalid(
                    f"{where} has the unknown option '{key}'.{nearest(key, known)}", f"Known are {', '.join(known)}."
                )
        options = cls.from_dict(data, where)
        options._check(where)
        return options

    def _check(self, where: str) -> None:
        for name in ("host_subset_size", "max_attempts"):
            if getattr(self, name) < 1:
                raise OptionInvalid(f"{where}.{name} must be at least 1, not {getattr(self, name)}.")
        for name in ("ram_weight_multiplier", "cpu_weight_multiplier", "disk_weight_multiplier"):
            if not math.isfinite(getattr(self, name)):
                raise OptionInvalid(f"{where}.{name} must be a finite number, not {getattr(self, name)}.")
        for name in ("enabled_filters", "enabled_weighers"):
            plugins = getattr(self, name)
            twice = next((plugin for index, plugin in enumerate(plugins) if plugin in plugins[:index]), None)
            if twice is not None:
                raise OptionInvalid(f"{where}.{name} names {twice} twice.")
