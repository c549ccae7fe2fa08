# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses PCI devices from a host's pools (Nova's PciDeviceStats).

A pool is a mapping: vendor_id, product_id, dev_type, numa_node, count, and every tag of its devices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ...objects.numa import InstanceNUMACell, NUMATopology
from ...objects.pci import PHYSICAL_FUNCTION, PciDevicePool, PciRequest

Pool = dict[str, Any]

# They speak to Placement, which is not here.
_IGNORED = ("resource_class", "traits", "rp_uuids")
_VDPA = "vdpa"


@dataclass(frozen=True)
class Share:
    """So many devices of one pool, for one request. `pool` is the pool's place in the list."""

    request: PciRequest
    pool: int
    count: int


def as_pools(pools: Iterable[PciDevicePool]) -> list[Pool]:
    """Return the pools as they are worked with, those with the fewest keys first, as Nova takes them."""
    return sorted((pool.as_pool() for pool in pools), key=len)


def allot(
    pools: Sequence[Pool],
    requests: Sequence[PciRequest],
    cells: Optional[Sequence[InstanceNUMACell]] = None,
    host: Optional[NUMATopology] = None,
) -> Optional[list[Share]]:
    """Choose devices for all requests, or return None where there are too few.

    Args:
        cells: The instance's cells, fitted; None where it has none, and devices may be anywhere.
        host: The host's cells; needed for the policy ``socket``.
    """
    left = [pool["count"] for pool in pools]
    shares = []
    for request in requests:
        wanted = request.count
        for place in _suitable(pools, left, request, cells, host):
            taken = min(wanted, left[place])
            if taken:
                shares.append(Share(request, place, taken))
            left[place] -= taken
            wanted -= taken
        if wanted:
            return None
    return shares


def take(pools: Sequence[Pool], shares: Iterable[Share]) -> list[Pool]:
    """Return the pools without these shares; empty ones are gone."""
    left = [pool["count"] for pool in pools]
    for share in shares:
        left[share.pool] -= share.count
    return [{**pool, "count": count} for pool, count in zip(pools, left) if count > 0]


def free_devices(pools: Sequence[Pool], request: PciRequest) -> int:
    """Return how many devices would do for a request, wherever they are."""
    left = [pool["count"] for pool in pools]
    return sum(left[place] for place in _suitable(pools, left, request, None, None))


def matches(pool: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Return whether a pool has all that a spec names, whatever the case of letters."""
    return all(_plain(pool.get(key)) == _plain(value) for key, value in spec.items() if key not in _IGNORED)


def _suitable(
    pools: Sequence[Pool],
    left: Sequence[int],
    request: PciRequest,
    cells: Optional[Sequence[InstanceNUMACell]],
    host: Optional[NUMATopology],
) -> list[int]:
    """Return the places of the pools that may serve the request, in the order in which they do."""
    places = [
        place
        for place, pool in enumerate(pools)
        if left[place] > 0 and any(matches(pool, spec) for spec in request.spec)
    ]
    if cells:
        places = _near(pools, places, left, request, cells, host)
    kinds = {spec.get("dev_type") for spec in request.spec}
    for special in (PHYSICAL_FUNCTION, _VDPA):
        if special not in kinds:
            places = [place for place in places if pools[place].get("dev_type") != special]
    if not any(_is_true(spec.get("remote_managed")) for spec in request.spec):
        places = [place for place in places if not _is_true(pools[place].get("remote_managed"))]
    return places


def _near(
    pools: Sequence[Pool],
    places: list[int],
    left: Sequence[int],
    request: PciRequest,
    cells: Sequence[InstanceNUMACell],
    host: Optional[NUMATopology],
) -> list[int]:
    """Return the pools that are near enough to the cells; the strictest policy that suffices is used."""

    def on(nodes: Iterable[Optional[int]]) -> list[int]:
        allowed = set(nodes)
        return [place for place in places if pools[place].get("numa_node") in allowed]

    own: list[Optional[int]] = [cell.id for cell in cells]
    found = on(own)
    if request.numa_policy == "required" or sum(left[place] for place in found) >= request.count:
        return found
    if request.numa_policy == "socket":
        return on(_same_socket(own, host))
    # Many machines do not tell where a device is.
    own.append(None)
    found = on(own)
    if request.numa_policy != "preferred" or sum(left[place] for place in found) >= request.count:
        return found
    return sorted(places, key=lambda place: pools[place].get("numa_node") not in own)


def _same_socket(nodes: Iterable[Optional[int]], host: Optional[NUMATopology]) -> list[int]:
    cells = () if host is None else host.cells
    if any(cell.socket is None for cell in cells):
        return []
    chosen = set(nodes)
    sockets = {cell.socket for cell in cells if cell.id in chosen}
    return [cell.id for cell in cells if cell.socket in sockets]


def _plain(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "t", "true", "on", "y", "yes")
