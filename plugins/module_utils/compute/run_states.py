# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance can be at rest, and the ways from one such state to another. All of them lead through active."""

from __future__ import annotations

from .states import ACTIVE, PAUSED, STOPPED, SUSPENDED

# By what the hypervisor says of the guest. A guest in any other state is not at rest.
SEEN_AS = {"running": ACTIVE, "shutdown": STOPPED, "crashed": STOPPED, "paused": PAUSED, "suspended": SUSPENDED}
# What somebody has done who has brought it there.
DONE = {ACTIVE: "started", STOPPED: "stopped", PAUSED: "paused", SUSPENDED: "suspended"}
POWER_OF = {ACTIVE: "running", STOPPED: "shutdown", PAUSED: "paused", SUSPENDED: "suspended"}

_TO_ACTIVE = {STOPPED: "start", PAUSED: "unpause", SUSPENDED: "resume"}
_FROM_ACTIVE = {STOPPED: "stop", PAUSED: "pause", SUSPENDED: "suspend"}


def find_way(here: str, there: str) -> list[tuple[str, str]]:
    """Return the operations that bring an instance from one of these states to another, each with where it leads."""
    if here == there:
        return []
    back = [(_TO_ACTIVE[here], ACTIVE)] if here in _TO_ACTIVE else []
    return back + ([(_FROM_ACTIVE[there], there)] if there in _FROM_ACTIVE else [])
