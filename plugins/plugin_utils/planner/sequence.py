# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order to place instances that are placed by where others are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance

# An instance with one of these hints sees only those that were placed before it.
AFTER = ("same_host", "different_host")


def sequence(wanted: Sequence[WantedInstance]) -> list[int]:
    """Return the positions of the instances, each behind those that its hints name; otherwise in their order.

    Of instances that name each other with different_host the first stays first, and the second keeps away from it.
    """
    position = {item.uuid: place for place, item in enumerate(wanted)}
    ordered: dict[int, None] = {}
    entered: set[int] = set()
    # Instances of an entry share their hints: a list of many is gone through once.
    seen: set[int] = set()
    for place in range(len(wanted)):
        trail = [(place, _named(wanted[place], position, seen))] if place not in entered else []
        entered.add(place)
        while trail:
            current, rest = trail[-1]
            following = next((other for other in rest if other not in entered), None)
            if following is None:
                ordered[current] = None
                trail.pop()
            else:
                entered.add(following)
                trail.append((following, _named(wanted[following], position, seen)))
    return list(ordered)


def _named(item: WantedInstance, position: dict[str, int], seen: set[int]) -> Iterator[int]:
    for hint in AFTER:
        uuids: Iterable[str] = item.scheduler_hints.get(hint, ())
        if uuids and id(uuids) not in seen:
            seen.add(id(uuids))
            yield from (position[uuid] for uuid in uuids if uuid in position)
