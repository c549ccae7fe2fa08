# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting no longer than one means to, for calls that may block for ever.

Nothing can interrupt a thread inside a C library. So each call runs in a daemon thread and is waited for; one
that takes too long is left behind. Daemon threads, and not `concurrent.futures`, because the latter joins its
threads when the process ends, and a hung one would keep it from ending.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Optional, TypeVar

T = TypeVar("T")


class TookTooLong(Exception):
    """The call did not come back in time. It may still do so, and take effect.

    Args:
        seconds: How long was waited for an answer.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds = seconds


class _Task:
    __slots__ = ("done", "error", "function", "result")

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: Optional[BaseException] = None
        self.done = threading.Lock()
        self.done.acquire()


class Workers:
    """Threads that are kept for the next call. There are as many as calls at one time."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[_Task]] = []

    def call(
        self,
        function: Callable[[], T],
        deadline: float,
        answers: Optional[Callable[[], bool]] = None,
        every: float = float("inf"),
    ) -> T:
        """Run the function in a worker and return its result, or raise what it raised.

        Args:
            deadline: Seconds to wait.
            answers: Asked during a long wait whether there is anybody to wait for.
            every: Seconds between two such questions.

        Raises:
            TookTooLong: The time is over, or nobody is there; the function still runs.
        """
        task = _Task(function)
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), name="bounded-call", daemon=True).start()
        inbox.put(task)
        end = time.monotonic() + deadline
        while not task.done.acquire(timeout=max(0.0, min(end - time.monotonic(), every))):
            if time.monotonic() >= end:
                raise TookTooLong(deadline)
            if answers is not None and not answers():
                raise TookTooLong(every)
        if task.error is not None:
            raise task.error
        result: T = task.result
        return result

    def _serve(self, inbox: SimpleQueue[_Task]) -> None:
        while True:
            task = inbox.get()
            try:
                task.result = task.function()
            except BaseException as error:  # whatever it is, it belongs to the caller
                task.error = error
            # Idle before done: the caller's next call shall find this worker.
            self._idle.append(inbox)
            task.done.release()
            del task
