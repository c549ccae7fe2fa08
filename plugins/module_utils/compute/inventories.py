# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator declares of a host for placement: resource classes, traits and labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from ..objects.errors import InvalidInput, OptionInvalid, nearest
from ..objects.inventory import Inventory

# PCPU, the dedicated CPUs, has no inventory: they are fitted one by one.
VCPU, PCPU, MEMORY_MB, DISK_GB = "VCPU", "PCPU", "MEMORY_MB", "DISK_GB"
STANDARD_CLASSES = (VCPU, MEMORY_MB, DISK_GB)

_CUSTOM_CLASS = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}")
_TRAIT = re.compile(r"[A-Z0-9_]{1,255}")
_LABEL = re.compile(r"[A-Za-z0-9_:.-]{1,255}")
_KEYS = [field.name for field in fields(Inventory)]
# The host's own options say the rest of the standard classes.
_BOUNDS = ["min_unit", "max_unit", "step_size"]


def is_custom_class(name: str) -> bool:
    """Return whether this is the name of a resource class of the operator's own."""
    return _CUSTOM_CLASS.fullmatch(name) is not None


def is_trait(name: str) -> bool:
    """Return whether this may be the name of a trait."""
    return _TRAIT.fullmatch(name) is not None


def read_inventories(declared: Mapping[str, Any], totals: Mapping[str, int]) -> dict[str, Inventory]:
    """Return the inventories that the operator declares for a host.

    Args:
        declared: By resource class, a total or a mapping with the keys of Inventory. Of a standard class only what one
            instance may have can be given.
        totals: What the host has of the standard classes.

    Raises:
        OptionInvalid: A class, a key or a number makes no sense.
    """
    return {name: _read_inventory(str(name), value, totals) for name, value in declared.items()}


def read_traits(declared: Iterable[str]) -> list[str]:
    """Return the traits, sorted.

    Raises:
        OptionInvalid: One is no name of a trait.
    """
    for name in declared:
        if not is_trait(name):
            raise OptionInvalid(
                f"traits: {name!r:.80} is no trait.", "Write it in capitals, such as HW_CPU_X86_AVX2 or CUSTOM_RAID."
            )
    return sorted(set(declared))


def read_labels(declared: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels as text; templates often make numbers of what looks like one.

    Raises:
        OptionInvalid: A key is none, or a value is neither text nor a number nor a boolean.
    """
    labels = {}
    for key, value in declared.items():
        if not isinstance(key, str) or not _LABEL.fullmatch(key):
            raise OptionInvalid(f"labels: {key!r:.80} is no key.", "Use letters, digits, '_', '-', ':' and '.'.")
        if not isinstance(value, (str, int, float)) or value == "":
            raise OptionInvalid(f"labels.{key} must be text, not {value!r:.80}.")
        labels[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return labels


def _read_inventory(name: str, value: Any, totals: Mapping[str, int]) -> Inventory:
    where, is_standard = f"resources.{name}", name in STANDARD_CLASSES
    if not is_standard and not is_custom_class(name):
        raise OptionInvalid(
            f"resources: there is no resource class '{name:.80}'.{nearest(name, list(STANDARD_CLASSES))}",
            "Call your own CUSTOM_ and capitals, digits and '_', such as CUSTOM_LICENCE.",
        )
    if isinstance(value, int) and not isinstance(value, bool) and not is_standard:
        value = {"total": value}
    if not isinstance(value, Mapping):
        wanted = "a mapping" if is_standard else "a total or a mapping"
        raise OptionInvalid(f"{where} must be {wanted}, not {value!r:.60}.")
    allowed = _BOUNDS if is_standard else _KEYS
    for key in value:
        if key not in allowed:
            own = " The host's own options say it." if key in _KEYS else nearest(str(key), allowed)
            raise OptionInvalid(f"{where} has the unknown key '{key!s:.60}'.{own}", f"Known: {', '.join(allowed)}.")
    try:
        inventory = Inventory.from_dict({"total": totals[name], **value} if is_standard else value, where)
    except InvalidInput as error:
        raise OptionInvalid(error.message) from None
    _check(inventory, where)
    return inventory


def _check(inventory: Inventory, where: str) -> None:
    at_least = {"total": 0, "reserved": 0, "min_unit": 1, "step_size": 1, "max_unit": 1}
    for key, least in at_least.items():
        value = getattr(inventory, key)
        if value is not None and value < least:
            raise OptionInvalid(f"{where}.{key} must be at least {least}, not {value}.")
    if not 0 < inventory.allocation_ratio < float("inf"):
        raise OptionInvalid(f"{where}.allocation_ratio must be above 0, not {inventory.allocation_ratio}.")
    if inventory.max_unit is not None and inventory.max_unit < inventory.min_unit:
        raise OptionInvalid(f"{where}.max_unit is {inventory.max_unit}, less than min_unit {inventory.min_unit}.")
    if inventory.reserved > inventory.total:
        raise OptionInvalid(f"{where}.reserved is {inventory.reserved}, more than the total {inventory.total}.")
