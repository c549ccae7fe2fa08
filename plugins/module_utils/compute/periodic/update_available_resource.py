# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's update_available_resource: the host is read anew for those who rely on what was last known of it."""

from __future__ import annotations

from ...periodic_task import TaskReport, periodic_task
from ..auditing import audit
from ..host import Host


@periodic_task(spacing="update_resources_interval")
def update_available_resource(host: Host, check: bool) -> TaskReport:
    """Publish the host document as a fact. It changes nothing, so a check is the same."""
    return TaskReport(facts={"novella_host": audit(host).as_document()})
