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
    """Remembers where members of groups were placed, so that each later request of the group sees them."""

    def __init__(self) -> None:
        self._placed: dict[str, dict[str, str]] = {}

    def join(self, spec: RequestSpec) -> RequestSpec:
        """Return the request with its group as it is now: as the request has it, and what was placed since."""
        group = spec.instance_group
        if group is None or group.name not in self._placed:
            return spec
        placed = self._placed[group.name]
        return spec.but(
            instance_group=group.but(
                members=list(dict.fromkeys([*group.members, *placed])),
                hosts=list(dict.fromkeys([*group.hosts, *placed.values()])),
            )
        )

    def add(self, spec: RequestSpec, host: str) -> None:
        """Remember the host of a placed request."""
        if spec.instance_group is not None:
            self._placed.setdefault(spec.instance_group.name, {})[spec.instance_uuid] = host
