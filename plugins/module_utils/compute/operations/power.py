# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting, stopping and restarting (Nova's start_instance, stop_instance and reboot_instance)."""

from __future__ import annotations

import re
from typing import Optional

from ...objects.errors import ImageUnacceptable
from ...objects.instance import Instance
from ..clock import now
from ..operation import Run, operation
from ..states import (
    ACTIVE,
    ERROR,
    PAUSED,
    POWERING_OFF,
    POWERING_ON,
    REBOOTING,
    REBOOTING_HARD,
    RESCUED,
    STOPPED,
    SUSPENDED,
)


@operation("start", vm_states=(STOPPED, ACTIVE, ERROR), task_state=POWERING_ON, ends_in=ACTIVE)
def start(run: Run) -> Optional[Instance]:
    """Switch the guest on. From active too: the guest may have been stopped behind our back."""
    return _start(run)


@operation("stop", vm_states=(ACTIVE, STOPPED, ERROR), task_state=POWERING_OFF, ends_in=STOPPED)
def stop(run: Run) -> Optional[Instance]:
    """Ask the guest to shut down, and if it does not in time, cut its power."""
    switch_off(run)
    return None


@operation("reboot", vm_states=(ACTIVE,), task_state=REBOOTING, ends_in=ACTIVE, repeats=True)
def reboot(run: Run) -> Optional[Instance]:
    """Have the guest shut down, and start it again (Nova's SOFT).

    One that does not within `wait_soft_reboot_seconds` (Nova's option) is rebooted hard.
    """
    if switch_off(run, run.host.options.wait_soft_reboot_seconds):
        return _start(run)
    return _start_anew(run)


@operation(
    "hard_reboot",
    vm_states=(ACTIVE, STOPPED, PAUSED, SUSPENDED, ERROR),
    task_state=REBOOTING_HARD,
    ends_in=ACTIVE,
    action="reboot",
    repeats=True,
)
def hard_reboot(run: Run) -> Optional[Instance]:
    """Cut its power, define it anew from its record, and start it (Nova's HARD). Memory that was saved is lost."""
    run.step("power off", run.driver.power_off, run.instance.uuid)
    return _start_anew(run)


@operation(
    "trigger_crash_dump",
    vm_states=(ACTIVE, ERROR, PAUSED, RESCUED),
    task_state=None,
    ends_in=None,
    repeats=True,
)
def trigger_crash_dump(run: Run) -> Optional[Instance]:
    """Give the guest a non-maskable interrupt, at which its kernel may write a dump of itself."""
    run.step("inject NMI", run.driver.inject_nmi, run.instance.uuid)
    return None


def switch_off(run: Run, seconds: Optional[float] = None) -> bool:
    """Switch the guest off, and return whether it did so itself. Which it was, its user is told.

    Args:
        seconds: How long it may take over that; without it, what its image says (Nova's `os_shutdown_timeout`), or
            else the host's `shutdown_timeout`.
    """
    uuid = run.instance.uuid
    if seconds is None:
        seconds = _shutdown_seconds(run)
    answered = run.step("shut down", run.driver.shut_down, uuid, seconds)
    if answered is not None:
        if answered:
            run.remark(f"It shut down by itself, asked through {answered}.")
        return True
    run.step("power off", run.driver.power_off, uuid)
    run.remark(f"It did not shut down within {seconds:g} s, so its power was cut.")
    return False


def _shutdown_seconds(run: Run) -> float:
    image = run.instance.spec.image
    told = None if image is None else image.properties.get("os_shutdown_timeout")
    if told is None:
        return run.host.options.shutdown_timeout
    if not re.fullmatch(r"[0-9]{1,6}", told):
        raise ImageUnacceptable(f"os_shutdown_timeout of its image is '{told}'.", "Let it be a number of seconds.")
    return float(told)


def _start(run: Run) -> Instance:
    run.step("start", run.driver.power_on, run.instance.uuid)
    return run.instance.but(launched_at=run.instance.launched_at or now())


def _start_anew(run: Run) -> Instance:
    run.step("define", run.driver.define, run.instance)
    return _start(run)
