# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Server groups while a batch is being placed."""

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import InstanceGroup, RequestSpec

POLICY_PLUGINS = {
    "affinity": "ServerGroupAffinityFilter",
    "anti-affinity": "ServerGroupAntiAffinityFilter",
    "soft-affinity": "ServerGroupSoftAffinityWeigher",
    "soft-anti-affinity": "ServerGroupSoftAntiAffinityWeigher",
}


def unsupported_policy(group: InstanceGroup, enabled: set[str]) -> Optional[str]:
    """Return why the group's policy would be ignored, or None (Nova's UnsupportedPolicyException)."""
    plugin = POLICY_PLUGINS.get(group.policy)
    if plugin is None:
        return f"Group {group.name} has the unknown policy '{group.policy}'; known are {', '.join(POLICY_PLUGINS)}."
    if plugin not in enabled:
        return f"Policy {group.policy} of group {group.name} needs {plugin}, which is not enabled."
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
            known = given.but(members=list(given.members), hosts=list(given.hosts))
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
            known.members.append(spec.instance_uuid)
            if host not in known.hosts:
                known.hosts.append(host)


def _extend(known: list[str], given: list[str]) -> None:
    present = set(known)
    known.extend(item for item in given if item not in present)
