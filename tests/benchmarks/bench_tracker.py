# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims, audits and digest checks, beside a ping of the same hosts in the same run.

Usage: bench_tracker.py [--rounds N] [--no-lab]

docs/benchmarks.md tells what is measured, and what is not. --no-lab leaves out what needs root and real libvirt.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from audit_run import AUDIT, KNOWN, PING, AuditRuns
from contestants import Novella, Task
from fake_fleet import make_fleet
from one_host_lab import BenchHost, one_host_lab
from playbook_run import BenchmarkFailed
from report import Figures, machine, ratio_lines

PRESENT = 200
CLAIMS = 50
HOSTS, INSTANCES = 100, 10
# How many times a ping they may take at most.
AIMS = {AUDIT: 2.0, KNOWN: 1.2}
PROGRAM = Path(__file__).with_name("claim_load.py")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure claims, audits and digest checks against a ping.")
    parser.add_argument("--rounds", type=int, default=6, help="how often to measure a host; a third for many hosts")
    parser.add_argument("--no-lab", action="store_true", help="only what runs on the fake driver")
    arguments = parser.parse_args()
    # Ending as on Ctrl-C, so that the lab is taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    print(f"{machine()}\nansible-core {version('ansible-core')}, Python {platform.python_version()}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="novella-bench-") as folder:
            scratch = Path(folder)
            measure_fake_claims(scratch)
            measure_fake_fleet(scratch, max(1, arguments.rounds // 3))
            if not arguments.no_lab:
                measure_lab(scratch, arguments.rounds)
    except BenchmarkFailed as error:
        print(f"bench-tracker: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\nMeasured in {time.monotonic() - began:.0f} s")
    return 0


def measure_fake_claims(scratch: Path) -> None:
    """How many claims a second a host answers, apart from its hypervisor."""
    arguments = ["fake", str(scratch / "claims"), str(PRESENT), str(CLAIMS)]
    done = subprocess.run([sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise BenchmarkFailed(done.stderr[-3000:])
    tell_claims("the fake driver", json.loads(done.stdout))


def measure_fake_fleet(scratch: Path, rounds: int) -> None:
    """What a digest check saves on many hosts; all of them share this machine's processors with the controller."""
    folder = scratch / "fleet"
    runs = AuditRuns(make_fleet(folder, HOSTS, INSTANCES), folder)
    figures = measure_audits(runs, rounds, f"{HOSTS} hosts")
    print(f"\n{HOSTS} hosts of the fake driver with {INSTANCES} instances each, whole ansible-playbook runs")
    print(ratio_lines(figures, f"{HOSTS} hosts", PING, {}), flush=True)


def measure_lab(scratch: Path, rounds: int) -> None:
    """One host with real libvirt and so many domains."""
    folder = scratch / "lab"
    folder.mkdir()
    with one_host_lab(folder) as host:
        Novella(host, folder).create(Task(PRESENT, "shutoff"))
        host.expect(PRESENT, "shutoff")
        runs = AuditRuns(host.inventory, folder)
        whole = measure_audits(runs, rounds, "whole")
        print(f"\nOne host of real libvirt with {PRESENT} domains, whole ansible-playbook runs")
        print(ratio_lines(whole, "whole", PING, AIMS), flush=True)
        alone = Figures()
        for _round in range(rounds):
            for kind in (PING, AUDIT, KNOWN):
                alone.add("task", kind, runs.task_seconds(kind))
        print("The same, the task alone, without the start of ansible-playbook")
        print(ratio_lines(alone, "task", PING, {}), flush=True)
        measure_lab_claims(host)


def measure_lab_claims(host: BenchHost) -> None:
    program = host.take_program(PROGRAM)
    command = ["/usr/bin/python3", "-B", program, "libvirt", "/var/lib/novella", "0", str(CLAIMS)]
    tell_claims("real libvirt", json.loads(host.run(*command)))


def measure_audits(runs: AuditRuns, rounds: int, case: str) -> Figures:
    """Take turns, so that whatever else the machine does meets all of them."""
    runs.prepare()
    figures = Figures()
    for _round in range(rounds):
        for kind in (PING, AUDIT, KNOWN):
            figures.add(case, kind, runs.seconds(kind))
    return figures


def tell_claims(where: str, answer: dict[str, float]) -> None:
    print(f"\nClaims on one host of {where} with {answer['present']} instances, {CLAIMS} claims")
    for kind, words in (("single", "each in a transaction of its own"), ("batch", "all in one transaction")):
        print(f"  {answer[kind]:8.3f} s  {CLAIMS / answer[kind]:10,.0f} claims/s  {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
