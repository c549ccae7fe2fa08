# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is measured. Each makes the same domains on the same host, then looks again whether all is as it should be."""

from __future__ import annotations

import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import yaml
from one_host_lab import FOLDER, FOLDER_OUTSIDE, HOST, IMAGE, BenchHost, timed
from playbook_run import CHECKOUT, BenchmarkFailed, run_playbook

PEER_VENV = CHECKOUT / ".cache" / "bench-venv"


@dataclass(frozen=True)
class Task:
    """What shall be: so many domains, all running or all shutoff."""

    count: int
    state: str

    @property
    def folder(self) -> Path:
        """Where the host keeps the definitions that Novella's peers are given."""
        return FOLDER / f"{self.count}-{self.state}"


@dataclass(frozen=True)
class Contestant(ABC):
    """One way to make domains. Times are wall seconds."""

    host: BenchHost
    scratch: Path

    title: ClassVar[str]

    @abstractmethod
    def create(self, task: Task) -> float:
        """Make the domains on an empty host."""

    @abstractmethod
    def again(self, task: Task) -> float:
        """Find that nothing is to be done."""

    def remove(self, task: Task) -> None:
        """Make the host empty again; untimed."""
        self.host.bare("clear", str(FOLDER))


class Novella(Contestant):
    title = "Novella"

    def create(self, task: Task) -> float:
        return self._apply(task.count, task.state)

    def again(self, task: Task) -> float:
        return self._apply(task.count, task.state, again=True)

    def remove(self, task: Task) -> None:
        self._apply(0, task.state)

    def apply_arguments(self, count: int, state: str) -> list[str]:
        """Return the arguments of ansible-playbook, and write the fleet that they name."""
        fleet = {
            "version": "1.0",
            "name": "bench",
            "flavors": {"blank": {"vcpus": 1, "memory_mb": 16}},
            "images": {"blank": {"source": str(IMAGE)}},
            "instances": {
                "guest": {
                    "count": count,
                    "flavor": "blank",
                    "image": "blank",
                    "vm_state": "active" if state == "running" else "stopped",
                }
            },
        }
        path = self.scratch / f"fleet-{count}-{state}.yml"
        path.write_text(yaml.safe_dump(fleet))
        options = ["-i", str(self.host.inventory), "-e", f"fleet={path}"]
        return ["novella.compute.apply", *options, *(["-e", "prune=true"] if count == 0 else [])]

    def _apply(self, count: int, state: str, again: bool = False) -> float:
        run = run_playbook(CHECKOUT / ".venv", "ansible-playbook", *self.apply_arguments(count, state))
        return run.expect_no_change().seconds if again else run.seconds


class CommunityLoop(Contestant):
    title = "community.libvirt.virt in a loop"

    def create(self, task: Task) -> float:
        return run_playbook(PEER_VENV, "ansible-playbook", *self._arguments(task)).seconds

    def again(self, task: Task) -> float:
        return run_playbook(PEER_VENV, "ansible-playbook", *self._arguments(task)).expect_no_change().seconds

    def _arguments(self, task: Task) -> list[str]:
        # Its documentation's two tasks, one that defines and one that sees to the state.
        tasks = [
            {
                "name": "Define the domains",
                "community.libvirt.virt": {
                    "command": "define",
                    "xml": f"{{{{ lookup('ansible.builtin.file', '{_outside(task.folder)}/' ~ item ~ '.xml') }}}}",
                },
                "loop": "{{ domains }}",
            },
            {
                "name": "See to their state",
                "community.libvirt.virt": {
                    "name": "{{ item }}",
                    "state": "running" if task.state == "running" else "shutdown",
                },
                "loop": "{{ domains }}",
            },
        ]
        domains = [path.stem for path in sorted(_outside(task.folder).glob("*.xml"))]
        play = {"hosts": HOST, "gather_facts": False, "vars": {"domains": domains}, "tasks": tasks}
        path = self.scratch / f"loop-{task.count}-{task.state}.yml"
        path.write_text(yaml.safe_dump([play], sort_keys=False))
        return [str(path), "-i", str(self.host.inventory)]


class BareScript(Contestant):
    """libvirt-python in one process on the host, called over ssh."""

    title = "bare libvirt-python, serial"
    threads: ClassVar[int] = 1

    def create(self, task: Task) -> float:
        return timed(self.host.bare, "define", str(task.folder), task.state, str(self.threads))

    def again(self, task: Task) -> float:
        answers = []
        seconds = timed(lambda: answers.append(self.host.bare("again", str(task.folder), task.state)))
        if answers[0]["count"]:
            raise BenchmarkFailed(f"{answers[0]['count']} domains are not as {self.title} has defined them.")
        return seconds


class ThreadedScript(BareScript):
    title = "bare libvirt-python, 4 threads"
    threads = 4


def ping_seconds(host: BenchHost, scratch: Path) -> float:
    """Return what a playbook of one ping takes: no playbook can be faster."""
    play = {"hosts": HOST, "gather_facts": False, "tasks": [{"name": "Ping", "ansible.builtin.ping": {}}]}
    path = scratch / "ping.yml"
    path.write_text(yaml.safe_dump([play]))
    return run_playbook(CHECKOUT / ".venv", "ansible-playbook", str(path), "-i", str(host.inventory)).seconds


def install_peers() -> None:
    """Provide community.libvirt, with the very ansible-core that Novella runs on, and what it needs of the host."""
    core = version("ansible-core")
    if _installed_core() != core:
        # The package ansible is seven ahead of its ansible-core: 12 comes with 2.19.
        major = int(core.split(".")[1]) - 7
        print(f"Installing ansible {major} with ansible-core {core} into {PEER_VENV.relative_to(CHECKOUT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEER_VENV)], check=True)
        install = [str(PEER_VENV / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, f"ansible=={major}.*", f"ansible-core=={core}"], check=True)
    # The lab's host has this machine's programs.
    if subprocess.run(["/usr/bin/python3", "-c", "import lxml.etree"], capture_output=True).returncode:
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "python3-lxml"]):
            subprocess.run(["apt-get", "-qq", *arguments], check=True, stdout=subprocess.DEVNULL)


def peer_version(distribution: str) -> str:
    """Return the version of something in the peers' virtual environment."""
    program = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    done = subprocess.run([str(PEER_VENV / "bin" / "python"), "-c", program], capture_output=True, text=True)
    return done.stdout.strip()


def _installed_core() -> str:
    return peer_version("ansible-core") if (PEER_VENV / "bin" / "python").exists() else ""


def _outside(folder: Path) -> Path:
    return FOLDER_OUTSIDE / folder.relative_to(FOLDER)
