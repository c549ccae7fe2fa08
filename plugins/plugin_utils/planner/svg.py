# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A map of the fleet as SVG: hosts as boxes, instances as blocks as high as their memory."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # it only writes here
from collections.abc import Iterator, Mapping

from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport

from .observation import Observation

COLUMNS = 6
BOX_WIDTH, SHELF, GAP, TOP, PAD = 170, 260, 18, 46, 10
FOOT = 34
LEGEND_WIDTH = 480
# Told apart by eyes of any colour vision (Okabe and Ito's palette); the first is for instances without a group.
PLAIN = "#56b4e9"
GROUPS = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#f0e442")
FOREIGN, RESERVED, INK, PAPER, LINE = "#b0b0b0", "#dddddd", "#222222", "#ffffff", "#888888"


def draw_svg(observation: Observation, zones: Mapping[str, str]) -> str:
    """Return the map as one SVG document.

    Args:
        zones: The availability zone of each host that has one.
    """
    reports = list(observation.reports.values())
    hosts = [*observation.reports, *observation.unreachable]
    columns = max(1, min(COLUMNS, len(hosts)))
    rows = -(-len(hosts) // columns)
    width = max(LEGEND_WIDTH, columns * (BOX_WIDTH + GAP) + GAP)
    height = rows * (TOP + SHELF + PAD + GAP) + GAP + FOOT
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "height": str(height),
            "font-family": "sans-serif",
            "font-size": "12",
        },
    )
    ET.SubElement(root, "title").text = "Where each instance is"
    _rect(root, 0, 0, width, height, PAPER)
    colours = _colours(reports)
    tallest = max((_capacity(report) for report in reports), default=1)
    for index, host in enumerate(hosts):
        left = GAP + (index % columns) * (BOX_WIDTH + GAP)
        top = GAP + (index // columns) * (TOP + SHELF + PAD + GAP)
        group = ET.SubElement(root, "g")
        _rect(group, left, top, BOX_WIDTH, TOP + SHELF + PAD, PAPER, stroke=LINE, rx="6")
        title = f"{host} · {zones[host]}" if host in zones else host
        _text(group, left + PAD, top + 18, title, weight="bold")
        if host in observation.reports:
            _draw_host(group, observation.reports[host], left, top, SHELF / tallest, colours)
        else:
            _text(group, left + PAD, top + 35, "did not answer", size="10")
    _draw_legend(root, colours, height - FOOT)
    return ET.tostring(root, encoding="unicode") + "\n"


def _draw_host(
    group: ET.Element, report: HostReport, left: float, top: float, scale: float, colours: Mapping[str, str]
) -> None:
    node = report.compute_node
    used = f"{node.memory_mb_used} of {_capacity(report)} MB, {node.vcpus_used} vCPUs"
    _text(group, left + PAD, top + 35, used, size="10")
    inner = BOX_WIDTH - 2 * PAD
    room = _capacity(report) * scale
    bottom = top + TOP + SHELF
    _rect(group, left + PAD, bottom - room, inner, room, PAPER, stroke=RESERVED)
    for label, memory_mb, colour, is_off in _blocks(report, colours):
        size = memory_mb * scale
        bottom -= size
        block = _rect(group, left + PAD, bottom, inner, size, colour, stroke=PAPER)
        ET.SubElement(block, "title").text = f"{label}, {memory_mb} MB"
        if is_off:
            block.set("fill-opacity", "0.4")
        if size >= 11:
            _text(
                group, left + PAD + 5, bottom + size / 2 + 4, label if len(label) <= 20 else label[:19] + "…", size="11"
            )


def _blocks(report: HostReport, colours: Mapping[str, str]) -> Iterator[tuple[str, int, str, bool]]:
    reserved = report.compute_node.reserved_host_memory_mb
    if reserved:
        yield "reserved", reserved, RESERVED, False
    for domain in report.foreign:
        yield domain.name, domain.memory_mb, FOREIGN, domain.power_state != "running"
    for seen in report.instances:
        spec = seen.instance.spec
        colour = colours.get(spec.server_group or "", PLAIN)
        yield spec.name, spec.flavor.memory_mb, colour, seen.power_state != "running"


def _draw_legend(root: ET.Element, colours: Mapping[str, str], top: float) -> None:
    left = float(GAP)
    entries = {**{f"group {name}": colour for name, colour in colours.items()}, "no group": PLAIN}
    for label, colour in {**entries, "not Novella's": FOREIGN, "reserved": RESERVED}.items():
        _rect(root, left, top, 12, 12, colour)
        _text(root, left + 18, top + 10, label, size="11")
        left += 34 + 6.5 * len(label)


def _colours(reports: list[HostReport]) -> dict[str, str]:
    names = {seen.instance.spec.server_group for report in reports for seen in report.instances}
    return {name: GROUPS[index % len(GROUPS)] for index, name in enumerate(sorted(name for name in names if name))}


def _capacity(report: HostReport) -> int:
    return max(1, int(report.compute_node.memory_mb * report.compute_node.ram_allocation_ratio))


def _rect(
    parent: ET.Element, left: float, top: float, width: float, height: float, fill: str, **attributes: str
) -> ET.Element:
    numbers = {"x": left, "y": top, "width": width, "height": max(0.0, height)}
    return ET.SubElement(
        parent, "rect", {**{key: f"{value:.1f}" for key, value in numbers.items()}, "fill": fill, **attributes}
    )


def _text(parent: ET.Element, left: float, top: float, text: str, size: str = "12", weight: str = "normal") -> None:
    place = {"x": f"{left:.1f}", "y": f"{top:.1f}", "fill": INK, "font-size": size, "font-weight": weight}
    ET.SubElement(parent, "text", place).text = text
