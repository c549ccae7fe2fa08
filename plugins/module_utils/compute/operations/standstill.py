# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stopping a guest's time, in memory or on disk (Nova's pause_instance and suspend_instance), and letting it go on."""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..operation import Run, operation
from ..states import ACTIVE, PAUSED, PAUSING, RESUMING, SUSPENDED, SUSPENDING, UNPAUSING


@operation("pause", vm_states=(ACTIVE,), task_state=PAUSING, ends_in=PAUSED)
def pause(run: Run) -> Optional[Instance]:
    """Stop its processors. It keeps its memory, and stands still."""
    run.step("pause", run.driver.pause, run.instance.uuid)
    return None


@operation("unpause", vm_states=(PAUSED,), task_state=UNPAUSING, ends_in=ACTIVE)
def unpause(run: Run) -> Optional[Instance]:
    """Let its processors go on."""
    run.step("unpause", run.driver.unpause, run.instance.uuid)
    return None


@operation("suspend", vm_states=(ACTIVE,), task_state=SUSPENDING, ends_in=SUSPENDED)
def suspend(run: Run) -> Optional[Instance]:
    """Write its memory to disk and switch it off. That outlives a restart of the host."""
    run.step("suspend", run.driver.suspend, run.instance.uuid)
    return None


@operation("resume", vm_states=(SUSPENDED,), task_state=RESUMING, ends_in=ACTIVE)
def resume(run: Run) -> Optional[Instance]:
    """Let it go on from where it was suspended."""
    run.step("resume", run.driver.resume, run.instance.uuid)
    return None
