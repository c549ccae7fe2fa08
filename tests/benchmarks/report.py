# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, as people read it."""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Aim:
    """How many times faster than the loop Novella is to be."""

    case: str
    factor: float


@dataclass(frozen=True)
class Figures:
    """Wall seconds by case and contestant, each of all rounds."""

    seconds: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def add(self, case: str, contestant: str, seconds: float) -> None:
        self.seconds[case][contestant].append(seconds)

    def middle(self, case: str, contestant: str) -> float:
        """Return the median."""
        return median(self.seconds[case][contestant])

    def factor(self, case: str, contestant: str, baseline: str) -> float:
        """Return how many times faster a contestant is than the baseline."""
        return self.middle(case, baseline) / self.middle(case, contestant)


def figures_table(figures: Figures, baseline: str) -> str:
    """Return the medians, with how many times faster than the baseline each is."""
    contestants = list(dict.fromkeys(name for runs in figures.seconds.values() for name in runs))
    rows = [["seconds (times faster than the loop)", *figures.seconds]]
    for name in contestants:
        row = [name]
        for case, runs in figures.seconds.items():
            row.append(
                f"{figures.middle(case, name):.2f} ({figures.factor(case, name, baseline):.1f})"
                if name in runs
                else "-"
            )
        rows.append(row)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        row[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])


def ratio_lines(figures: Figures, case: str, baseline: str, aims: dict[str, float]) -> str:
    """Return the medians of a case with how many times the baseline's each is, and whether that is within its aim."""
    lines = []
    for name in figures.seconds[case]:
        ratio = 1 / figures.factor(case, name, baseline)
        aim = (
            f"  (aim at most {aims[name]:g}: {'reached' if ratio <= aims[name] else 'MISSED'})" if name in aims else ""
        )
        times = " ".join(f"{value:.2f}" for value in sorted(figures.seconds[case][name]))
        lines.append(f"  {figures.middle(case, name):7.2f} s  {ratio:5.2f} × ping  {name:<22}{aim:<26}  [{times}]")
    return "\n".join(lines)


def all_figures(figures: Figures) -> str:
    """Return every single time, so that a reader sees the spread."""
    lines = ["All rounds"]
    for case, runs in figures.seconds.items():
        lines += [f"  {case}: {name}: {'  '.join(f'{value:.2f}' for value in times)}" for name, times in runs.items()]
    return "\n".join(lines)


def aims_table(figures: Figures, aims: list[Aim], contestant: str, baseline: str) -> str:
    """Return which aims were reached."""
    lines = ["Aims"]
    for aim in aims:
        factor = figures.factor(aim.case, contestant, baseline)
        verdict = "reached" if factor >= aim.factor else "MISSED"
        lines.append(f"  {aim.case}: at least {aim.factor:g} times faster than the loop: {factor:.1f}, {verdict}")
    return "\n".join(lines)


def machine() -> str:
    """Return what the figures depend on, and how busy it is with something else."""
    model = "processor unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}, load {load:.1f} before the start"
