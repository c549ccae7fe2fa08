# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A map of the fleet as SVG: a box per host, how full it is, and a block per instance as wide as its memory."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # it only writes here
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport

from .observation import Observation
from .offer import Offer, read_offer
from .picture import closed_mark

COLUMNS = 5
BOX_WIDTH, GAP, PAD = 220, 18, 12
HEAD, BAR, BLOCK = 28, 20, 24
FOOT = 34
LEGEND_WIDTH = 480
# A block must have room for its name, however small the instance.
LEAST_SHARE = 0.45
# Told apart by eyes of any colour vision (Okabe and Ito's palette); the first is for instances without a group.
PLAIN = "#56b4e9"
GROUPS = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#f0e442")
FOREIGN, FREE, USED, INK, PAPER, LINE = "#b0b0b0", "#eeeeee", "#9aa5b1", "#222222", "#ffffff", "#888888"


@dataclass(frozen=True)
class Block:
    """One guest in the drawing."""

    label: str
    memory_mb: int
    colour: str
    is_off: bool


def draw_svg(observation: Observation, zones: Mapping[str, str]) -> str:
    """Return the map as one SVG document.

    Args:
        zones: The availability zone of each host that has one.
    """
    reports = list(observation.reports.values())
    hosts = [*observation.reports, *observation.unreachable]
    colours = _colours(reports)
    blocks = {report.host: list(_blocks(report, colours)) for report in reports}
    largest = max((block.memory_mb for each in blocks.values() for block in each), default=1)
    columns = max(1, min(COLUMNS, len(hosts)))
    box_height = HEAD + 2 * BAR + PAD + max((len(each) for each in blocks.values()), default=0) * BLOCK + PAD
    width = max(LEGEND_WIDTH, columns * (BOX_WIDTH + GAP) + GAP)
    height = -(-len(hosts) // columns) * (box_height + GAP) + GAP + FOOT
    root = _page(width, height)
    for index, host in enumerate(hosts):
        left = GAP + (index % columns) * (BOX_WIDTH + GAP)
        top = GAP + (index // columns) * (box_height + GAP)
        group = ET.SubElement(root, "g")
        _rect(group, left, top, BOX_WIDTH, box_height, PAPER, stroke=LINE, rx="6")
        mark = closed_mark(observation.reports[host].service) if host in blocks else ""
        title = " · ".join(filter(None, (host, zones.get(host), mark)))
        _text(group, left + PAD, top + 19, title, size="13", weight="bold")
        if host in blocks:
            _draw_host(group, read_offer(observation.reports[host]), blocks[host], left + PAD, top + HEAD, largest)
        else:
            _text(group, left + PAD, top + HEAD + 12, "did not answer", size="11")
    _draw_legend(root, colours, height - FOOT)
    return ET.tostring(root, encoding="unicode") + "\n"


def _page(width: int, height: int) -> ET.Element:
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": str(width),
            "height": str(height),
            "font-family": "sans-serif",
        },
    )
    ET.SubElement(root, "title").text = "Where each instance is"
    _rect(root, 0, 0, width, height, PAPER)
    return root


def _draw_host(group: ET.Element, offer: Offer, blocks: list[Block], left: float, top: float, largest: int) -> None:
    inner = BOX_WIDTH - 2 * PAD
    bars = (("vCPUs", offer.vcpus_used, offer.vcpus), ("MB", offer.memory_mb_used, offer.memory_mb))
    for index, (unit, used, capacity) in enumerate(bars):
        line = top + index * BAR
        _rect(group, left, line, inner / 2, 10, FREE)
        _rect(group, left, line, inner / 2 * min(1.0, used / capacity) if capacity > 0 else inner / 2, 10, USED)
        _text(group, left + inner / 2 + 6, line + 9, f"{used} of {capacity} {unit}", size="10")
    for index, block in enumerate(blocks):
        line = top + 2 * BAR + PAD / 2 + index * BLOCK
        share = LEAST_SHARE + (1 - LEAST_SHARE) * block.memory_mb / largest
        shape = _rect(group, left, line, inner * share, BLOCK - 4, block.colour, rx="3")
        ET.SubElement(shape, "title").text = f"{block.label}, {block.memory_mb} MB"
        if block.is_off:
            shape.set("fill-opacity", "0.4")
        label = block.label if len(block.label) <= 14 else block.label[:13] + "…"
        _text(group, left + 6, line + 14, label, size="11")


def _blocks(report: HostReport, colours: Mapping[str, str]) -> Iterator[Block]:
    for seen in report.instances:
        spec = seen.instance.spec
        colour = colours.get(spec.server_group or "", PLAIN)
        yield Block(spec.name, spec.flavor.memory_mb, colour, seen.power_state != "running")
    for domain in report.foreign:
        yield Block(domain.name, domain.memory_mb, FOREIGN, domain.power_state != "running")


def _draw_legend(root: ET.Element, colours: Mapping[str, str], top: float) -> None:
    left = float(GAP)
    entries = {**{f"group {name}": colour for name, colour in colours.items()}, "no group": PLAIN}
    for label, colour in {**entries, "not Novella's": FOREIGN}.items():
        _rect(root, left, top, 12, 12, colour)
        _text(root, left + 18, top + 10, label, size="11")
        left += 34 + 6.5 * len(label)


def _colours(reports: list[HostReport]) -> dict[str, str]:
    names = {seen.instance.spec.server_group for report in reports for seen in report.instances}
    return {name: GROUPS[index % len(GROUPS)] for index, name in enumerate(sorted(name for name in names if name))}


def _rect(
    parent: ET.Element, left: float, top: float, width: float, height: float, fill: str, **attributes: str
) -> ET.Element:
    numbers = {"x": left, "y": top, "width": width, "height": height}
    return ET.SubElement(
        parent, "rect", {**{key: f"{value:.1f}" for key, value in numbers.items()}, "fill": fill, **attributes}
    )


def _text(parent: ET.Element, left: float, top: float, text: str, size: str = "12", weight: str = "normal") -> None:
    place = {"x": f"{left:.1f}", "y": f"{top:.1f}", "fill": INK, "font-size": size, "font-weight": weight}
    ET.SubElement(parent, "text", place).text = text
