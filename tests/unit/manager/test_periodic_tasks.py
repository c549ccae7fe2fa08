# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managers and their periodic tasks: what is due, in which order, and what the clock may do to it."""

import contextlib
import math
from collections.abc import Iterator

import pytest
from ansible_collections.novella.compute.plugins.module_utils import manager as manager_module
from ansible_collections.novella.compute.plugins.module_utils.manager import UNFINISHED, Manager
from ansible_collections.novella.compute.plugins.module_utils.moment import Moment
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError, OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.periodic_task import (
    LastRun,
    PeriodicTask,
    TaskReport,
    declaration_of,
    keep_phase,
    periodic_task,
    time_left,
)
from hypothesis import given
from hypothesis import strategies as st

BOOT = "the-first-boot"


class Memory:
    """What a host remembers, in a dictionary."""

    def __init__(self) -> None:
        self.runs: dict[str, LastRun] = {}
        self.is_held = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.is_held = True
        yield
        self.is_held = False

    def last_run(self, name: str) -> LastRun | None:
        return self.runs.get(name)

    def begin(self, name: str, run: LastRun) -> None:
        assert self.is_held
        self.runs[name] = run

    def end(self, name: str, error: str) -> None:
        self.runs[name] = LastRun(self.runs[name].moment, error)


class Recorder(Manager):
    """Remembers which tasks ran."""

    def __init__(self, **options: object) -> None:
        self.ran: list[str] = []
        self.task_memory_kept = Memory()
        self.options = options

    @property
    def task_memory(self) -> Memory:
        return self.task_memory_kept

    def option(self, name: str) -> object:
        return self.options[name]

    def ran_now(self) -> list[str]:
        ran, self.ran = self.ran, []
        return ran


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    clock = Clock()
    monkeypatch.setattr(manager_module.Moment, "now", classmethod(lambda cls: clock.moment))
    return clock


class Clock:
    """The host's clocks, which a test can turn."""

    def __init__(self) -> None:
        self.moment = Moment(1_000_000.0, BOOT, 5_000.0)

    def pass_time(self, seconds: float) -> None:
        self.moment = Moment(self.moment.wall + seconds, self.moment.boot_id, self.moment.uptime + seconds)

    def step(self, seconds: float) -> None:
        self.moment = Moment(self.moment.wall + seconds, self.moment.boot_id, self.moment.uptime)

    def reboot(self, seconds: float) -> None:
        self.moment = Moment(self.moment.wall + seconds, self.moment.boot_id + "'", seconds)


class Worker(Recorder):
    @periodic_task(spacing=100, run_immediately=True)
    def first(self, check: bool) -> TaskReport:
        self.ran.append("first")
        return TaskReport()

    @periodic_task(spacing="second_interval")
    def second(self, check: bool) -> TaskReport:
        self.ran.append("second")
        return TaskReport()

    @periodic_task
    def third(self, check: bool) -> TaskReport:
        self.ran.append("third")
        return TaskReport()


def run(worker: Recorder, **how: object) -> list[str]:
    worker.periodic_tasks(**how)
    return worker.ran_now()


def test_a_task_runs_at_once_where_it_says_so_and_else_after_one_spacing(clock: Clock) -> None:
    worker = Worker(second_interval=50)
    assert run(worker) == ["first"]
    clock.pass_time(49)
    assert run(worker) == []
    clock.pass_time(2)
    assert run(worker) == ["second"]
    clock.pass_time(10)
    assert run(worker) == ["third"]  # 60 s, as it names no spacing


def test_the_spacing_of_an_option_is_read_at_each_run_and_less_than_0_is_never(clock: Clock) -> None:
    worker = Worker(second_interval=-1)
    outcomes = {outcome.name: outcome for outcome in worker.periodic_tasks(force=True)}
    assert (outcomes["second"].status, outcomes["second"].next_due) == ("off", None)
    assert worker.ran_now() == ["first", "third"]
    worker.options["second_interval"] = 10
    assert run(worker) == []
    clock.pass_time(10)
    assert run(worker) == ["second"]


def test_a_task_of_an_option_that_is_0_is_off() -> None:
    class Reclaimer(Recorder):
        @periodic_task(enabled="interval")
        def reclaim(self, check: bool) -> TaskReport:
            return TaskReport()

    assert Reclaimer(interval=0).periodic_tasks(force=True)[0].status == "off"
    assert Reclaimer(interval=True).periodic_tasks(force=True)[0].status == "done"


def test_a_parents_tasks_come_first_and_siblings_see_nothing_of_each_other() -> None:
    class Child(Worker):
        @periodic_task(name="fourth")
        def another(self, check: bool) -> TaskReport:
            self.ran.append("fourth")
            return TaskReport()

    class Sibling(Worker):
        @periodic_task(spacing=7)
        def second(self, check: bool) -> TaskReport:
            self.ran.append("second of the sibling")
            return TaskReport()

    assert run(Child(second_interval=1), force=True) == ["first", "second", "third", "fourth"]
    assert run(Sibling(second_interval=1), force=True) == ["first", "second of the sibling", "third"]
    assert [task.name for task in Worker.PERIODIC_TASKS] == ["first", "second", "third"]
    assert Manager.PERIODIC_TASKS == ()


