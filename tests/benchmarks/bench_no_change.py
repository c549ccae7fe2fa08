# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An apply that finds nothing to do, beside a ping of the same host in the same run.

Usage: bench_no_change.py [--guests N] [--rounds N] [--where]

docs/benchmarks.md tells what is measured, and which task is compared.
"""

from __future__ import annotations

import argparse
import platform
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml
from device_fleet import DISKS, NICS, apply_arguments, expect_devices
from one_host_lab import HOST, BenchHost, one_host_lab
from playbook_run import CHECKOUT, BenchmarkFailed, run_playbook
from report import Figures, machine, ratio_lines
from timeline import read_timeline, task_seconds, timeline_table

PING, CACHED, PLAIN = "ansible.builtin.ping", "apply, fact cache", "apply, no cache"
AUDIT_TASK = "Read the host"
# How many times a ping the audit may take at most.
AIMS = {CACHED: 3.0, PLAIN: 3.0}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure an apply without changes against a ping.")
    parser.add_argument("--guests", type=int, default=50, help="how many, on one host")
    parser.add_argument("--rounds", type=int, default=6, help="how often to measure each")
    parser.add_argument("--where", action="store_true", help="tell task by task where the time goes")
    arguments = parser.parse_args()
    # Ending as on Ctrl-C, so that the lab is taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    print(f"{machine()}\nansible-core {version('ansible-core')}, Python {platform.python_version()}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="novella-bench-") as folder, one_host_lab(Path(folder)) as host:
            runs = NoChangeRuns(host, Path(folder), arguments.guests)
            runs.prepare()
            print(
                f"{arguments.guests} stopped guests with {DISKS} disks and {NICS} NICs each on one host of real libvirt"
            )
            print("A second apply: changed=0, one module run on the host; with the fact cache it is not read in full")
            measure(runs, arguments.rounds)
            if arguments.where:
                print("\n" + timeline_table(CACHED, runs.parts(CACHED)))
    except BenchmarkFailed as error:
        print(f"bench-no-change: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\nMeasured in {time.monotonic() - began:.0f} s")
    return 0


def measure(runs: NoChangeRuns, rounds: int) -> None:
    """Take turns, so that whatever else the machine does meets all of them."""
    figures = Figures()
    for _round in range(rounds):
        for kind in (PING, CACHED, PLAIN):
            parts = runs.parts(kind)
            wanted = "Ping" if kind == PING else AUDIT_TASK
            audit = [(name, seconds) for name, seconds in parts if name.endswith(wanted)]
            figures.add("audit", kind, task_seconds(audit))
            figures.add("tasks", kind, task_seconds(parts))
            figures.add("whole", kind, sum(seconds for _name, seconds in parts))
    titles = {
        "audit": f"The task {AUDIT_TASK!r} of the apply, which asks the host, against the task of the ping",
        "tasks": "All tasks of the apply (audit, plan, summary), against the task of the ping",
        "whole": "Whole ansible-playbook runs",
    }
    for case, title in titles.items():
        print(f"\n{title}\n{ratio_lines(figures, case, PING, AIMS if case == 'audit' else {})}", flush=True)


@dataclass(frozen=True)
class NoChangeRuns:
    """Runs that change nothing.

    Attributes:
        scratch: For playbooks and the fact cache.
    """

    host: BenchHost
    scratch: Path
    guests: int

    def prepare(self) -> None:
        """Have the guests, fill the cache, and see that nothing is left to be done; untimed."""
        play = {"hosts": HOST, "gather_facts": False, "tasks": [{"name": "Ping", "ansible.builtin.ping": {}}]}
        self._ping.write_text(yaml.safe_dump([play]))
        run_playbook(CHECKOUT / ".venv", "ansible-playbook", *self._arguments(CACHED))
        expect_devices(self.host, self.guests, "shutoff")
        for kind in (CACHED, PLAIN):
            run_playbook(
                CHECKOUT / ".venv", "ansible-playbook", *self._arguments(kind), **self._cache(kind)
            ).expect_no_change()
        self._expect_one_module_run()
        self.host.keep_connection()

    def parts(self, kind: str) -> list[tuple[str, float]]:
        """Return the parts of a run with their wall seconds."""
        return read_timeline(self._arguments(kind), self.scratch, **self._cache(kind))

    def _expect_one_module_run(self) -> None:
        """See that the host is asked once, and that it answers that it is as it was."""
        run = run_playbook(
            CHECKOUT / ".venv", "ansible-playbook", "-vv", *self._arguments(CACHED), **self._cache(CACHED)
        ).expect_no_change()
        tasks = [line for line in run.output.splitlines() if line.startswith("TASK [")]
        asked = [line for line in tasks if AUDIT_TASK in line or "Reconcile" in line or "Claim" in line]
        if len(asked) != 1 or "in_sync: true" not in run.output:
            raise BenchmarkFailed(f"The host was to be asked once, and to be as it was: {tasks}\n{run.output[-2000:]}")

    @property
    def _ping(self) -> Path:
        return self.scratch / "ping.yml"

    def _arguments(self, kind: str) -> list[str]:
        if kind == PING:
            return [str(self._ping), "-i", str(self.host.inventory)]
        return apply_arguments(self.host, self.scratch, self.guests, "stopped")

    def _cache(self, kind: str) -> dict[str, str]:
        if kind != CACHED:
            return {}
        return {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.scratch / "facts")}


if __name__ == "__main__":
    sys.exit(main())
