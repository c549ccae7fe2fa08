# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what an instance asks for fits a host's inventories (Placement's arithmetic).

    fits(a) = used + a <= (total - reserved) * allocation_ratio, min_unit <= a <= max_unit, a % step_size == 0

Of the standard classes only the bounds are tested here; their capacity is what the host itself has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..objects.inventory import Inventory
from .inventories import STANDARD_CLASSES
from .resource_request import ResourceRequest


@dataclass(frozen=True)
class Lack:
    """Why an amount does not fit.

    Args:
        text: To be read behind the host's name: ``lacks 1 CUSTOM_LICENCE``.
        detail: Figures to it.
        share: What is lacking as a share of what was asked for; 1 where that cannot be measured.
    """

    text: str
    detail: str = ""
    share: float = 1.0

    def __str__(self) -> str:
        return f"{self.text} ({self.detail})" if self.detail else self.text


def lacks(request: ResourceRequest, inventories: Mapping[str, Inventory], used: Mapping[str, int]) -> Iterator[Lack]:
    """Yield everything that keeps the request from fitting.

    Args:
        inventories: What the host declares, by resource class.
        used: What instances take of it already.
    """
    if request.is_scattered:
        yield Lack("is one provider, and group_policy=isolate wants several")
    for name, amounts in request.parts.items():
        inventory = inventories.get(name)
        if inventory is None:
            if name not in STANDARD_CLASSES:
                yield Lack(f"has no {name}")
            continue
        yield from _bounds(name, amounts, inventory)
        if name not in STANDARD_CLASSES:
            yield from _capacity(name, sum(amounts), inventory, used.get(name, 0))


def _bounds(name: str, amounts: tuple[int, ...], inventory: Inventory) -> Iterator[Lack]:
    asked, least, most, step = sum(amounts), inventory.min_unit, inventory.largest_unit, inventory.step_size
    if min(amounts) < least:
        yield Lack(f"gives an instance at least {least} {name}", f"{min(amounts)} asked for")
    if asked > most:
        yield Lack(f"gives an instance at most {most} {name}", f"{asked} asked for", (asked - most) / asked)
    odd = next((amount for amount in amounts if amount % step), None)
    if odd is not None:
        yield Lack(f"gives {name} in steps of {step}", f"{odd} asked for")


def _capacity(name: str, asked: int, inventory: Inventory, used: int) -> Iterator[Lack]:
    free = inventory.capacity - used
    if asked > free:
        detail = f"{max(0.0, free):g} of {inventory.capacity:g} free"
        yield Lack(f"lacks {asked - free:g} {name}", detail, min(1.0, (asked - free) / asked))