def test_plugins_bring_tasks_of_their_own() -> None:
    @periodic_task(run_immediately=True)
    def tidy(where: list[str], check: bool) -> TaskReport:
        where.append("tidied")
        return TaskReport()

    class Extended(Worker):
        def load_plugins(self) -> list[PeriodicTask]:
            declared = declaration_of(tidy)
            return [] if declared is None else [declared.bind(self.ran)]

    assert run(Extended(second_interval=1)) == ["first", "tidied"]


def test_a_failing_task_is_recorded_and_the_next_one_runs(clock: Clock) -> None:
    class Clumsy(Worker):
        @periodic_task(spacing=100, run_immediately=True)
        def first(self, check: bool) -> TaskReport:
            raise HypervisorError("libvirt is away.", "Look at it.")

    worker = Clumsy(second_interval=1)
    first, second, _third = worker.periodic_tasks(force=True)
    assert (first.status, first.last_error) == ("failed", "libvirt is away.")
    assert first.report.failed[0]["error"]["remedy"] == "Look at it."
    assert second.status == "done"
    clock.pass_time(1)
    assert worker.periodic_tasks(names=["first"])[0].as_dict()["last_error"] == "libvirt is away."
    with pytest.raises(HypervisorError):
        worker.periodic_tasks(True, force=True)


def test_a_task_whose_process_was_killed_says_so_and_runs_on_its_next_beat(clock: Clock) -> None:
    class Killed(BaseException):
        pass

    class Mortal(Worker):
        @periodic_task(spacing=100, run_immediately=True)
        def first(self, check: bool) -> TaskReport:
            raise Killed

    worker = Mortal(second_interval=1)
    with pytest.raises(Killed):
        worker.periodic_tasks()
    assert worker.periodic_tasks(names=["first"])[0].last_error == UNFINISHED


def test_a_check_runs_what_is_due_as_a_check_and_writes_nothing(clock: Clock) -> None:
    class Careful(Recorder):
        @periodic_task(spacing=100, run_immediately=True)
        def look(self, check: bool) -> TaskReport:
            return TaskReport(did=[{"would": check}])

    worker = Careful()
    outcome = worker.periodic_tasks(check=True)[0]
    assert (outcome.status, outcome.report.did) == ("due", [{"would": True}])
    assert worker.task_memory_kept.runs == {}


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionInvalid, match=r"'frist' is no periodic task. Did you mean 'first'\?"):
        Worker(second_interval=1).periodic_tasks(names=["frist"])


def test_empty_parentheses_are_refused() -> None:
    with pytest.raises(TypeError, match="without parentheses"):
        periodic_task()


def test_a_clock_stepped_back_an_hour_neither_stops_a_task_nor_runs_it_twice(clock: Clock) -> None:
    worker = Worker(second_interval=-1)
    run(worker, names=["first"])
    clock.step(-3600)
    assert run(worker, names=["first"]) == []
    clock.pass_time(100)
    assert run(worker, names=["first"]) == ["first"]
    clock.step(+7200)
    assert run(worker, names=["first"]) == []


def test_a_clock_that_is_behind_after_a_reboot_delays_a_task_by_no_more_than_its_spacing(clock: Clock) -> None:
    worker = Worker(second_interval=-1)
    run(worker, names=["first"])
    clock.step(-3600)
    clock.reboot(30)
    assert run(worker, names=["first"]) == []
    clock.pass_time(70)
    assert run(worker, names=["first"]) == ["first"]


def test_what_was_missed_while_the_host_was_off_is_not_made_up_for(clock: Clock) -> None:
    worker = Worker(second_interval=-1)
    run(worker, names=["first"])
    clock.reboot(1050)
    assert run(worker, names=["first"]) == ["first"]
    assert run(worker, names=["first"]) == []
    clock.pass_time(50)  # the beat is at 1,100 s
    assert run(worker, names=["first"]) == ["first"]


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("pass_time"), st.floats(0, 500)),
        st.tuples(st.just("step"), st.floats(-5000, 5000)),
    ),
    max_size=20,
)


@given(events=EVENTS, spacing=st.integers(1, 300))
def test_however_the_wall_clock_is_set_a_task_runs_once_per_beat(events: list[tuple[str, float]], spacing: int) -> None:
    clock, elapsed = Clock(), 0.0
    task = PeriodicTask("task", lambda: TaskReport(), spacing, True)
    last, beats = LastRun(clock.moment), [0]
    for event, seconds in events:
        getattr(clock, event)(seconds)
        elapsed += seconds if event == "pass_time" else 0
        due = time_left(task, spacing, last, clock.moment) <= 0
        # Beats are counted in real time; a hair's breadth beside one, rounding may decide.
        if abs(elapsed / spacing - round(elapsed / spacing)) * spacing > 1e-3:
            assert due == (math.floor(elapsed / spacing) > beats[-1])
        if due:
            last = LastRun(keep_phase(spacing, last, clock.moment))
            beats.append(round((elapsed - clock.moment.since(last.moment)) / spacing))
    assert beats == sorted(set(beats))


@given(
    spacing=st.integers(1, 300),
    off=st.floats(0, 10000),
    step=st.floats(-5000, 5000),
    up=st.floats(0, 10000),
)
def test_after_a_reboot_a_task_is_never_later_than_one_spacing(
    spacing: int, off: float, step: float, up: float
) -> None:
    clock = Clock()
    last = LastRun(clock.moment)
    clock.pass_time(off)
    clock.step(step)
    clock.reboot(up)
    left = time_left(PeriodicTask("task", lambda: TaskReport(), spacing), spacing, last, clock.moment)
    assert left <= spacing
    assert up < spacing or left <= 0
