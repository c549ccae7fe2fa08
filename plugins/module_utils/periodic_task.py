# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Periodic tasks: how they are declared, when one is due, and what it tells (Nova's periodic_task)."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Protocol, TypeVar, Union, overload

from .moment import Moment

# Nova's, for tasks that name none or 0.
DEFAULT_SPACING = 60.0
NEVER = -1.0
_MARK = "periodic_task"

Function = TypeVar("Function", bound=Callable[..., "TaskReport"])
Deed = dict[str, Any]


@dataclass(frozen=True)
class TaskReport:
    """What a task has to tell.

    Args:
        did: What it changed, or in a check would change, one dictionary each.
        failed: What it could not change; each tells its ``error``. It does not keep the task from the rest.
        warnings: What a person should look at.
        facts: What it has read and others may rely on, by name.
    """

    did: list[Deed] = field(default_factory=list)
    failed: list[Deed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PeriodicTask:
    """The declaration.

    Args:
        function: Does it. It is given what it is bound to, and whether it is only to say what it would do.
        spacing: Seconds between two runs, or the name of the option that says so. 0 is `DEFAULT_SPACING`;
            less is never.
        run_immediately: Whether a host that has never run it does so at once, or first after one spacing.
        enabled: Whether it runs at all, or the name of the option that says so by being above 0, or true.
    """

    name: str
    function: Callable[..., TaskReport]
    spacing: Union[float, str] = 0
    run_immediately: bool = False
    enabled: Union[bool, str] = True

    def bind(self, subject: object) -> PeriodicTask:
        """Return the task of this subject: its function's first argument."""
        return dataclasses.replace(self, function=functools.partial(self.function, subject))

    def spacing_by(self, option: Callable[[str], Any]) -> float:
        """Return the seconds between two runs; less than 0 for never.

        Args:
            option: Returns the value of an option, by name.
        """
        is_enabled = option(self.enabled) if isinstance(self.enabled, str) else self.enabled
        if is_enabled <= 0:
            return NEVER
        return float(option(self.spacing) if isinstance(self.spacing, str) else self.spacing) or DEFAULT_SPACING


@dataclass(frozen=True)
class LastRun:
    """What is remembered of a task: when it ran last, on its beat, and how that went wrong (empty: it did not)."""

    moment: Moment
    error: str = ""


@dataclass(frozen=True)
class TaskOutcome:
    """How it went with one task.

    Args:
        status: ``done``, ``failed``, ``not due``, ``off``, and in a check ``due``.
        next_due: ISO-8601 UTC; None where it is off.
        last_error: Why its last run has failed; empty where it has not.
    """

    name: str
    status: str
    report: TaskReport = field(default_factory=TaskReport)
    seconds: float = 0.0
    next_due: Optional[str] = None
    last_error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "status": self.status,
            "did": list(self.report.did),
            "failed": list(self.report.failed),
            "warnings": list(self.report.warnings),
            "seconds": round(self.seconds, 3),
            "next_due": self.next_due,
            "last_error": self.last_error,
        }


class TaskMemory(Protocol):
    """Where the times of a host's tasks are kept. All its runs share it."""

    def held(self) -> AbstractContextManager[object]:
        """Keep every other run from reading and writing meanwhile."""

    def last_run(self, name: str) -> Optional[LastRun]:
        """Return what is remembered of a task."""

    def begin(self, name: str, run: LastRun) -> None:
        """Remember that the task runs, on a beat that the run's moment is part of."""

    def end(self, name: str, error: str) -> None:
        """Remember how the run went; empty for well."""


@overload
def periodic_task(function: Function) -> Function: ...


@overload
def periodic_task(
    *,
    spacing: Union[float, str, None] = None,
    run_immediately: Optional[bool] = None,
    enabled: Union[bool, str, None] = None,
    name: Optional[str] = None,
) -> Callable[[Function], Function]: ...


def periodic_task(
    function: Optional[Function] = None,
    *,
    spacing: Union[float, str, None] = None,
    run_immediately: Optional[bool] = None,
    enabled: Union[bool, str, None] = None,
    name: Optional[str] = None,
) -> Union[Function, Callable[[Function], Function]]:
    """Declare a manager's method, or the function of a plugin, as a periodic task; see PeriodicTask.

    It is written bare, ``@periodic_task``, or with arguments.

    Args:
        name: What users call it; the function's own name where it is left out.

    Raises:
        TypeError: It is written with empty parentheses.
    """
    if function is None and spacing is run_immediately is enabled is name is None:
        raise TypeError("Write @periodic_task without parentheses, or say something between them.")

    def declare(function: Function) -> Function:
        declared = PeriodicTask(
            name or function.__name__,
            function,
            0 if spacing is None else spacing,
            bool(run_immediately),
            True if enabled is None else enabled,
        )
        setattr(function, _MARK, declared)
        return function

    return declare if function is None else declare(function)


def declaration_of(value: object) -> Optional[PeriodicTask]:
    """Return what a function was declared as; None for anything else."""
    return getattr(value, _MARK, None)


def time_left(task: PeriodicTask, spacing: float, last: Optional[LastRun], now: Moment) -> float:
    """Return the seconds until a task is due; 0 or less where it is."""
    if last is None:
        return 0.0 if task.run_immediately else spacing
    return spacing - now.since(last.moment)


def keep_phase(spacing: float, last: Optional[LastRun], now: Moment) -> Moment:
    """Return the moment to remember for a run now: the last beat of the task.

    So a task that ran late is not late ever after, and one that was forced does not move. Beats that were missed are
    not made up for.
    """
    return now if last is None else now.before(now.since(last.moment) % spacing)


def in_seconds(moment: Moment, seconds: float) -> str:
    """Return the time so many seconds after a moment, ISO-8601 UTC, in whole seconds."""
    when = datetime.datetime.fromtimestamp(moment.wall + max(0.0, seconds), datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
