# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many more instances of a flavor fit, and what stops the next one. Found by placing them, on paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.base import Record
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, OptionInvalid, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import (
    InstanceGroup,
    RequestSpec,
    Selection,
)

from ..fleet.fleet import Fleet
from ..scheduler.requests import KEYS, read_requests
from ..scheduler.scheduler_api import SchedulerAPI
from .observation import Observation
from .outlook import foresee
from .placement import gather_groups, make_scheduler
from .planner import make_plan

# What each request has of its own, and what a user may add to all of them.
OWN = ("instance_uuid", "name", "flavor")
SHARED = [key for key in KEYS if key not in OWN]
# A time for a plan that nobody will see.
NEVER = "1970-01-01T00:00:00.000000Z"


@dataclass(frozen=True)
class Capacity(Record):
    """How many more instances of a flavor fit.

    `hosts` counts them by host, in the order in which the hosts were first chosen. `next` is the selection of the
    one after the last, which says why it fits nowhere; it is None where counting stopped at its limit.
    """

    flavor: str
    total: int
    hosts: dict[str, int] = field(default_factory=dict)
    next: Optional[Selection] = None


def fleet_capacity(
    fleet: Fleet, observation: Observation, flavors: Sequence[Any], request: Mapping[str, Any], limit: int
) -> list[Capacity]:
    """Return how many more instances of each flavor fit beside all that the fleet declares. Each flavor has all room.

    Args:
        fleet: What is to be placed first, where it is not there yet; its aggregates and scheduler options count.
        observation: The hosts.
        flavors: Names of the fleet's flavors, or flavors of their own as mappings. Plain data.
        request: What each instance asks for besides its flavor, with the keys of a placement request. A server
            group or an image may be the name of the fleet's.
        limit: Where to stop counting.

    Raises:
        OptionInvalid: There is no such flavor, group or image, or the limit is no count.
        InvalidInput: A flavor or the request is malformed.
    """
    if limit < 1:
        raise OptionInvalid(f"limit must be at least 1, not {limit}.")
    later = foresee(observation, make_plan(fleet, observation, created_at=NEVER))
    sizes = [_find_flavor(item, fleet) for item in flavors]
    groups = gather_groups(fleet, later.reports.values(), {})
    result = []
    for flavor in sizes:
        wanted = _read_request(flavor, request, fleet, groups)
        scheduler = make_scheduler(fleet, later.reports.values(), later.unreachable)
        result.append(count_capacity(scheduler, wanted, limit))
    return result


def count_capacity(scheduler: SchedulerAPI, request: RequestSpec, limit: int) -> Capacity:
    """Place one instance after the other until one fits nowhere, or the limit is reached.

    Args:
        scheduler: Its hosts are filled by this.
        request: What each of them asks for.
    """
    hosts: Counter[str] = Counter()
    for selection in scheduler.select_each(_numbered(request, limit)):
        if selection.host is None:
            return Capacity(request.flavor.name, hosts.total(), dict(hosts), selection)
        hosts[selection.host] += 1
    return Capacity(request.flavor.name, hosts.total(), dict(hosts))


def _numbered(request: RequestSpec, limit: int) -> Iterator[RequestSpec]:
    for number in range(1, limit + 1):
        name = f"{request.name}-{number}"
        yield request.but(name=name, instance_uuid=instance_uuid("capacity", request.project_id, name))


def _find_flavor(item: Any, fleet: Fleet) -> Flavor:
    if isinstance(item, Mapping):
        return Flavor.from_dict(item, "flavor")
    if item not in fleet.flavors:
        raise _unknown("flavor", item, fleet.flavors)
    return fleet.flavors[item]


def _read_request(
    flavor: Flavor, request: Mapping[str, Any], fleet: Fleet, groups: Mapping[str, InstanceGroup]
) -> RequestSpec:
    for key in request:
        if key not in SHARED:
            raise InvalidInput(
                f"request has the unknown key '{key}'.{nearest(key, SHARED)}", f"Known are {', '.join(SHARED)}."
            )
    content = {"project_id": fleet.project_id, **request, "name": flavor.name, "flavor": flavor.as_dict()}
    for key, kind, known in (("server_group", "server group", groups), ("image", "image", fleet.images)):
        name = content.get(key)
        if isinstance(name, str):
            if name not in known:
                raise _unknown(kind, name, known)
            content[key] = known[name].as_dict()
    return read_requests([content])[0]


def _unknown(kind: str, name: Any, known: Mapping[str, Any]) -> OptionInvalid:
    return OptionInvalid(
        f"The fleet has no {kind} '{name}'.{nearest(str(name), list(known))}",
        f"Known are {', '.join(known)}." if known else "",
    )
