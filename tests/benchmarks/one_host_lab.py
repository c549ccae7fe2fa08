# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab of one host, for the benchmark alone."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from playbook_run import CHECKOUT, BenchmarkFailed, run_playbook

sys.path.insert(0, str(CHECKOUT / "tests"))
from support.host_code import copy_code

LAB = "bench"
HOST = "bench1"
# Beside the network of the demo's lab and of those that tests bring up.
NETWORK = "10.98.5"
HOME = Path("/var/lib/novella-lab") / LAB
# In the host, and where this machine sees it.
FOLDER = Path("/srv/bench")
FOLDER_OUTSIDE = HOME / "hosts" / HOST / "root" / "srv" / "bench"
IMAGE = FOLDER / "blank.qcow2"


@dataclass(frozen=True)
class BenchHost:
    """The host under measurement.

    Attributes:
        inventory: Where Ansible finds it.
        ssh: The command that reaches it with one more argument, a shell's command line.
    """

    inventory: Path
    ssh: tuple[str, ...]

    def run(self, *command: str) -> str:
        """Run a command in the host and return its output."""
        done = subprocess.run([*self.ssh, shlex.join(command)], capture_output=True, text=True)
        if done.returncode:
            raise BenchmarkFailed(f"{' '.join(command)} returned {done.returncode} on {HOST}:\n{done.stderr}")
        return done.stdout

    def bare(self, *arguments: str) -> dict[str, Any]:
        """Run bare_libvirt.py in the host and return its answer."""
        answer: dict[str, Any] = json.loads(
            self.run("/usr/bin/python3", str(FOLDER / "bare_libvirt.py"), *map(str, arguments))
        )
        return answer

    def take_program(self, program: Path) -> str:
        """Copy a program into the host, with what modules are made of beside it, and return its path there."""
        copy_code(FOLDER_OUTSIDE / "code", [program])
        return str(FOLDER / "code" / program.name)

    def keep_connection(self) -> None:
        """Have Ansible's connection open, so that no contestant pays for it."""
        run_playbook(CHECKOUT / ".venv", "ansible", HOST, "-i", str(self.inventory), "-m", "ansible.builtin.ping")

    def expect(self, count: int, state: str) -> None:
        """See that all domains are there, so that nobody is fast by doing less."""
        found = len(self.run("virsh", "-c", "qemu:///system", "list", f"--state-{state}", "--name").split())
        if found != count:
            raise BenchmarkFailed(f"{found} domains are {state} on {HOST}, and not {count}.")


@contextlib.contextmanager
def one_host_lab(folder: Path) -> Iterator[BenchHost]:
    """Bring the lab up and, whatever happens, down again.

    Args:
        folder: For the inventory and ssh's socket.
    """
    if HOME.exists():
        # A run that was killed has left it.
        _lab(folder, "absent")
    try:
        _lab(folder, "present")
        yield _prepare(folder)
    finally:
        _lab(folder, "absent")


def _lab(folder: Path, state: str) -> None:
    settings = {
        "lab_state": state,
        "lab_name": LAB,
        "lab_network": NETWORK,
        "lab_hosts": 1,
        "lab_host_prefix": HOST.rstrip("1"),
        "lab_inventory_dir": str(folder / "inventory"),
    }
    run_playbook(CHECKOUT / ".venv", "ansible-playbook", "playbooks/lab.yml", "-e", json.dumps(settings))


def _prepare(folder: Path) -> BenchHost:
    inventory = folder / "inventory"
    hosts = yaml.safe_load((inventory / "hosts.yml").read_text())["compute"]
    shared = hosts["vars"]
    # 200 instances are defined on it, however few processors this machine has, and disks that hold nothing.
    (inventory / "host_vars").mkdir()
    room = {"novella_cpu_allocation_ratio": 256, "novella_disk_allocation_ratio": 64}
    (inventory / "host_vars" / f"{HOST}.yml").write_text(yaml.safe_dump(room))
    FOLDER_OUTSIDE.mkdir()
    shutil.copy(Path(__file__).with_name("bare_libvirt.py"), FOLDER_OUTSIDE)
    # Nothing in it boots: what a guest's system does is not to be measured.
    image = FOLDER_OUTSIDE / IMAGE.name
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "1M"], check=True)
    host = BenchHost(
        inventory,
        (
            *("ssh", "-i", shared["ansible_ssh_private_key_file"], *shlex.split(shared["ansible_ssh_args"])),
            *("-o", f"ControlPath={folder}/ssh", f"{shared['ansible_user']}@{hosts['hosts'][HOST]['ansible_host']}"),
        ),
    )
    host.run("true")
    return host


def have_guests_halt(scratch: Path) -> None:
    """Give the image a boot sector that halts the processor.

    Firmware that finds nothing to boot looks again and again: many emulated guests would take most of a small machine.
    """
    sector = scratch / "halt.raw"
    halt = b"\xfa\xf4\xeb\xfd"  # cli; hlt; jmp to the hlt
    sector.write_bytes(halt.ljust(510, b"\0") + b"\x55\xaa" + bytes((1 << 20) - 512))
    image = FOLDER_OUTSIDE / IMAGE.name
    subprocess.run(["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", str(sector), str(image)], check=True)


def timed(work: Any, *arguments: Any) -> float:
    """Return the seconds that it takes."""
    began = time.monotonic()
    work(*arguments)
    return time.monotonic() - began
