# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds something on this host: a process, told apart from every other one that ever had its number, or a lease.

A process holds what it works on for as long as it lives. What a controller holds between two of its tasks has no
process here, so it ends with time; the clock is the one that nobody sets.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..moment import boot_id
from ..moment import uptime as _uptime

_LEASE = "lease"


def current_owner() -> str:
    """Return ``boot id:pid:start time`` of this process."""
    pid = os.getpid()
    return f"{_boot_id()}:{pid}:{start_time(pid)}"


def lease(run: str, seconds: float) -> str:
    """Return an owner that lives for a time: ``lease:run:boot id:until``, in seconds since the host's start.

    Args:
        run: The id of a controller's run.
    """
    return f"{_LEASE}:{run}:{_boot_id()}:{_uptime() + seconds:.1f}"


def is_alive(owner: str) -> bool:
    """Return whether the process that wrote `owner` still runs on this boot of the host, or its lease has not ended."""
    parts = owner.split(":")
    if parts[0] == _LEASE:
        return len(parts) == 4 and parts[2] == _boot_id() and _uptime() < float(parts[3])
    if len(parts) != 3 or parts[0] != _boot_id() or not parts[1].isdigit():
        return False
    return start_time(int(parts[1])) == parts[2]


def is_lease_of(owner: str, run: str) -> bool:
    """Return whether `owner` is a lease of this run, ended or not."""
    return bool(run) and owner.startswith(f"{_LEASE}:{run}:")


def leasing_run(owner: str) -> str:
    """Return the run whose lease `owner` is and that still holds, or nothing."""
    return owner.split(":")[1] if owner.startswith(f"{_LEASE}:") and is_alive(owner) else ""


def _boot_id() -> str:
    """Return the name of this boot. A host that is a container shares its machine's, and boots when its init begins."""
    return f"{boot_id()}.{start_time(1)}"


def start_time(pid: int) -> str:
    """Return when a process began, by the kernel's count; nothing where there is none, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The command name may hold anything, blanks and brackets too; fields are counted behind its last bracket.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
