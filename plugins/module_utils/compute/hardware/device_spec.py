# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which PCI devices of a host instances may have (nova.conf's ``[pci] device_spec``), and which of them are free."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ...objects.errors import OptionInvalid
from ...objects.pci import PciDevice, PciDevicePool

_ADDRESS = re.compile(r"([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")
_PARTS = ("domain", "bus", "slot", "function")
# They are found out, or would need what is not here.
_NO_TAGS = ("count", "dev_type", "devname", "numa_node")


def assignable_devices(devices: Iterable[PciDevice], specs: Sequence[Mapping[str, Any]]) -> list[PciDevice]:
    """Return the devices that an entry lets instances have, with its tags. Without entries there are none.

    An entry names ``vendor_id``, ``product_id`` and ``address``; what it leaves out does not matter. An address is a
    glob such as ``0000:03:*.*``, or a mapping of domain, bus, slot and function to regular expressions. The address
    of a physical function stands for its virtual functions too. All other keys are tags.

    Raises:
        OptionInvalid: An entry is malformed.
    """
    entries = [_read_entry(spec, f"pci_device_spec[{index}]") for index, spec in enumerate(specs)]
    found = []
    for device in sorted(devices, key=lambda item: item.address):
        entry = next((entry for entry in entries if entry.lets(device)), None)
        if entry is not None:
            found.append(device.but(tags=dict(entry.tags)))
    return found


def free_devices(devices: Sequence[PciDevice], used: Collection[str]) -> list[PciDevice]:
    """Return the devices that are not used, nor made unusable by one that is.

    A physical function is not to be had while one of its virtual functions is in use, nor they while it is.
    """
    busy_parents = {device.parent_addr for device in devices if device.parent_addr and device.address in used}
    return [
        device
        for device in devices
        if device.address not in used and device.parent_addr not in used and device.address not in busy_parents
    ]


def pool_devices(devices: Iterable[PciDevice]) -> list[tuple[PciDevicePool, list[PciDevice]]]:
    """Return the pools of equal devices, each with its devices.

    As in Nova a pool is of one address: the physical function's for virtual ones, else the device's own.
    """
    pools: dict[Any, list[PciDevice]] = {}
    for device in devices:
        key = (device.parent_addr or device.address, *sorted(device.tags.items()), _kind(device))
        pools.setdefault(key, []).append(device)
    return [(_pool(members), members) for members in pools.values()]


def _kind(device: PciDevice) -> tuple[Any, ...]:
    return (device.vendor_id, device.product_id, device.dev_type, device.numa_node)


def _pool(members: Sequence[PciDevice]) -> PciDevicePool:
    first = members[0]
    tags = {**first.tags, "address": first.parent_addr or first.address}
    return PciDevicePool(first.vendor_id, first.product_id, len(members), first.numa_node, first.dev_type, tags)


@dataclass(frozen=True)
class _Entry:
    """One entry of the option. `is_single` tells an address from a pattern of addresses."""

    ids: dict[str, Optional[str]]
    address: re.Pattern[str]
    is_single: bool
    tags: dict[str, str]

    def lets(self, device: PciDevice) -> bool:
        """Return whether the entry is of this device."""
        if any(wanted not in (None, getattr(device, key)) for key, wanted in self.ids.items()):
            return False
        if self.address.fullmatch(device.address):
            return True
        # A pattern names devices one by one; the single address of a physical function means what hangs on it.
        return bool(device.parent_addr and self.is_single and self.address.fullmatch(device.parent_addr))


def _read_entry(spec: Mapping[str, Any], where: str) -> _Entry:
    content = dict(spec)
    ids = {key: _read_id(f"{where}.{key}", content.pop(key, "*")) for key in ("vendor_id", "product_id")}
    address = content.pop("address", "*")
    wrong = next((key for key in _NO_TAGS if key in content), None)
    if wrong is not None:
        raise OptionInvalid(f"{where} has the key '{wrong}'.", "Name devices by address, vendor_id and product_id.")
    is_single = _ADDRESS.fullmatch(str(address).strip().lower()) is not None
    tags = {str(key): str(value) for key, value in content.items()}
    return _Entry(ids, _read_address(f"{where}.address", address), is_single, tags)


def _read_id(where: str, value: Any) -> Optional[str]:
    text = str(value).strip().lower()
    if text != "*" and not re.fullmatch(r"[0-9a-f]{4}", text):
        raise OptionInvalid(f"{where} is '{value}'.", "Give four hexadecimal digits, in quotes, or '*'.")
    return None if text == "*" else text


def _read_address(where: str, value: Any) -> re.Pattern[str]:
    if isinstance(value, Mapping):
        unknown = sorted(set(value) - set(_PARTS))
        if unknown:
            raise OptionInvalid(f"{where} has the unknown key '{unknown[0]}'.", f"Known are {', '.join(_PARTS)}.")
        parts = [f"(?:{value.get(part, '.*')})" for part in _PARTS]
    else:
        # The front may be left out: '0a:00.*' is of any domain.
        front, _dot, function = str(value).strip().lower().partition(".")
        named = [*front.split(":"), function or "*"]
        if len(named) > len(_PARTS) or not all(re.fullmatch(r"[0-9a-f*?]+", part) for part in named):
            raise OptionInvalid(f"{where} is '{value}'.", "Write it as '0000:03:00.0' or '*:03:*.*'.")
        globs = ["*"] * (len(_PARTS) - len(named)) + named
        parts = [part.replace("*", "[0-9a-f]*").replace("?", "[0-9a-f]") for part in globs]
    try:
        return re.compile(r"{}:{}:{}\.{}".format(*parts), re.IGNORECASE)
    except re.error as error:
        raise OptionInvalid(f"{where} is no pattern: {error}.") from error
