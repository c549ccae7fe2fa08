# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds an operation in flight: a process, told apart from every other one that ever had its number."""

from __future__ import annotations

import os
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def current_owner() -> str:
    """Return ``boot id:pid:start time`` of this process."""
    pid = os.getpid()
    return f"{_boot_id()}:{pid}:{_start_time(pid)}"


def is_alive(owner: str) -> bool:
    """Return whether the process that wrote `owner` still runs on this boot of the host."""
    parts = owner.split(":")
    if len(parts) != 3 or parts[0] != _boot_id() or not parts[1].isdigit():
        return False
    return _start_time(int(parts[1])) == parts[2]


def _boot_id() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _start_time(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The command name may hold anything, blanks and brackets too; fields are counted behind its last bracket.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
