# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the scheduler hints of instances. They may name other instances of the fleet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import nearest

from .draft import Draft
from .faults import Faults
from .names import Counts, entry_of
from .wording import Path, missing_name, quoted

# The filter that reads a hint.
FILTERS = {
    "same_host": "SameHostFilter",
    "different_host": "DifferentHostFilter",
    "build_near_host_ip": "SimpleCIDRAffinityFilter",
    "cidr": "SimpleCIDRAffinityFilter",
    "query": "JsonFilter",
}
# Their values name instances.
OF_INSTANCES = ("same_host", "different_host")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_uuid(word: str) -> bool:
    """Return whether a word is the uuid of an instance, of whatever fleet."""
    return _UUID.fullmatch(word) is not None


def words_of(value: Any) -> list[str]:
    """Return the words of a hint, which is one or a list of them."""
    return [word for word in (value if isinstance(value, list) else [value]) if isinstance(word, str)]


def check_hints(draft: Draft, counts: Counts, enabled: set[str], faults: Faults) -> None:
    """Add a fault for every hint that would be ignored, names what there is not, or contradicts others.

    Args:
        counts: The entries under ``instances``.
        enabled: The enabled filters.
    """
    for name, body in draft.section("instances").items():
        for hint, value in _hints(body).items():
            path: Path = ("instances", name, "scheduler_hints", hint)
            for sentence in _against(name, hint, value, counts, enabled):
                faults.add(draft.place(path), path, sentence)
        both = _targets(body, "same_host", counts) & _targets(body, "different_host", counts)
        if both:
            path = ("instances", name, "scheduler_hints", "different_host")
            faults.add(draft.place(path), path, f"{quoted(min(both))} stands under same_host too.")
    _check_circles(draft, counts, faults)


def _against(name: str, hint: str, value: Any, counts: Counts, enabled: set[str]) -> Iterator[str]:
    if hint == "group":
        yield "is server_group here."
    elif hint.startswith("_nova"):
        yield "is Nova's own, and no hint of a user's."
    elif hint not in FILTERS:
        # A filter of a user's own may read any hint, but not one that was misspelt.
        if meant := nearest(hint, list(FILTERS)):
            yield f"unknown hint.{meant}"
    elif FILTERS[hint] not in enabled:
        yield f"needs {FILTERS[hint]} in scheduler.enabled_filters."
    elif hint in OF_INSTANCES:
        for word in words_of(value):
            if word == name and counts[name] is None:
                yield "names the instance itself."
            elif entry_of(word, counts) is None and not is_uuid(word):
                yield missing_name("instance", word, counts)


def _check_circles(draft: Draft, counts: Counts, faults: Faults) -> None:
    """Of instances that wait for each other with same_host none can be first."""
    waits_for = {
        name: sorted(_targets(body, "same_host", counts) & set(counts))
        for name, body in draft.section("instances").items()
    }
    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        # It names them against the direction of the arrows.
        circle = list(reversed(error.args[1]))
        path: Path = ("instances", circle[0], "scheduler_hints", "same_host")
        sentence = f"goes in a circle: {' -> '.join(circle)}. A server group of policy affinity keeps them together."
        faults.add(draft.place(path), path, sentence)


def _targets(body: Mapping[str, Any], hint: str, counts: Counts) -> set[str]:
    """Return the entries, and the uuids, that a hint names."""
    return {entry_of(word, counts) or word for word in words_of(_hints(body).get(hint))}


def _hints(body: Mapping[str, Any]) -> dict[str, Any]:
    hints = body.get("scheduler_hints")
    return hints if isinstance(hints, dict) else {}
