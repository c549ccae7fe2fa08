# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what Nova and Novella made of a scenario."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

WEIGHTS_AGREE_TO = 1e-9
# What the enabled filters and weighers come to together.
TOGETHER = ("passing", "passing_next", "totals", "ranked")


@dataclass(frozen=True)
class Finding:
    """Two answers that differ.

    Args:
        scenario: What was asked.
        request: Which of its requests; None where it is about all of them.
        what: A filter, a weigher, or what the enabled ones came to together.
        theirs: What Nova said.
        ours: What Novella said.
    """

    scenario: dict[str, Any]
    request: int | None
    what: str
    theirs: Any
    ours: Any

    @property
    def asked(self) -> dict[str, Any]:
        """Return the request, where it is about one."""
        return {} if self.request is None else self.scenario["requests"][self.request]

    def is_of_plugin(self) -> bool:
        """Return whether it is about one filter or weigher."""
        return self.what.endswith(("Filter", "Weigher", "Isolation"))

    def __str__(self) -> str:
        lines = [f"seed {self.scenario['seed']}, request {self.request}: {self.what} differs"]
        lines += [f"  Nova:    {_short(self.theirs)}", f"  Novella: {_short(self.ours)}"]
        lines += [f"  {key}: {_short(value)}" for key, value in self.asked.items()]
        return "\n".join(lines)


def compare(scenario: dict[str, Any], theirs: dict[str, Any], ours: dict[str, Any]) -> list[Finding]:
    """Return the differences in the first request that has any: all later ones may follow from it."""
    for number, (one, other) in enumerate(zip(theirs["requests"], ours["requests"], strict=True)):
        found = [Finding(scenario, number, *difference) for difference in _differences(one, other)]
        if found:
            return found
    return [Finding(scenario, None, *difference) for difference in _last_differences(theirs, ours)]


def is_error(told: Any) -> bool:
    """Return whether it failed the request."""
    return isinstance(told, dict) and "error" in told


def _differences(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    if "invalid" in theirs or "invalid" in ours:
        if ("invalid" in theirs) != ("invalid" in ours):
            yield "validity", theirs.get("invalid"), ours.get("invalid")
        return
    for kind in ("filters", "weighers"):
        for name, told in theirs[kind].items():
            if not _agree(told, ours[kind][name]):
                yield name, told, ours[kind][name]
    for what in TOGETHER:
        if not _agree(theirs[what], ours[what]):
            yield what, theirs[what], ours[what]
    # What was chosen, and what it cost; where the choice differs, that was said already.
    winner = None if is_error(theirs["ranked"]) else next(iter(theirs["ranked"]), None)
    if theirs["ranked"] == ours["ranked"] and winner != ours.get("selected"):
        yield "choice", winner, ours.get("selected")
    if winner is not None and winner == ours.get("selected"):
        for figure, told in theirs["consumed"].items():
            if told != ours["consumed"][figure]:
                yield f"consumed {figure}", told, ours["consumed"][figure]


def _last_differences(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs after all requests, and where Novella's own batch came out otherwise than one by one."""
    if theirs["states"] != ours["states"]:
        yield "states", theirs["states"], ours["states"]
    chosen = [told.get("selected") for told in ours["requests"]]
    if ours["batch"]["hosts"] != chosen:
        yield "batch", chosen, ours["batch"]["hosts"]
    elif ours["batch"]["states"] != theirs["states"]:
        yield "batch's states", theirs["states"], ours["batch"]["states"]


def _agree(theirs: Any, ours: Any) -> bool:
    """Return whether two answers are the same: hosts in their order, weights to 1e-9, and errors as errors."""
    if is_error(theirs) or is_error(ours):
        return is_error(theirs) and is_error(ours)
    if isinstance(theirs, dict):
        return theirs.keys() == ours.keys() and all(
            math.isclose(weight, ours[host], rel_tol=WEIGHTS_AGREE_TO, abs_tol=WEIGHTS_AGREE_TO)
            for host, weight in theirs.items()
        )
    return bool(theirs == ours)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 1000 else f"{text[:1000]} ..."
