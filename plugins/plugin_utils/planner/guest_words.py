# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What guests use and what they said, as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .tables import indent

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def use_of(item: Mapping[str, Any]) -> list[str]:
    """Return the lines about what a guest uses.

    Args:
        item: An instance, as module instance_info tells it with its diagnostics.
    """
    told = item["diagnostics"]
    words = item["diagnostics_reason"] if told is None else ", ".join(_figures(told))
    return indent(f"{item['name']} on {item['host']}: {words}")


def console_of(item: Mapping[str, Any]) -> list[str]:
    """Return the lines that an instance's console ends with, under its name."""
    said = item["console_output"].splitlines() or ["(nothing)"]
    return [f"  {item['name']} on {item['host']}", *(f"    {line}" for line in said)]


def _figures(told: Mapping[str, Any]) -> Iterator[str]:
    yield told["state"] if told["uptime"] is None else f"{told['state']} for {told['uptime']} s"
    spent = _sum(told["cpu_details"], "time")
    if spent is not None:
        yield f"CPU time {spent / 1e9:.1f} s"
    memory = told["memory_details"]
    if memory["used"] is not None:
        yield f"memory {memory['used']} of {memory['maximum']} MiB"
    disks, nics = told["disk_details"], told["nic_details"]
    yield from _volumes([(disks, "read", "read_bytes"), (disks, "written", "write_bytes")])
    yield from _volumes([(nics, "received", "rx_octets"), (nics, "sent", "tx_octets")])


def _volumes(parts: Iterable[tuple[list[Mapping[str, Any]], str, str]]) -> Iterator[str]:
    for devices, word, key in parts:
        volume = _sum(devices, key)
        if volume is not None:
            yield f"{word} {_size(volume)}"


def _sum(devices: Iterable[Mapping[str, Any]], key: str) -> int | None:
    """Return the sum of what is known, or None."""
    known = [device[key] for device in devices if device[key] is not None]
    return sum(known) if known else None


def _size(volume: float) -> str:
    for unit in UNITS[:-1]:
        if volume < 1024:
            return f"{volume:.0f} {unit}" if unit == "B" else f"{volume:.1f} {unit}"
        volume /= 1024
    return f"{volume:.1f} {UNITS[-1]}"
