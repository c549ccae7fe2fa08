# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host aggregates, and how a key's values over several of them are read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.base import Record


@dataclass(frozen=True)
class Aggregate(Record):
    """A named set of hosts. The availability zone is one of its metadata keys, as in Nova."""

    name: str
    hosts: list[str] = field(default_factory=list)
    availability_zone: Optional[str] = None
    metadata: dict[str, str] = field(default_factory=dict)

    def value(self, key: str) -> Optional[str]:
        """Return the metadata value of `key`, or None."""
        if key == "availability_zone" and self.availability_zone is not None:
            return self.availability_zone
        return self.metadata.get(key)


def whole_values(aggregates: Iterable[Aggregate], key: str) -> set[str]:
    """Return the values of `key` as they are written (Nova's aggregate_values_from_key)."""
    return {value for aggregate in aggregates if (value := aggregate.value(key)) is not None}


def split_values(aggregates: Iterable[Aggregate], key: str) -> set[str]:
    """Return the values of `key`, split at commas (Nova's aggregate_metadata_get_by_host)."""
    return {part.strip() for value in whole_values(aggregates, key) for part in value.split(",")}


def lowest_number(values: set[str], default: float) -> float:
    """Return the lowest of the numbers (Nova's validate_num_values).

    One value that is no finite number makes all of them void: then, and without any, it is `default`.
    """
    if not values:
        return default
    try:
        lowest = min(float(value) for value in values)
    except ValueError:
        return default
    return lowest if math.isfinite(lowest) else default
