# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of its host's time, disks and network a guest may take: ``quota:`` of a flavor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...objects.errors import InvalidInput
from .wish import Wish, number

_MOST = 10**15
DIRECTIONS = ("read", "write", "total")
# libvirt's names in an iotune element, which are Nova's behind quota:disk_; its schema wants one unit's together.
DISK_RATES = tuple(f"{direction}_{unit}_sec" for unit in ("bytes", "iops") for direction in DIRECTIONS)
DISK_LIMITS = (*DISK_RATES, *(f"{rate}_max" for rate in DISK_RATES), "size_iops_sec")
NIC_DIRECTIONS = ("inbound", "outbound")
NIC_PARTS = ("average", "peak", "burst")
CPU_LIMITS = ("shares", "period", "quota")


def _cpu() -> Iterator[Wish]:
    texts = {
        "shares": ("The guest's weight beside others'.", number(2, 262144), "2 to 262144, on cgroups v2 1 to 10000"),
        "period": ("The microseconds that its quota is for.", number(1000, 1000000), "1000 to 1000000"),
        "quota": ("The microseconds of each period that each vCPU may run.", number(1000, 10**12), "1000 and more"),
    }
    for part, (does, read, values) in texts.items():
        yield Wish(f"quota_cpu_{part}", does, read, f"quota:cpu_{part}", values=values)


def _disk() -> Iterator[Wish]:
    for limit in DISK_LIMITS:
        if limit == "size_iops_sec":
            does = "How many bytes count as one operation."
        else:
            direction, unit, *_rest = limit.split("_")
            unit = "bytes" if unit == "bytes" else "operations"
            does = f"{unit.capitalize()} per second, {'read and written' if direction == 'total' else direction}"
            does += ", for a moment." if limit.endswith("_max") else "."
        yield Wish(f"quota_disk_{limit}", does, number(1, _MOST), f"quota:disk_{limit}", values="1 and more")


def _nic() -> Iterator[Wish]:
    texts = {"average": "KiB per second", "peak": "KiB per second for a moment", "burst": "KiB at peak speed"}
    for direction in NIC_DIRECTIONS:
        for part, does in texts.items():
            way = "to" if direction == "inbound" else "from"
            name = f"vif_{direction}_{part}"
            yield Wish(
                f"quota_{name}", f"{does}, {way} the guest.", number(1, 2**31), f"quota:{name}", values="1 and more"
            )


WISHES = (*_cpu(), *_disk(), *_nic())


def check_limits(shape: Mapping[str, Any]) -> None:
    """Refuse limits that contradict each other, before QEMU or the kernel does.

    Raises:
        InvalidInput: Such as a peak without an average.
    """
    for unit in ("bytes", "iops"):
        total = [f"total_{unit}_sec", f"total_{unit}_sec_max"]
        parts = [f"{way}_{unit}_sec{end}" for way in ("read", "write") for end in ("", "_max")]
        both = [next((key for key in keys if f"quota_disk_{key}" in shape), "") for keys in (total, parts)]
        if all(both):
            raise InvalidInput(
                f"quota:disk_{both[0]} and quota:disk_{both[1]} exclude each other.", "Give one of them."
            )
    for rate in DISK_RATES:
        most = shape.get(f"quota_disk_{rate}_max")
        if most is not None and most < shape.get(f"quota_disk_{rate}", most + 1):
            raise InvalidInput(
                f"quota:disk_{rate}_max needs a quota:disk_{rate} that is not above it.", "Give both, the rate first."
            )
    for direction in NIC_DIRECTIONS:
        given = [part for part in NIC_PARTS if f"quota_vif_{direction}_{part}" in shape]
        if given and "average" not in given:
            raise InvalidInput(
                f"quota:vif_{direction}_{given[0]} needs quota:vif_{direction}_average.", "Give that, too."
            )
