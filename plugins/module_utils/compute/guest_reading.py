# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of guests only when it is asked for: what they use, and what they say on their consoles."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Optional

from ..objects.diagnostics import Diagnostics
from ..objects.errors import NovellaError
from ..objects.instance import ObservedInstance
from .console_text import USUAL_BYTES, check_extent, show_console
from .guest_facts import tell_guest
from .host import Host

# So many agents are asked at once.
AT_ONCE = 16
# How the power states are called in which there is nothing to diagnose.
WITHOUT_PROCESS = {"shutdown": "it is off", "suspended": "it is suspended to disk", "crashed": "it has crashed"}


@dataclass(frozen=True)
class Reading:
    """What is asked for.

    Args:
        diagnostics: Nova's get_diagnostics.
        console_lines: So many lines of Nova's get_console_output.
        console_bytes: So many bytes of it, before they are made fit to be shown.
        guest: What the guests' agents tell.
        devices: What is plugged into them.
    """

    diagnostics: bool = False
    console_lines: Optional[int] = None
    console_bytes: Optional[int] = None
    guest: bool = False
    devices: bool = False

    @property
    def has_console(self) -> bool:
        return self.console_lines is not None or self.console_bytes is not None


def read_guests(host: Host, reading: Reading, seen: Sequence[ObservedInstance]) -> dict[str, dict[str, Any]]:
    """Return what was asked for, by uuid, as plain data.

    Raises:
        OptionInvalid: More of a console is asked for than is handed out.
    """
    check_extent(reading.console_lines, reading.console_bytes)
    told: dict[str, dict[str, Any]] = {item.instance.uuid: {} for item in seen}
    if reading.diagnostics:
        # All guests' in one call: libvirt needs little more for a hundred than for one.
        found = host.driver.get_diagnostics(list(told)) if told else {}
        for item in seen:
            told[item.instance.uuid].update(_tell(found.get(item.instance.uuid), item.power_state))
    if reading.devices:
        for uuid, content in told.items():
            content["devices"] = [device.as_dict() for device in host.driver.list_devices(uuid)]
    if reading.has_console:
        most = USUAL_BYTES if reading.console_bytes is None else reading.console_bytes
        for uuid, content in told.items():
            # One byte more tells whether there is any more.
            output = host.driver.get_console_output(uuid, most + 1)
            is_cut = len(output) > most
            content["console_output"] = show_console(output[1:] if is_cut else output, reading.console_lines, is_cut)
    if reading.guest:
        # An agent may take its time, or never answer; the others shall not wait for it.
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for item, words in zip(seen, pool.map(functools.partial(_ask, host), seen)):
                told[item.instance.uuid].update(words)
    return told


def _ask(host: Host, seen: ObservedInstance) -> dict[str, Any]:
    """Return what the guest's agent tells, or why it tells nothing: that is no failure, as not every guest has one."""
    if seen.power_state != "running":
        why = WITHOUT_PROCESS.get(seen.power_state, f"it is {seen.power_state}")
        return {"guest": None, "guest_reason": f"Nobody answers, as {why}."}
    try:
        answers = host.driver.get_guest_facts(seen.instance.uuid)
    except NovellaError as silence:
        return {"guest": None, "guest_reason": silence.message}
    return {"guest": tell_guest(answers), "guest_reason": None}


def _tell(diagnostics: Optional[Diagnostics], power_state: str) -> dict[str, Any]:
    if diagnostics is not None:
        return {"diagnostics": diagnostics.as_dict(), "diagnostics_reason": None}
    why = WITHOUT_PROCESS.get(power_state, "it was switched off meanwhile")
    return {"diagnostics": None, "diagnostics_reason": f"There are none, as {why}."}
