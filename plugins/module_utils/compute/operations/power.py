# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting and stopping (Nova's start_instance, stop_instance)."""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..clock import now
from ..operation import Run, operation
from ..states import ACTIVE, ERROR, POWERING_OFF, POWERING_ON, STOPPED


@operation("start", vm_states=(STOPPED, ACTIVE, ERROR), task_state=POWERING_ON, ends_in=ACTIVE)
def start(run: Run) -> Optional[Instance]:
    """Switch the guest on. From active too: the guest may have been stopped behind our back."""
    run.step("start", run.driver.power_on, run.instance.uuid)
    return run.instance.but(launched_at=run.instance.launched_at or now())


@operation("stop", vm_states=(ACTIVE, STOPPED, ERROR), task_state=POWERING_OFF, ends_in=STOPPED)
def stop(run: Run) -> Optional[Instance]:
    """Ask the guest to shut down; after `shutdown_timeout` seconds cut its power (Nova's option)."""
    uuid = run.instance.uuid
    if not run.step("shut down", run.driver.shut_down, uuid, run.host.options.shutdown_timeout):
        run.step("power off", run.driver.power_off, uuid)
    return None
