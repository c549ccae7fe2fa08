# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's _cleanup_expired_console_auth_tokens: tokens for consoles that nobody has used in time."""

from __future__ import annotations

from ...periodic_task import TaskReport, periodic_task
from ..consoles import forget_expired
from ..host import Host

# Nova's instance_delete_interval.
SPACING = 300.0


@periodic_task(spacing=SPACING)
def cleanup_expired_console_auth_tokens(host: Host, check: bool) -> TaskReport:
    """Forget their digests. They are good for nothing as it is."""
    return TaskReport(did=forget_expired(host, check))
