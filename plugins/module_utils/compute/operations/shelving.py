# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting an instance away (Nova's shelve_instance, without its offload) and taking it back.

It keeps its disks, and its room: as in Nova, one that is shelved and not offloaded uses what it has claimed.
"""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..clock import now
from ..operation import Run, operation
from ..states import ACTIVE, PAUSED, SHELVED, SHELVING, STOPPED, SUSPENDED, UNSHELVING
from .power import switch_off


@operation(
    "shelve",
    vm_states=(ACTIVE, STOPPED, PAUSED, SUSPENDED, SHELVED),
    task_state=SHELVING,
    ends_in=SHELVED,
)
def shelve(run: Run) -> Optional[Instance]:
    """Shut the guest down. One that stands still goes on first: what it has in memory shall get to its disk.

    From shelved too: the guest may have been started behind our back.
    """
    domain = run.driver.get_domain(run.instance.uuid)
    # Not as the record says: a run that was killed may have been here before.
    power = None if domain is None else domain.power_state
    if power == "paused":
        run.step("unpause", run.driver.unpause, run.instance.uuid)
    if power == "suspended":
        run.step("resume", run.driver.resume, run.instance.uuid)
    switch_off(run)
    return None


@operation("unshelve", vm_states=(SHELVED,), task_state=UNSHELVING, ends_in=ACTIVE)
def unshelve(run: Run) -> Optional[Instance]:
    """Switch it on, with its old disks. It is active then, whatever it was before it was shelved, as in Nova."""
    run.step("start", run.driver.power_on, run.instance.uuid)
    return run.instance.but(launched_at=run.instance.launched_at or now())
