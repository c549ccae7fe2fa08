# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until guests are ready that were booted: all of a host's together, each for its own time."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Optional

from ..objects.errors import InstanceNotReady, NovellaError
from ..objects.guest import Readiness
from ..objects.plan import Action
from ..virt.driver import ComputeDriver
from .console_text import show_console, show_text
from .states import ACTIVE
from .wanted import WantedInstance

Progress = Callable[[str, int, int], None]
Ended = tuple[Action, Optional[NovellaError], Sequence[str]]

BOOTING = ("create", "restore", "start", "unshelve", "rebuild")
PAUSE = 0.5
MOST_AT_ONCE = 16
MOST_BYTES = 1 << 20
TAIL_BYTES, TAIL_LINES, TAIL_LETTERS = 4096, 5, 400


def with_readiness(wanted: WantedInstance, actions: Sequence[Action]) -> list[Action]:
    """Return the actions, the last of which that boots the guest waits for it, where that is declared."""
    last = max((number for number, action in enumerate(actions) if action.operation in BOOTING), default=None)
    if wanted.wait_for is None or wanted.vm_state != ACTIVE or last is None:
        return list(actions)
    return [action.but(wait_for=wanted.wait_for) if number == last else action for number, action in enumerate(actions)]


class Waiting:
    """Waits for guests. Each action is shown to it before it is done, and in the end all that were done."""

    def __init__(self, driver: ComputeDriver) -> None:
        self._driver = driver
        self._marks: dict[str, str] = {}

    def begin(self, action: Action) -> None:
        """Remember where the guest's console ends: what it shows before it is booted, does not count."""
        if action.wait_for is not None and action.wait_for.console is not None:
            self._marks[action.uuid] = self._driver.mark_console(action.uuid)

    def end(self, actions: Collection[Action], progress: Optional[Progress]) -> list[Ended]:
        """Wait for those that are to be ready. Return for each why it is not, or how long that took."""
        pending = {action.uuid: (action, action.wait_for) for action in actions if action.wait_for is not None}
        if not pending:
            return []
        ended: list[Ended] = []
        total, began = len(pending), time.monotonic()
        with ThreadPoolExecutor(min(total, MOST_AT_ONCE)) as pool:
            while pending:
                ready = dict(zip(pending, pool.map(lambda item: self._is_ready(item[0], item[1]), pending.values())))
                seconds = time.monotonic() - began
                for uuid, (action, sign) in list(pending.items()):
                    if not ready[uuid] and seconds < sign.timeout:
                        continue
                    fault = None if ready[uuid] else self._refuse(action, sign)
                    ended.append((action, fault, [f"It was ready {seconds:.0f} s later."] if fault is None else []))
                    del pending[uuid]
                    if progress is not None:
                        progress(f"{action.name} is {'ready' if fault is None else 'not ready'}", len(ended), total)
                if pending:
                    time.sleep(PAUSE)
        return ended

    def _is_ready(self, action: Action, sign: Readiness) -> bool:
        try:
            if sign.console is None:
                return self._driver.is_agent_ready(action.uuid)
            mark = self._marks.get(action.uuid, "")
            return sign.console.encode() in self._driver.read_console_since(action.uuid, mark, MOST_BYTES)
        except NovellaError:
            # It may come to answer yet; the deadline ends it otherwise.
            return False

    def _refuse(self, action: Action, sign: Readiness) -> InstanceNotReady:
        awaited = "its agent did not answer" if sign.console is None else f"its console did not show '{sign.console}'"
        try:
            tail = show_console(self._driver.get_console_output(action.uuid, TAIL_BYTES), TAIL_LINES, True).strip()
        except NovellaError as error:
            tail = f"({error.message})"
        shown = show_text(tail)[-TAIL_LETTERS:] or "nothing"
        return InstanceNotReady(
            f"{action.name} was not ready {sign.timeout} s after {action.operation}: {awaited}. "
            f"Its console showed last: {shown}",
            "It is left as it is. Look at its console, or give wait_for a longer timeout.",
        )
