# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labs of the tests' own: somebody's fleet may be on the one of the demo."""

import fcntl
import tempfile
from pathlib import Path
from typing import Any

from support.playbooks import Outcome, run_playbook

LABS = Path("/var/lib/novella-lab")


def bring_up(name: str, inventory: Path, **settings: Any) -> None:
    """Bring a lab up by its playbook, from nothing, and write its inventory."""
    # One at a time: the first installs packages and builds the guests' image.
    with (Path(tempfile.gettempdir()) / "novella-lab-bring-up.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if (LABS / name).exists():
            # A run that was killed has left it, and guests on it that no test knows of.
            take_down(name, inventory)
        done = run_playbook("lab", lab_name=name, lab_inventory_dir=str(inventory), **settings)
    assert done.code == 0, f"the lab {name} did not come up:\n{done.text}"


def take_down(name: str, inventory: Path) -> Outcome:
    """Take a lab down, whatever is on it."""
    done = run_playbook("lab", lab_name=name, lab_inventory_dir=str(inventory), lab_state="absent")
    assert done.code == 0, done.text
    return done
