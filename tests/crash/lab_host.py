# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host of a lab of its own, whose module runs are killed: real libvirt, real disks, real guests."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible_collections.novella.compute.plugins.module_utils.virt.images import PREFIX
from crash.victim import PROGRAM, VictimHost, Victims
from support import labs
from support.host_code import copy_code

LAB = "crash"
HOST = "kvm1"
# Beside the networks of the demo's lab, the benchmarks' and those of other tests.
SETTINGS = {"lab_network": "10.98.6", "lab_hosts": 1}
HOME = labs.LABS / LAB
FILES = HOME / "hosts" / HOST / "root"
POOL = FILES / "var/lib/libvirt/images"
LOGS = FILES / "var/log/libvirt/qemu"
STATE = FILES / "var/lib/novella"
CODE = "/root/novella-crash"


@dataclass(frozen=True)
class LabHost:
    """The host.

    Args:
        victim: It, as its modules see it.
    """

    victim: VictimHost

    def domains(self) -> list[str]:
        """Return the names of all domains."""
        return _inside("virsh", "--connect", "qemu:///system", "list", "--all", "--name").split()

    def files(self) -> list[str]:
        """Return the names of all files of instances, finished or half, base images aside."""
        found = [path.name for path in [*POOL.iterdir(), *LOGS.glob("novella-*")]]
        return sorted(name for name in found if not name.startswith(PREFIX) or not name.endswith((".qcow2", ".raw")))

    def forget_images(self) -> None:
        """Remove the base images, so that the next create fetches its own anew."""
        for path in POOL.glob(f"{PREFIX}*"):
            path.unlink()

    def locks(self) -> list[str]:
        """Return the files of the pool that somebody holds a lock on."""
        inodes = {path.stat().st_ino: path.name for path in POOL.iterdir()}
        held = re.findall(r"(?m)^\d+: FLOCK .* [0-9a-f]+:[0-9a-f]+:(\d+) ", Path("/proc/locks").read_text())
        return [inodes[int(inode)] for inode in held if int(inode) in inodes]


@contextlib.contextmanager
def lab_host(folder: Path) -> Iterator[LabHost]:
    """Bring the lab up and, whatever happens, down again.

    Args:
        folder: For its inventory.
    """
    inventory = folder / "inventory"
    try:
        labs.bring_up(LAB, inventory, **SETTINGS)
        copy_code(FILES / CODE.lstrip("/"), (PROGRAM, PROGRAM.with_name("moments.py")))
        hosts = yaml.safe_load((inventory / "hosts.yml").read_text())["compute"]
        reserved = hosts.get("vars", {}).get("novella_reserved_host_memory_mb", 512)
        options = {"host": HOST, "reserved_host_memory_mb": reserved, "shutdown_timeout": 1.0}
        command = [*_ENTER, "env", f"PYTHONPATH={CODE}", "/usr/bin/python3", f"{CODE}/{PROGRAM.name}"]
        with Victims(command, os.environ) as victims:
            yield LabHost(VictimHost(victims, options, STATE))
    finally:
        labs.take_down(LAB, inventory)


_ENTER = (str(HOME / "bin/lab"), str(HOME), "exec", HOST)


def _inside(*command: str) -> str:
    return subprocess.run([*_ENTER, *command], capture_output=True, text=True, check=True, timeout=60).stdout
