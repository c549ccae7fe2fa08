# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the scheduler for a host for each new instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.group_claims import group_key
from ansible_collections.novella.compute.plugins.module_utils.compute.volume_sizes import (
    charged_flavor,
    missing_gb,
    own_flavor,
)
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import GroupRule
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import (
    Destination,
    InstanceGroup,
    RequestSpec,
    Selection,
)

from ..fleet.fleet import Fleet
from .sequence import sequence
from .survey import is_ours

if TYPE_CHECKING:
    from ..scheduler.scheduler_api import SchedulerAPI


@dataclass(frozen=True)
class Request:
    """A wanted instance without a host. `tried` are the hosts where it failed in this run.

    `home` is the host that it is bound to, which holds its volumes or is named by the fleet.
    """

    wanted: WantedInstance
    reason: str
    tried: Sequence[str] = ()
    home: Optional[str] = None


def place(
    fleet: Fleet,
    reports: Sequence[HostReport],
    unreachable: Mapping[str, str],
    requests: Sequence[Request],
    groups: Mapping[str, str],
) -> list[Selection]:
    """Choose hosts for all requests at once.

    They are placed in their order, but each behind those that its hints name.

    Args:
        reports: The hosts as they will be when the first of them is built.
        unreachable: Hosts that cannot be chosen, each with the reason.
        groups: The server group of each instance that has one, by uuid.

    Returns:
        The selections, in the order of the requests.

    Raises:
        OptionInvalid: The fleet's scheduler options name a filter or weigher that does not exist.
    """
    scheduler = make_scheduler(fleet, reports, unreachable)
    wanted_groups = gather_groups(fleet, reports, groups)
    order = sequence([request.wanted for request in requests])
    placed = scheduler.select_destinations([_spec(requests[place], wanted_groups, reports) for place in order])
    by_place = dict(zip(order, placed))
    return [by_place[place] for place in range(len(requests))]


def make_scheduler(fleet: Fleet, reports: Iterable[HostReport], unreachable: Mapping[str, str]) -> SchedulerAPI:
    """Return a scheduler over these hosts, with the fleet's aggregates and options. Raises as `place` does."""
    # Most runs place nothing and do without loading the scheduler.
    from ..scheduler.aggregate import Aggregate
    from ..scheduler.host_manager import HostManager
    from ..scheduler.options import SchedulerOptions
    from ..scheduler.scheduler_api import SchedulerAPI

    manager = HostManager()
    manager.update_hosts(reports, unreachable)
    scheduler = SchedulerAPI(manager, SchedulerOptions.from_mapping(fleet.scheduler))
    scheduler.update_aggregates(
        Aggregate(item.name, list(item.hosts), item.availability_zone, dict(item.metadata))
        for item in fleet.aggregates.values()
    )
    return scheduler


def gather_groups(fleet: Fleet, reports: Iterable[HostReport], groups: Mapping[str, str]) -> dict[str, InstanceGroup]:
    """Return the fleet's server groups with their members and where these are, by name.

    Args:
        groups: The group that the fleet now declares for an instance, by uuid; others are in that of their record.
    """
    members: dict[str, dict[str, str]] = {name: {} for name in fleet.server_groups}
    for report in reports:
        for seen in report.instances:
            instance = seen.instance
            name = groups.get(instance.uuid, instance.spec.server_group if is_ours(instance, fleet) else None)
            if name in members:
                members[name][instance.uuid] = report.host
    return {
        name: InstanceGroup(
            name=name,
            policy=group.policy,
            max_server_per_host=group.max_server_per_host,
            spread_over=group.spread_over,
            max_per_domain=group.max_per_domain,
            members=list(members[name]),
            hosts=list(dict.fromkeys(members[name].values())),
        )
        for name, group in fleet.server_groups.items()
    }


def group_rule(spec: InstanceSpec, fleet: Fleet) -> Optional[GroupRule]:
    """Return what the claim must test of the instance's server group, or None where it has none."""
    if spec.server_group is None:
        return None
    group = fleet.server_groups[spec.server_group]
    return GroupRule(
        group_key(fleet.name, fleet.project_id, group.name),
        group.policy,
        group.max_server_per_host,
        binds_hosts=group.policy in ("affinity", "legacy") or group.spread_over is not None,
    )


def _spec(request: Request, groups: Mapping[str, InstanceGroup], reports: Iterable[HostReport]) -> RequestSpec:
    wanted, spec = request.wanted, request.wanted.spec
    present = [volume for report in reports if report.host == request.home for volume in report.volumes]
    group: Optional[InstanceGroup] = None if spec.server_group is None else groups[spec.server_group]
    return RequestSpec(
        instance_uuid=wanted.uuid,
        name=spec.name,
        flavor=charged_flavor(own_flavor(spec), missing_gb(spec.volumes, present)),
        image=spec.image,
        project_id=spec.project_id,
        availability_zone=spec.availability_zone,
        instance_group=group,
        # Not a forced host, which would escape the filters: a host that a fleet names must have room all the same.
        requested_destination=None if request.home is None else Destination(request.home),
        ignore_hosts=list(request.tried),
        where=wanted.where,
        scheduler_hints=wanted.scheduler_hints,
    )
