# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PCI aliases (nova.conf's ``[pci] alias``): names for kinds of devices, and what a flavor asks for by them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ...objects.errors import InvalidInput, OptionInvalid, nearest
from ...objects.ingredients import Flavor, Image
from ...objects.pci import PHYSICAL_FUNCTION, STANDARD, VIRTUAL_FUNCTION, PciRequest
from .wishes import PCI_POLICIES, Wishes

EXTRA_SPEC = "pci_passthrough:alias"

_DEVICE_TYPES = (STANDARD, PHYSICAL_FUNCTION, VIRTUAL_FUNCTION)
_KEYS = (
    "name",
    "vendor_id",
    "product_id",
    "device_type",
    "numa_policy",
    "live_migratable",
    "capability_type",
    "resource_class",
    "traits",
)
_TRUE, _FALSE = ("1", "t", "true", "on", "y", "yes"), ("0", "f", "false", "off", "n", "no")


def requested_devices(flavor: Flavor, image: Optional[Image], aliases: Sequence[Mapping[str, Any]]) -> list[PciRequest]:
    """Return the devices that the flavor asks for with ``pci_passthrough:alias`` (Nova's get_pci_requests_from_flavor).

    How near to the instance's cells they must be, ``hw:pci_numa_affinity_policy`` says, or else the alias.

    Raises:
        InvalidInput: The extra spec is malformed, or names an alias that does not exist.
        OptionInvalid: An alias is malformed.
    """
    text = flavor.extra_specs.get(EXTRA_SPEC)
    if not text:
        return []
    known = read_aliases(aliases)
    policy = Wishes(flavor, image).pci_numa_policy()
    requests = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([^:]+?)\s*:\s*([0-9]{1,4})\s*", part)
        if match is None or int(match[2]) < 1:
            raise InvalidInput(f"{EXTRA_SPEC} of flavor '{flavor.name}' is '{text}'.", "Write it as 'name:count'.")
        alias = known.get(match[1])
        if alias is None:
            raise InvalidInput(
                f"Flavor '{flavor.name}' asks for the PCI alias '{match[1]}', which is not declared."
                f"{nearest(match[1], list(known))}",
                "Declare it in the scheduler's option pci_alias.",
            )
        requests.append(alias.but(count=int(match[2]), numa_policy=policy or alias.numa_policy))
    return requests


def read_aliases(aliases: Sequence[Mapping[str, Any]]) -> dict[str, PciRequest]:
    """Return a request for one device per alias, by name. Several entries of one name are alternatives.

    Raises:
        OptionInvalid: An entry is malformed, or contradicts another one of its name.
    """
    found: dict[str, PciRequest] = {}
    for index, entry in enumerate(aliases):
        where = f"pci_alias[{index}]"
        name, policy, spec = _read_entry(entry, where)
        request = found.get(name, PciRequest(1, [], name, policy))
        if request.numa_policy != policy:
            raise OptionInvalid(f"{where} and another entry of the alias '{name}' differ in numa_policy.")
        if request.spec and request.spec[0].get("dev_type") != spec.get("dev_type"):
            raise OptionInvalid(f"{where} and another entry of the alias '{name}' differ in device_type.")
        found[name] = request.but(spec=[*request.spec, spec])
    return found


def _read_entry(entry: Mapping[str, Any], where: str) -> tuple[str, str, dict[str, str]]:
    """Return name, NUMA policy and what a device must have."""
    for key in entry:
        if key not in _KEYS:
            raise OptionInvalid(f"{where} has the unknown key '{key}'.{nearest(key, list(_KEYS))}")
    content = {key: str(value).strip() for key, value in entry.items()}
    name, policy = content.get("name", ""), content.get("numa_policy", "legacy")
    if not name:
        raise OptionInvalid(f"{where} lacks a name.")
    for key in ("vendor_id", "product_id"):
        if not re.fullmatch(r"[0-9a-fA-F]{4}", content.get(key, "")):
            raise OptionInvalid(f"{where}.{key} must be four hexadecimal digits, in quotes, such as '8086'.")
    spec = {key: content[key].lower() for key in ("vendor_id", "product_id")}
    _check_choice(f"{where}.numa_policy", policy, PCI_POLICIES)
    if "device_type" in content:
        _check_choice(f"{where}.device_type", content["device_type"], _DEVICE_TYPES)
        spec["dev_type"] = content["device_type"]
    if "live_migratable" in content:
        wish = content["live_migratable"].lower()
        _check_choice(f"{where}.live_migratable", wish, (*_TRUE, *_FALSE))
        spec["live_migratable"] = "true" if wish in _TRUE else "false"
    return name, policy, spec


def _check_choice(where: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise OptionInvalid(f"{where} is '{value}'.", f"It is one of {', '.join(choices)}.")
