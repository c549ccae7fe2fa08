# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of a resource class a host has to give, in Placement's terms."""

from dataclasses import dataclass
from typing import Optional

from .base import Record


@dataclass(frozen=True)
class Inventory(Record):
    """Placement's inventory of one resource class on one host.

    One instance gets at least `min_unit`, at most `max_unit` and a multiple of `step_size`. Without a `max_unit` the
    most is `total`, as in Nova: an instance never gets more than there is, however far the host overcommits.
    """

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: Optional[int] = None
    step_size: int = 1
    allocation_ratio: float = 1.0

    @property
    def capacity(self) -> float:
        """Return how much may be given out in all (Placement's formula, which rounds nothing)."""
        return (self.total - self.reserved) * self.allocation_ratio

    @property
    def largest_unit(self) -> int:
        """Return the most that one instance gets."""
        return self.total if self.max_unit is None else self.max_unit
