# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks who has which volume: one instance at a time, as two guests that write to one disk destroy its content."""

from __future__ import annotations

from .draft import Draft
from .faults import Faults
from .names import Counts
from .wording import Path, missing_name, quoted


def check_volumes(draft: Draft, counts: Counts, faults: Faults) -> None:
    """Add a fault for every volume that is not declared, and for every one that two instances would have.

    Args:
        counts: The entries under ``instances``.
    """
    declared = draft.content.get("volumes", ())
    owners: dict[str, Path] = {}
    for name, body in draft.section("instances").items():
        volumes = body.get("volumes")
        for index, item in enumerate(volumes if isinstance(volumes, list) else []):
            volume = item.get("volume") if isinstance(item, dict) else None
            if not isinstance(volume, str):
                continue
            path: Path = ("instances", name, "volumes", index, "volume")
            first = owners.setdefault(volume, path)
            sentence = None
            if volume not in declared:
                sentence = missing_name("volume", volume, declared)
            elif first[:2] == path[:2] and first != path:
                sentence = f"{quoted(volume)} stands in the list twice."
            elif first != path:
                there = f"{first[0]}.{first[1]} ({draft.place(first)})"
                sentence = f"{there} has {quoted(volume)}, and one instance at a time can have a volume."
            elif (counts[name] or 1) > 1:
                sentence = (
                    f"{quoted(volume)} would be had by {counts[name]} instances, and one at a time can have a volume. "
                    "With size_gb in its place, each has one of its own."
                )
            if sentence is not None:
                faults.add(draft.place(path), path, sentence)
