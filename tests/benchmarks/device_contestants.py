# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who makes guests with three disks and two NICs. Each starts from an empty host and makes the disks, too."""

from __future__ import annotations

import shlex
import subprocess
import xml.etree.ElementTree as ET
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import yaml
from contestants import PEER_VENV
from device_fleet import DISKS, LIBVIRT_NETWORK, MEMORY_MB, NICS, ROOT_GB, VOLUME_GB, apply_arguments
from one_host_lab import FOLDER, HOST, IMAGE, BenchHost, timed
from playbook_run import CHECKOUT, run_playbook

# Where Novella's peers put their disks, in the host.
DISK_FOLDER = FOLDER / "disks"


@dataclass(frozen=True)
class DeviceContestant(ABC):
    """One way to make so many running guests. Times are wall seconds."""

    host: BenchHost
    scratch: Path
    count: int

    title: ClassVar[str]

    @abstractmethod
    def create(self) -> float:
        """Make the guests on an empty host."""

    def remove(self) -> None:
        """Make the host empty again; untimed."""
        self.host.bare("clear", str(FOLDER))
        self.host.run("find", str(DISK_FOLDER), "-type", "f", "-delete")


class Novella(DeviceContestant):
    title = "Novella"

    def create(self) -> float:
        arguments = apply_arguments(self.host, self.scratch, self.count, "active")
        return run_playbook(CHECKOUT / ".venv", "ansible-playbook", *arguments).seconds

    def remove(self) -> None:
        arguments = apply_arguments(self.host, self.scratch, 0, "active")
        run_playbook(CHECKOUT / ".venv", "ansible-playbook", *arguments)

    def keep_definitions(self) -> None:
        """Keep, for the loop, what libvirt has of the guests, less what is Novella's alone: record and config drive."""
        for name in self.host.run("virsh", "-c", "qemu:///system", "list", "--all", "--name").split():
            text = self.host.run("virsh", "-c", "qemu:///system", "dumpxml", "--inactive", name)
            definition = ET.fromstring(text)
            definition.remove(_found(definition, "metadata"))
            devices = _found(definition, "devices")
            disks = devices.findall("disk")
            for disk in disks:
                if disk.find("readonly") is not None:
                    devices.remove(disk)
            for number, source in enumerate(devices.findall("disk/source")):
                source.set("file", str(disk_path(name, number)))
            path = self.scratch / "definitions" / f"{name}.xml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(ET.tostring(definition, encoding="unicode"))


class CommunityLoop(DeviceContestant):
    """Its documentation's two tasks in loops, behind two that make the disks."""

    title = "community.libvirt.virt in a loop"

    def create(self) -> float:
        return run_playbook(PEER_VENV, "ansible-playbook", *self._arguments()).seconds

    def _arguments(self) -> list[str]:
        folder = self.scratch / "definitions"
        domains = [path.stem for path in sorted(folder.glob("*.xml"))]
        root_disks = [root_command(name) for name in domains]
        volumes = [volume_command(name, number) for name in domains for number in range(1, DISKS)]
        tasks = [
            {"name": "Root disks", "ansible.builtin.command": {"argv": "{{ item }}"}, "loop": root_disks},
            {"name": "Volumes", "ansible.builtin.command": {"argv": "{{ item }}"}, "loop": volumes},
            {
                "name": "Define the domains",
                "community.libvirt.virt": {
                    "command": "define",
                    "xml": f"{{{{ lookup('ansible.builtin.file', '{folder}/' ~ item ~ '.xml') }}}}",
                },
                "loop": domains,
            },
            {
                "name": "Start them",
                "community.libvirt.virt": {"name": "{{ item }}", "state": "running"},
                "loop": domains,
            },
        ]
        path = self.scratch / "loop.yml"
        path.write_text(yaml.safe_dump([{"hosts": HOST, "gather_facts": False, "tasks": tasks}], sort_keys=False))
        return [str(path), "-i", str(self.host.inventory)]


class VirtInstall(DeviceContestant):
    """A shell loop on the host, called over ssh."""

    title = "virt-install in a shell loop"

    def create(self) -> float:
        return timed(self.host.run, "sh", "-euc", self._script())

    def _script(self) -> str:
        commands = []
        for number in range(1, self.count + 1):
            name = f"guest-{number}"
            commands += [root_command(name), *(volume_command(name, disk) for disk in range(1, DISKS))]
            commands.append(
                [
                    *("virt-install", "--connect", "qemu:///system", "--quiet", "--name", name),
                    *("--virt-type", "qemu", "--machine", "q35", "--memory", str(MEMORY_MB), "--vcpus", "1"),
                    *("--import", "--noautoconsole", "--osinfo", "detect=off,require=off", "--graphics", "none"),
                    *(
                        word
                        for disk in range(DISKS)
                        for word in ("--disk", f"path={disk_path(name, disk)},format=qcow2,bus=virtio")
                    ),
                    *("--network", f"network={LIBVIRT_NETWORK},model=virtio") * NICS,
                ]
            )
        return "\n".join(map(shlex.join, commands))


def disk_path(name: str, number: int) -> Path:
    return DISK_FOLDER / f"{name}-{number}.qcow2"


def root_command(name: str) -> list[str]:
    """Return what makes a root disk as Novella does: what is written, on top of the image."""
    backing = ["-b", str(IMAGE), "-F", "qcow2"]
    return ["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(disk_path(name, 0)), f"{ROOT_GB}G"]


def volume_command(name: str, number: int) -> list[str]:
    return ["qemu-img", "create", "-q", "-f", "qcow2", str(disk_path(name, number)), f"{VOLUME_GB}G"]


def install_virt_install() -> None:
    """Provide virt-install: the lab's host has this machine's programs."""
    if subprocess.run(["sh", "-c", "command -v virt-install"], capture_output=True).returncode:
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "virtinst"]):
            subprocess.run(["apt-get", "-qq", *arguments], check=True, stdout=subprocess.DEVNULL)


def _found(element: ET.Element, path: str) -> ET.Element:
    found = element.find(path)
    if found is None:
        raise LookupError(path)
    return found
