# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts remember of each other: asked when one does not answer, handed over when something has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.whereabouts import (
    Place,
    Recollection,
    Whereabout,
)

from .addresses import address_keys
from .observation import Observation, Remembered


def remember(silent: Iterable[str], recollections: Iterable[Recollection]) -> Remembered:
    """Merge what all hosts know of the silent ones, by the newest word of each.

    Args:
        recollections: Each host's, of each silent host.
    """
    by_host: dict[str, list[Recollection]] = {}
    for item in recollections:
        by_host.setdefault(item.host, []).append(item)
    instances: dict[str, Whereabout] = {}
    strange = []
    for host in silent:
        known = by_host.get(host, [])
        newest = max((item.generation for item in known if item.generation is not None), default=None)
        if newest is None:
            strange.append(host)
        found = [seen for item in known if newest is not None and item.generation == newest for seen in item.instances]
        for seen in [*found, *(seen for item in known for seen in item.announced)]:
            instances.setdefault(seen.uuid, seen)
    return Remembered(instances, strange)


def generations(observation: Observation) -> dict[str, int]:
    """Return the count of changes of each host that answers."""
    return {host: report.generation for host, report in observation.reports.items()}


def mark_of(counts: Mapping[str, int]) -> str:
    """Return the name of a state of the fleet: these hosts at these counts of changes."""
    return hashlib.sha256(json.dumps(sorted(counts.items())).encode()).hexdigest()[:16]


def memory_to_tell(
    observation: Observation, before: Mapping[str, int], run: str, asked: Collection[str], uncertain: Collection[str]
) -> dict[str, Any]:
    """Return what to tell which host at the end of a run, as the playbooks hand it on.

    Who knew all at the beginning is told what has changed since, others all. Who knows all by now is told nothing.

    Args:
        observation: The hosts as they are now.
        before: The count of changes of each host at the beginning.
        run: The run's id.
        asked: The hosts that keep names for the run.
        uncertain: Uuids of instances of which it is not known whether they were made.
    """
    if len(observation.reports) + len(observation.unreachable) < 2:
        return {}
    now = generations(observation)
    mark, known = mark_of(now), mark_of(before)
    extent = {
        host: "changed" if report.remembers in (mark, known) else "all"
        for host, report in observation.reports.items()
        if report.remembers != mark or host in asked
    }
    if not extent:
        return {}
    places = {host: _place(observation, host) for host in observation.reports}
    told: dict[str, Any] = {
        "hosts": extent,
        "mark": mark,
        "run": run if asked else "",
        "uncertain": sorted(uncertain),
        "changed": {host: place for host, place in places.items() if before.get(host) != now[host]},
    }
    if "all" in extent.values():
        told["all"] = places
    return told


def _place(observation: Observation, host: str) -> dict[str, Any]:
    report = observation.reports[host]
    instances = [[seen.instance.uuid, seen.instance.spec.name, seen.instance.generation] for seen in report.instances]
    # Of volumes the same must be known: none is made anew while it may be on a host that does not answer.
    instances += [[volume.uuid, volume.name, 0] for volume in report.volumes if not volume.is_shared]
    # And of addresses: none is given to another.
    instances += [[key, seen.instance.spec.name, 0] for seen in report.instances for key in address_keys(seen.instance)]
    return Place(report.generation, instances).as_dict()
