# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Server groups while a batch is being placed."""

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import InstanceGroup, RequestSpec

# The plugins of which one must be enabled, or the policy would be ignored.
POLICY_PLUGINS = {
    "affinity": ("ServerGroupAffinityFilter",),
    "anti-affinity": ("ServerGroupAntiAffinityFilter",),
    "soft-affinity": ("ServerGroupSoftAffinityWeigher",),
    "soft-anti-affinity": ("ServerGroupSoftAntiAffinityWeigher",),
    "legacy": ("GroupAffinityFilter", "GroupAntiAffinityFilter"),
    "none": ("ServerGroupSpreadFilter",),
}
SPREAD_PLUGIN = "ServerGroupSpreadFilter"


def objection(group: InstanceGroup, enabled: set[str]) -> Optional[str]:
    """Return why the group's rules would be ignored or can never hold, or None.

    Args:
        enabled: The names of the enabled filters and weighers (see Nova's UnsupportedPolicyException).
    """
    return _against_policy(group, enabled) or _against_limit(group) or _against_spread(group, enabled)


def _against_policy(group: InstanceGroup, enabled: set[str]) -> Optional[str]:
    plugins = POLICY_PLUGINS.get(group.policy)
    if plugins is None:
        return (
            f"Group {group.name} has the unknown policy '{group.policy}'; known are {', '.join(POLICY_PLUGINS)}."
            f"{nearest(group.policy, list(POLICY_PLUGINS))}"
        )
    if group.policy == "none" and group.spread_over is None:
        return f"Group {group.name} has policy none and no spread_over, so it asks for nothing."
    if not enabled.intersection(plugins):
        return f"Policy {group.policy} of group {group.name} needs {' or '.join(plugins)}, which is not enabled."
    if len(plugins) > 1 and enabled.issuperset(plugins):
        return f"Policy {group.policy} of group {group.name} contradicts itself: {' and '.join(plugins)} are enabled."
    return None


def _against_limit(group: InstanceGroup) -> Optional[str]:
    if group.max_server_per_host < 1:
        return f"Group {group.name} allows {group.max_server_per_host} members on a host; allow at least 1."
    if group.max_server_per_host > 1 and group.policy != "anti-affinity":
        return f"Group {group.name} has max_server_per_host, which goes with policy anti-affinity, not {group.policy}."
    return None


def _against_spread(group: InstanceGroup, enabled: set[str]) -> Optional[str]:
    if group.spread_over is None:
        if group.max_per_domain != 1:
            return f"Group {group.name} has max_per_domain, which goes with spread_over."
        return None
    if not group.spread_over.strip():
        return f"Group {group.name} has an empty spread_over; name a label of the hosts, such as rack."
    if group.max_per_domain < 1:
        return f"Group {group.name} allows {group.max_per_domain} members per {group.spread_over}; allow at least 1."
    if SPREAD_PLUGIN not in enabled:
        return f"spread_over of group {group.name} needs {SPREAD_PLUGIN}, which is not enabled."
    return None


class GroupLedger:
    """Remembers where members of groups were placed, so that each later request of the group sees them.

    A group's members and hosts are kept in lists that grow: a copy for each request would make a large group slow.
    """

    def __init__(self) -> None:
        self._groups: dict[str, InstanceGroup] = {}
        self._joined: dict[str, InstanceGroup] = {}

    def join(self, spec: RequestSpec) -> RequestSpec:
        """Return the request with its group as it is now: as the request has it, and what was placed since."""
        given = spec.instance_group
        if given is None:
            return spec
        known = self._groups.get(given.name)
        if known is None:
            known = given.but(members=list(dict.fromkeys(given.members)), hosts=list(dict.fromkeys(given.hosts)))
        elif given is not self._joined[given.name]:
            known = given.but(members=known.members, hosts=known.hosts)
            _extend(known.members, given.members)
            _extend(known.hosts, given.hosts)
        self._groups[given.name], self._joined[given.name] = known, given
        return spec.but(instance_group=known)

    def add(self, spec: RequestSpec, host: str) -> None:
        """Remember the host of a placed request."""
        if spec.instance_group is not None:
            known = self._groups[spec.instance_group.name]
            if spec.instance_uuid not in known.members:
                known.members.append(spec.instance_uuid)
            if host not in known.hosts:
                known.hosts.append(host)


def _extend(known: list[str], given: list[str]) -> None:
    present = set(known)
    known.extend(item for item in given if item not in present)
