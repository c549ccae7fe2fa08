# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Novella against community.libvirt in a loop and against bare libvirt-python, on one host, in one run.

Usage: bench_reconcile.py [--rounds N] [--where]

Everyone makes the same domains on the same host. docs/benchmarks.md tells what is measured, and what is not.
"""

from __future__ import annotations

import argparse
import platform
import signal
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from contestants import (
    BareScript,
    CommunityLoop,
    Contestant,
    Novella,
    Task,
    ThreadedScript,
    install_peers,
    peer_version,
    ping_seconds,
)
from one_host_lab import BenchHost, one_host_lab
from playbook_run import BenchmarkFailed
from report import Aim, Figures, aims_table, all_figures, figures_table, machine
from timeline import read_timeline, timeline_table

RUNNING = Task(20, "running")
DEFINED = Task(200, "shutoff")
CREATE, AGAIN, AGAIN_MANY = "create 20", "no change, 20", "no change, 200"
AIMS = [Aim(CREATE, 4), Aim(AGAIN, 4), Aim(AGAIN_MANY, 30)]
FLOOR = "a playbook of one ping"


def main() -> int:
    arguments = read_arguments()
    # Ending as on Ctrl-C, so that the lab is taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    print(machine(), flush=True)
    try:
        install_peers()
        with tempfile.TemporaryDirectory(prefix="novella-bench-") as folder:
            scratch = Path(folder)
            say("Bringing up a lab of one host")
            with one_host_lab(scratch) as host:
                print(versions(host), flush=True)
                warm_up(host, scratch)
                figures = Figures()
                for number in range(1, arguments.rounds + 1):
                    measure_running(host, scratch, figures, number)
                measure_defined(host, scratch, figures, arguments.rounds)
                for _number in range(arguments.rounds):
                    host.keep_connection()
                    figures.add(AGAIN, FLOOR, ping_seconds(host, scratch))
                if arguments.where:
                    tell_where(host, scratch)
    except BenchmarkFailed as error:
        print(f"bench-reconcile: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    loop = CommunityLoop.title
    tables = [figures_table(figures, loop), aims_table(figures, AIMS, Novella.title, loop), all_figures(figures)]
    print("\n" + "\n\n".join(tables))
    print(f"\nMeasured in {time.monotonic() - began:.0f} s")
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Novella against its peers on a lab of one host.")
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure all but the loop over 200")
    parser.add_argument("--where", action="store_true", help="tell task by task where Novella's time goes")
    return parser.parse_args()


def warm_up(host: BenchHost, scratch: Path) -> None:
    """Have libvirt probe its QEMU and Novella fetch the image, which happens once in a host's life."""
    say("Warming up")
    novella = Novella(host, scratch)
    novella.create(Task(1, "running"))
    novella.remove(RUNNING)


def measure_running(host: BenchHost, scratch: Path, figures: Figures, number: int) -> None:
    """One round: everyone creates 20 running domains on the empty host, and looks again."""
    for kind in (Novella, CommunityLoop, BareScript, ThreadedScript):
        contestant: Contestant = kind(host, scratch)
        say(f"Round {number}: {contestant.title}")
        host.keep_connection()
        figures.add(CREATE, contestant.title, contestant.create(RUNNING))
        host.expect(RUNNING.count, RUNNING.state)
        host.keep_connection()
        figures.add(AGAIN, contestant.title, contestant.again(RUNNING))
        if kind is Novella and number == 1:
            host.bare("dump", str(RUNNING.folder))
        contestant.remove(RUNNING)


def measure_defined(host: BenchHost, scratch: Path, figures: Figures, rounds: int) -> None:
    """Everyone finds 200 stopped domains as they should be."""
    novella, loop, bare = Novella(host, scratch), CommunityLoop(host, scratch), BareScript(host, scratch)
    say(f"{DEFINED.count} stopped: {novella.title}")
    novella.create(DEFINED)
    host.expect(DEFINED.count, DEFINED.state)
    for _number in range(rounds):
        host.keep_connection()
        figures.add(AGAIN_MANY, novella.title, novella.again(DEFINED))
    host.bare("dump", str(DEFINED.folder))
    novella.remove(DEFINED)
    # What the loop would have made, without waiting for it.
    bare.create(DEFINED)
    host.expect(DEFINED.count, DEFINED.state)
    say(f"{DEFINED.count} stopped: {loop.title}, once")
    host.keep_connection()
    figures.add(AGAIN_MANY, loop.title, loop.again(DEFINED))
    say(f"{DEFINED.count} stopped: {bare.title}")
    for _number in range(rounds):
        figures.add(AGAIN_MANY, bare.title, bare.again(DEFINED))
    bare.remove(DEFINED)


def tell_where(host: BenchHost, scratch: Path) -> None:
    """Print what Novella's runs are made of."""
    novella = Novella(host, scratch)
    arguments = novella.apply_arguments(RUNNING.count, RUNNING.state)
    host.keep_connection()
    print("\n" + timeline_table("Novella, create 20", read_timeline(arguments, scratch)))
    host.keep_connection()
    print("\n" + timeline_table("Novella, no change, 20", read_timeline(arguments, scratch)))
    novella.remove(RUNNING)


def versions(host: BenchHost) -> str:
    """Return what ran, on the controller and on the host."""
    libvirt = host.run("libvirtd", "--version").split()[-1]
    qemu = host.run("qemu-system-x86_64", "--version").split()[3]
    return (
        f"ansible-core {version('ansible-core')} for both, Python {platform.python_version()}, "
        f"novella.compute {version('novella-compute')}, community.libvirt of ansible {peer_version('ansible')}, "
        f"libvirt {libvirt}, QEMU {qemu}; guests have nothing to boot"
    )


def say(what: str) -> None:
    """Tell what is going on now."""
    print(f"· {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
