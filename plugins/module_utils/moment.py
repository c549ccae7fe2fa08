# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times that outlive a process and a boot, and what has passed between two of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return the name of the host's present boot."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def uptime() -> float:
    """Return the seconds since the host's start, those that it slept included (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Moment:
    """A point in time, by two clocks.

    Nobody sets the clock that counts from the host's start, but it begins anew with each boot. The wall clock goes on
    through a boot, but may be stepped. So the one is asked within a boot, and the other between two.

    Args:
        wall: Seconds since the epoch.
        boot_id: Which boot of the host it was in.
        uptime: Seconds since that boot.
    """

    wall: float
    boot_id: str
    uptime: float

    @classmethod
    def now(cls) -> Moment:
        return cls(time.time(), boot_id(), uptime())

    def since(self, earlier: Moment) -> float:
        """Return the seconds that have passed since an earlier moment; never less than 0."""
        if self.boot_id == earlier.boot_id:
            return max(0.0, self.uptime - earlier.uptime)
        # Where the wall clock was stepped back between two boots, so much is certain: this boot has lasted that long.
        return max(0.0, self.wall - earlier.wall, self.uptime)

    def before(self, seconds: float) -> Moment:
        """Return the moment so many seconds before this one."""
        return Moment(self.wall - seconds, self.boot_id, self.uptime - seconds)
