# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The id of a run. It tells the machine that it ran on whether it is over, so that what it held can be given back.

A run that was interrupted says no last word. Elsewhere its leases end with time; where it ran, nobody need wait.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from ansible_collections.novella.compute.plugins.module_utils.compute.owner import start_time
from ansible_collections.novella.compute.plugins.module_utils.moment import boot_id

_PID_NAMESPACE = Path("/proc/self/ns/pid")


def new_run() -> str:
    """Return the id of a run of this very ansible-playbook, whose workers are its children."""
    pid = os.getppid()
    return "/".join((uuid.uuid4().hex, boot_id(), _namespace(), str(pid), start_time(pid)))


def is_over(run: str) -> bool:
    """Return whether a run was one of this machine's and its process is gone. Of others nothing can be said."""
    parts = run.split("/")
    if len(parts) != 5 or parts[1:3] != [boot_id(), _namespace()] or not parts[3].isdigit():
        return False
    return start_time(int(parts[3])) != parts[4]


def _namespace() -> str:
    """Return the name of the process numbers' namespace: in another container the same number is another process."""
    return str(_PID_NAMESPACE.readlink()).strip("pid:[]")
