# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Novella's scheduler against Nova's own, on the same hosts, requests, filters and weighers, in one run.

Usage: bench_scheduler.py [--quick]

docs/benchmarks.md tells what is measured, and what is not. --quick is a tenth of everything, to see that it works.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "conformance"))

from lookup_run import lookup_timeline  # noqa: E402
from nova_env import NovaMissing, ensure_nova  # noqa: E402
from playbook_run import BenchmarkFailed  # noqa: E402
from report import machine  # noqa: E402


@dataclass(frozen=True)
class Case:
    """One load. `aim`: how many times Nova's requests per second are to be reached; 0 for none."""

    hosts: int
    requests: int
    aim: int
    grouped: bool = False

    def __str__(self) -> str:
        groups = ", in anti-affinity groups of 10" if self.grouped else ""
        return f"{self.hosts:,} hosts × {self.requests:,} requests{groups}"

    def arguments(self) -> list[str]:
        # One more, which is not counted: what is loaded or derived once happens with it.
        return [str(self.hosts), str(self.requests + 1), *(["--grouped"] if self.grouped else [])]

    def tenth(self) -> Case:
        return Case(self.hosts // 10, max(20, self.requests // 10), 0, self.grouped)


AGAINST_NOVA = [Case(1000, 1000, 200), Case(10000, 100, 1000)]
MANY = Case(10000, 10000, 0)
MANY_GROUPED = Case(10000, 10000, 0, grouped=True)
MANY_SECONDS, MANY_MEMORY_MB, PAIRWISE_FACTOR = 10, 1024, 2


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure Novella's scheduler against Nova's.")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything; aims are for the whole")
    is_quick = parser.parse_args().quick
    print(machine(), flush=True)
    try:
        nova = ensure_nova()
        for case in AGAINST_NOVA:
            compare(case.tenth() if is_quick else case, nova)
        measure_many(*(case.tenth() if is_quick else case for case in (MANY, MANY_GROUPED)))
        with tempfile.TemporaryDirectory(prefix="novella-bench-") as folder:
            print("\n" + lookup_timeline(100 if is_quick else 1000, Path(folder)), flush=True)
    except (BenchmarkFailed, NovaMissing) as error:
        print(f"bench-scheduler: {error}", file=sys.stderr)
        return 1
    return 0


def compare(case: Case, nova: Path) -> None:
    """Both do the same; that they choose the same is a condition, not a figure."""
    print(f"\n{case}", flush=True)
    theirs = answer(nova, "nova_scheduler.py", *case.arguments())
    tell("Nova " + theirs["version"], case, theirs)
    ours = answer(Path(sys.executable), "novella_scheduler.py", *case.arguments())
    tell("Novella", case, ours)
    if ours["placed"] != theirs["placed"]:
        different = sum(one != other for one, other in zip(ours["placed"], theirs["placed"], strict=True))
        raise BenchmarkFailed(f"{different} of {case.requests} requests were placed otherwise than by Nova.")
    factor = theirs["seconds"] / ours["seconds"]
    aim = f" (aim {case.aim:,}: {'reached' if factor >= case.aim else 'MISSED'})" if case.aim else ""
    print(f"  same hosts chosen; {factor:,.0f} times Nova's requests per second{aim}")


def measure_many(plain: Case, grouped: Case) -> None:
    """What no peer is measured for: as many instances as hosts, with capacity tested too."""
    seconds = {}
    for case in (plain, grouped):
        print(f"\n{case}, capacity tested too", flush=True)
        ours = answer(Path(sys.executable), "novella_scheduler.py", *case.arguments(), "--capacity")
        placed = sum(host is not None for host in ours["placed"])
        seconds[case.grouped] = ours["seconds"]
        tell("Novella", case, ours)
        print(f"  {placed:,} placed, {ours['memory_mb']:,} MB of memory at most")
        if not case.grouped:
            good = ours["seconds"] <= MANY_SECONDS and ours["memory_mb"] <= MANY_MEMORY_MB
            print(f"  aim {MANY_SECONDS} s and {MANY_MEMORY_MB} MB: {'reached' if good else 'MISSED'}")
    factor = seconds[True] / seconds[False]
    verdict = "reached" if factor <= PAIRWISE_FACTOR else "MISSED"
    print(f"  groups make it {factor:.2f} times slower (aim at most {PAIRWISE_FACTOR}: {verdict})")


def answer(python: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Run one side and return what it says on its last line."""
    began = time.monotonic()
    done = subprocess.run([str(python), str(HERE / script), *arguments], capture_output=True, text=True, cwd=HERE)
    if done.returncode:
        raise BenchmarkFailed(f"{script} failed after {time.monotonic() - began:.0f} s:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def tell(who: str, case: Case, answered: dict[str, Any]) -> None:
    seconds = answered["seconds"]
    each = f"{seconds / case.requests * 1e6:12,.0f} µs a request  {case.requests / seconds:10,.1f} requests/s"
    print(f"  {who:<12} {seconds:10.3f} s  {each}  (one more before it: {answered['first']:.3f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
