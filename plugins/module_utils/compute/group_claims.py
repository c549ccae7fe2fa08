# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Server groups at the claim (Nova's late check of the policy, which no other host has a part in).

Two controllers that see different pasts may both choose this host for members of an anti-affinity group. The claim's
transaction sees both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Optional

from ..objects.errors import ComputeResourcesUnavailable
from ..objects.instance import Instance
from ..objects.plan import GroupRule
from .tracker_db import TrackerDB

ANTI_AFFINITY = ("anti-affinity", "legacy")


def group_key(fleet: str, project_id: str, group: str) -> str:
    """Return the name of a server group that no other fleet's or project's group has."""
    return f"group/{fleet}/{project_id}/{group}"


def count_members(db: TrackerDB, present: Iterable[Instance]) -> Counter[str]:
    """Return how many members each group has on this host, by key: as domains, and as claims of what has none yet."""
    present = list(present)
    here = {instance.uuid for instance in present}
    keys = [
        group_key(instance.spec.fleet, instance.spec.project_id, instance.spec.server_group)
        for instance in present
        if instance.spec.server_group is not None
    ]
    rows = db.query("SELECT uuid, server_group FROM claimed_groups")
    return Counter([*keys, *(row["server_group"] for row in rows if row["uuid"] not in here)])


def check_group(name: str, rule: Optional[GroupRule], members: Counter[str], host: str) -> None:
    """Test a claim against the policy of its group.

    Raises:
        ComputeResourcesUnavailable: The host has as many members as the policy allows.
    """
    if rule is None or rule.policy not in ANTI_AFFINITY or members[rule.key] < rule.max_server_per_host:
        return
    group = rule.key.rpartition("/")[2]
    held = "another run has put a member there" if rule.max_server_per_host == 1 else "other runs have filled it"
    reason = f"{rule.policy} of group {group} allows {rule.max_server_per_host} on it, and {held}"
    raise ComputeResourcesUnavailable(f"{name} does not fit on {host}: {reason}.", host=host, reasons=[reason])
