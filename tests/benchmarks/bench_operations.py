# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One operation to many guests of one host: Novella against community.libvirt in a loop, in one run.

Usage: bench_operations.py [--rounds N]

Both pause the same guests and let them go on. docs/benchmarks.md tells what is measured, and what is not.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from contestants import PEER_VENV, CommunityLoop, Novella, Task, install_peers, peer_version
from one_host_lab import HOST, BenchHost, have_guests_halt, one_host_lab
from playbook_run import BenchmarkFailed
from report import Aim, Figures, aims_table, all_figures, figures_table, machine
from timeline import read_timeline, task_seconds

# The parts of a run, with their seconds.
Parts = list[tuple[str, float]]

GUESTS = Task(100, "running")
# Each ends in the state that the other starts from.
STATES = {"pause": "paused", "unpause": "running"}
AIMS = [Aim(f"{operation}: tasks", 20) for operation in STATES]
FLOOR = "one ping"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure one operation to many guests, against community.libvirt.")
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure Novella; the loop is measured once")
    arguments = parser.parse_args()
    # Ending as on Ctrl-C, so that the lab is taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    print(machine(), flush=True)
    figures = Figures()
    try:
        install_peers()
        print(f"ansible-core {version('ansible-core')}, community.libvirt of ansible {peer_version('ansible')}")
        with tempfile.TemporaryDirectory(prefix="novella-bench-") as folder, one_host_lab(Path(folder)) as host:
            scratch = Path(folder)
            have_guests_halt(scratch)
            Novella(host, scratch).create(GUESTS)
            host.expect(GUESTS.count, "running")
            for _round in range(arguments.rounds):
                measure(host, figures, Novella.title, lambda operation: run_novella(host, scratch, operation))
                for operation in STATES:
                    add(figures, operation, FLOOR, run_ping(host, scratch))
            measure(host, figures, CommunityLoop.title, lambda operation: run_loop(host, scratch, operation))
    except BenchmarkFailed as error:
        print(f"bench-operations: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    loop = CommunityLoop.title
    tables = [figures_table(figures, loop), aims_table(figures, AIMS, Novella.title, loop), all_figures(figures)]
    print("\n" + "\n\n".join(tables))
    print(f"\nMeasured in {time.monotonic() - began:.0f} s")
    return 0


def measure(host: BenchHost, figures: Figures, title: str, run: Callable[[str], Parts]) -> None:
    """Have all guests paused, and let them go on; see that it was done each time."""
    for operation, state in STATES.items():
        host.keep_connection()
        add(figures, operation, title, run(operation))
        host.expect(GUESTS.count, state)


def add(figures: Figures, operation: str, title: str, parts: Parts) -> None:
    """Remember what the tasks took, and what the whole process did."""
    figures.add(f"{operation}: tasks", title, task_seconds(parts))
    figures.add(f"{operation}: whole run", title, sum(seconds for _name, seconds in parts))


def run_novella(host: BenchHost, scratch: Path, operation: str) -> Parts:
    return read_timeline([f"novella.compute.{operation}", "-i", str(host.inventory), "-e", "instances=*"], scratch)


def run_ping(host: BenchHost, scratch: Path) -> Parts:
    play = {"hosts": HOST, "gather_facts": False, "tasks": [{"name": "Ping", "ansible.builtin.ping": {}}]}
    return _run_play(host, scratch, play)


def run_loop(host: BenchHost, scratch: Path, operation: str) -> Parts:
    names = host.run("virsh", "-c", "qemu:///system", "list", "--all", "--name").split()
    task = {
        "name": operation.capitalize(),
        "community.libvirt.virt": {"command": operation, "name": "{{ item }}"},
        "loop": "{{ domains }}",
    }
    return _run_play(host, scratch, {"hosts": HOST, "gather_facts": False, "vars": {"domains": names}, "tasks": [task]})


def _run_play(host: BenchHost, scratch: Path, play: dict[str, Any]) -> Parts:
    path = scratch / "play.yml"
    path.write_text(yaml.safe_dump([play], sort_keys=False))
    return read_timeline([str(path), "-i", str(host.inventory)], scratch, PEER_VENV)


if __name__ == "__main__":
    sys.exit(main())
