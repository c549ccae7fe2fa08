# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims whose process or lease has ended, and that nothing will ever be built from."""

from __future__ import annotations

from ...periodic_task import TaskReport, periodic_task
from ..host import Host
from ..owner import is_alive


@periodic_task(spacing="claim_cleanup_interval")
def drop_stale_claims(host: Host, check: bool) -> TaskReport:
    """Give them back, so that the room is seen by those who only read."""
    claims = host.db.query("SELECT uuid, name, owner FROM claims ORDER BY name")
    stale = [{"uuid": row["uuid"], "name": row["name"]} for row in claims if not is_alive(row["owner"])]
    if stale and not check:
        host.tracker.drop_stale_claims()
    return TaskReport(did=stale)
