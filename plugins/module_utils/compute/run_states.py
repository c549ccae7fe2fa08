# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance can be at rest, and the ways from one such state to another. Most lead through active."""

from __future__ import annotations

from typing import Optional

from .states import ACTIVE, PAUSED, SHELVED, STOPPED, SUSPENDED

# By what the hypervisor says of the guest. A guest in any other state is not at rest.
SEEN_AS = {"running": ACTIVE, "shutdown": STOPPED, "crashed": STOPPED, "paused": PAUSED, "suspended": SUSPENDED}
# What somebody has done who has brought it there.
DONE = {ACTIVE: "started", STOPPED: "stopped", PAUSED: "paused", SUSPENDED: "suspended", SHELVED: "shelved"}
POWER_OF = {ACTIVE: "running", STOPPED: "shutdown", PAUSED: "paused", SUSPENDED: "suspended", SHELVED: "shutdown"}

_TO_ACTIVE = {STOPPED: "start", PAUSED: "unpause", SUSPENDED: "resume", SHELVED: "unshelve"}
_FROM_ACTIVE = {STOPPED: "stop", PAUSED: "pause", SUSPENDED: "suspend", SHELVED: "shelve"}


def see(vm_state: str, power_state: str) -> Optional[str]:
    """Return which of these states an instance is in by what the hypervisor says, or None.

    Of a guest that is off, the hypervisor cannot say whether it is shelved: that is for the record to say.
    """
    seen = SEEN_AS.get(power_state)
    return SHELVED if seen == STOPPED and vm_state == SHELVED else seen


def find_way(here: str, there: str) -> list[tuple[str, str]]:
    """Return the operations that bring an instance from one of these states to another, each with where it leads."""
    if here == there:
        return []
    if (here, there) == (STOPPED, SHELVED):
        # Nobody boots a guest to shut it down.
        return [(_FROM_ACTIVE[SHELVED], SHELVED)]
    back = [(_TO_ACTIVE[here], ACTIVE)] if here in _TO_ACTIVE else []
    return back + ([(_FROM_ACTIVE[there], there)] if there in _FROM_ACTIVE else [])
