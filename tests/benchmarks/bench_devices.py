# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests with three disks and two NICs: Novella against community.libvirt and against virt-install, in one run.

Usage: bench_devices.py [--guests N] [--rounds N]

Everyone makes equal guests on the same empty host. docs/benchmarks.md tells what is measured, and what is not.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from contestants import install_peers, peer_version
from device_contestants import DISK_FOLDER, CommunityLoop, DeviceContestant, Novella, VirtInstall, install_virt_install
from device_fleet import DISKS, NICS, expect_devices
from one_host_lab import BenchHost, have_guests_halt, one_host_lab
from playbook_run import BenchmarkFailed
from report import Figures, all_figures, figures_table, machine


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the creation of guests with several disks and NICs.")
    parser.add_argument("--guests", type=int, default=10, help="how many each makes")
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure each")
    arguments = parser.parse_args()
    # Ending as on Ctrl-C, so that the lab is taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    print(machine(), flush=True)
    figures = Figures()
    try:
        install_peers()
        install_virt_install()
        with tempfile.TemporaryDirectory(prefix="novella-bench-") as folder, one_host_lab(Path(folder)) as host:
            scratch = Path(folder)
            print(versions(host), flush=True)
            have_guests_halt(scratch)
            host.run("mkdir", str(DISK_FOLDER))
            # libvirt probes its QEMU and Novella fetches the image, once in a host's life.
            warm_up(Novella(host, scratch, arguments.guests))
            for _round in range(arguments.rounds):
                for kind in (Novella, CommunityLoop, VirtInstall):
                    measure(kind(host, scratch, arguments.guests), figures)
    except BenchmarkFailed as error:
        print(f"bench-devices: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    case = case_title(arguments.guests)
    print(f"\n{figures_table(figures, CommunityLoop.title)}")
    print(
        f"\n{Novella.title} is {figures.factor(case, Novella.title, VirtInstall.title):.1f} times faster than", end=" "
    )
    print(f"{VirtInstall.title}\n\n{all_figures(figures)}")
    print(f"\nMeasured in {time.monotonic() - began:.0f} s")
    return 0


def warm_up(novella: Novella) -> None:
    """Make the guests once, untimed, for what is done once and for the definitions that the loop is given."""
    novella.create()
    novella.keep_definitions()
    novella.remove()


def measure(contestant: DeviceContestant, figures: Figures) -> None:
    """Have the guests made on an empty host; see that it was empty, and that all of them run with all devices."""
    host = contestant.host
    expect_devices(host, 0, "running")
    host.keep_connection()
    figures.add(case_title(contestant.count), contestant.title, contestant.create())
    expect_devices(host, contestant.count, "running")
    contestant.remove()


def case_title(guests: int) -> str:
    return f"create {guests} with {DISKS} disks, {NICS} NICs"


def versions(host: BenchHost) -> str:
    """Return what runs, on the controller and on the host."""
    return (
        f"ansible-core {version('ansible-core')} for both, community.libvirt of ansible {peer_version('ansible')}, "
        f"virt-install {host.run('virt-install', '--version').strip()}, "
        f"libvirt {host.run('libvirtd', '--version').split()[-1]}, "
        f"QEMU {host.run('qemu-system-x86_64', '--version').split()[3]}; guests halt at their boot sector"
    )


if __name__ == "__main__":
    sys.exit(main())
