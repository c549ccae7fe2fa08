# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manager: the base of what acts on a host (Nova's Manager). Smart managers, dumb data.

A module run stands for a service's life: `init_host` (make good what a dead run left), `pre_start_hook` (know the
resources), the work, `post_start_hook`. Nova's timer becomes a run of `periodic_tasks`, which does what is due.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Optional

from .moment import Moment
from .objects.errors import NovellaError, OptionInvalid, nearest
from .periodic_task import (
    LastRun,
    PeriodicTask,
    TaskMemory,
    TaskOutcome,
    TaskReport,
    declaration_of,
    in_seconds,
    keep_phase,
    time_left,
)

# Stands until a run has come to its end.
UNFINISHED = "It has not come to its end: it still runs, or its process was killed."


class Manager:
    """Hooks that a module run goes through, in the order in which Nova's service calls them, and periodic tasks.

    A task is a method that `periodic_task` declares, or a function that `load_plugins` brings.
    """

    PERIODIC_TASKS: ClassVar[tuple[PeriodicTask, ...]] = ()

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Gather the tasks: the parents' first. The list is the class's own, so siblings see none of it."""
        super().__init_subclass__(**arguments)
        inherited = [task for parent in cls.__bases__ for task in getattr(parent, "PERIODIC_TASKS", ())]
        own = [task for task in map(declaration_of, vars(cls).values()) if task is not None]
        # One declared again keeps its place in the order.
        cls.PERIODIC_TASKS = tuple({task.name: task for task in [*inherited, *own]}.values())

    def init_host(self) -> None:
        """Prepare the host: recover what was interrupted. Nobody relies on this host's state before it."""

    def pre_start_hook(self) -> None:
        """Publish the host's state to the work that follows."""

    def post_start_hook(self) -> None:
        """Do what is due once the work is done."""

    def load_plugins(self) -> Sequence[PeriodicTask]:
        """Import what stands in files of its own, and return the tasks it declares, bound to what they work on."""
        return ()

    def periodic_tasks(
        self,
        raise_on_error: bool = False,
        *,
        names: Optional[Collection[str]] = None,
        force: bool = False,
        check: bool = False,
    ) -> list[TaskOutcome]:
        """Run every task that is due, one after the other. One that fails does not keep the next from running.

        Args:
            raise_on_error: Let the first failure out.
            names: Only these; all where it is None.
            force: Run them though they are not due. One that is off stays off.
            check: Change nothing, and say what would be done.

        Returns:
            One outcome per task, in order.

        Raises:
            OptionInvalid: A name is no task's.
        """
        tasks = {task.name: task for task in [*(task.bind(self) for task in self.PERIODIC_TASKS), *self.load_plugins()]}
        for name in names or ():
            if name not in tasks:
                known = sorted(tasks)
                raise OptionInvalid(
                    f"'{name}' is no periodic task.{nearest(name, known)}", f"There are: {', '.join(known)}."
                )
        chosen = [task for task in tasks.values() if names is None or task.name in names]
        return [self._run_task(task, raise_on_error, force, check) for task in chosen]

    def option(self, name: str) -> Any:
        """Return the value of an option that a declaration names."""
        # Only a manager with tasks that name options is asked for one.
        raise NotImplementedError(f"{type(self).__name__} has no options.")

    @property
    def task_memory(self) -> TaskMemory:
        """Return where the times of the tasks are kept."""
        # Only a manager with tasks needs it.
        raise NotImplementedError(f"{type(self).__name__} keeps no times of tasks.")

    def _run_task(self, task: PeriodicTask, raise_on_error: bool, force: bool, check: bool) -> TaskOutcome:
        spacing = task.spacing_by(self.option)
        if spacing < 0:
            return TaskOutcome(task.name, "off")
        is_due, left, last_error = self._take(task, spacing, force, check)
        next_due = in_seconds(Moment.now(), left)
        if not is_due:
            return TaskOutcome(task.name, "not due", next_due=next_due, last_error=last_error)
        began = time.monotonic()
        try:
            report = task.function(check)
        except Exception as error:  # whatever it is, the next task shall run; Nova's loop does the same
            if raise_on_error:
                raise
            report = TaskReport(failed=[{"error": _describe(error)}])
        faults = " ".join(item["error"]["message"] for item in report.failed)
        seconds = time.monotonic() - began
        if check:
            return TaskOutcome(task.name, "due", report, seconds, next_due, faults or last_error)
        self.task_memory.end(task.name, faults)
        return TaskOutcome(task.name, "failed" if faults else "done", report, seconds, next_due, faults)

    def _take(self, task: PeriodicTask, spacing: float, force: bool, check: bool) -> tuple[bool, float, str]:
        """Return whether to run a task, the seconds until the run after this one, and its last error.

        The run is written down before it begins, so that two controllers at the same moment run it once.
        """
        memory = self.task_memory
        with contextlib.nullcontext() if check else memory.held():
            last, now = memory.last_run(task.name), Moment.now()
            left = time_left(task, spacing, last, now)
            is_due = force or left <= 0
            beat = keep_phase(spacing, last, now)
            if not check and (is_due or last is None):
                memory.begin(task.name, LastRun(beat, UNFINISHED if is_due else ""))
        after = spacing - now.since(beat) if is_due else left
        return is_due, after, "" if last is None else last.error


def _describe(error: Exception) -> dict[str, object]:
    if isinstance(error, NovellaError):
        return error.as_dict()
    return NovellaError(f"It failed: {type(error).__name__}: {error}.").as_dict()
