# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A map of the fleet for the terminal: a box per host, with its instances and what is taken of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Service
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport

from .observation import Observation
from .offer import read_offer
from .tables import WIDTH

INNER = 28
BAR = 8
RUNNING, OFF, OTHER = "●", "○", "◌"


def draw(observation: Observation, zones: Mapping[str, str]) -> str:
    """Return the map.

    Args:
        zones: The availability zone of each host that has one.
    """
    boxes = [_box(report, zones.get(host, "")) for host, report in observation.reports.items()]
    boxes.extend(_silent_box(host, reason) for host, reason in observation.unreachable.items())
    per_row = max(1, (WIDTH + 2) // (INNER + 6))
    rows = [_beside(boxes[start : start + per_row]) for start in range(0, len(boxes), per_row)]
    legend = f"{RUNNING} runs   {OFF} is off   {OTHER} not Novella's"
    return "\n".join([*rows, legend])


def _box(report: HostReport, zone: str) -> list[str]:
    offer = read_offer(report)
    unit = ("GB", 1024) if offer.memory_mb > 9999 else ("MB", 1)
    lines = [
        _bar("vcpus", offer.vcpus_used, offer.vcpus),
        _bar("memory", offer.memory_mb_used, offer.memory_mb, *unit),
        "",
    ]
    for seen in report.instances:
        spec = seen.instance.spec
        sign = RUNNING if seen.power_state == "running" else OFF
        lines.append(_line(sign, spec.name, spec.flavor.memory_mb, spec.server_group))
    lines.extend(_line(OTHER, domain.name, domain.memory_mb, None) for domain in report.foreign)
    return _frame(report.host, closed_mark(report.service) or zone, lines)


def closed_mark(service: Service) -> str:
    """Return in a word why a host takes no new instances; nothing for one that does."""
    if service.maintenance:
        return "maintenance"
    return "disabled" if service.disabled else ""


def _silent_box(host: str, reason: str) -> list[str]:
    return _frame(host, "", ["did not answer:", reason])


def _bar(label: str, used: int, capacity: int, unit: str = "", divisor: int = 1) -> str:
    full = min(BAR, round(BAR * used / capacity)) if capacity > 0 else BAR
    text = f"{used // divisor}/{capacity // divisor} {unit}"
    return f"{label:6} {'█' * full}{'░' * (BAR - full)} {text}".rstrip()


def _line(sign: str, name: str, memory_mb: int, group: str | None) -> str:
    text = f"{name} [{group}]" if group else name
    size = f"{memory_mb} MB"
    room = INNER - len(size) - 3
    return f"{sign} {_cut(text, room):{room}} {size}"


def _frame(title: str, right: str, lines: Iterable[str]) -> list[str]:
    right = f" {_cut(right, INNER // 2)} " if right else ""
    title = f" {_cut(title, INNER - len(right) - 3)} "
    top = f"┌{title}{'─' * (INNER + 2 - len(title) - len(right))}{right}┐"
    return [top, *(f"│ {_cut(line, INNER):{INNER}} │" for line in lines), f"└{'─' * (INNER + 2)}┘"]


def _beside(boxes: list[list[str]]) -> str:
    blank = " " * (INNER + 4)
    rows = zip_longest(*boxes, fillvalue=blank)
    return "\n".join("  ".join(row).rstrip() for row in rows)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"
