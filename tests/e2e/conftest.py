# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as tests see it: real hosts that can be asked, cut off, frozen and brought back."""

from __future__ import annotations

import re
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import labs


def wait_until(condition: Callable[[], bool], timeout: float, what: str) -> None:
    """Poll until a condition holds; fail the test with what was awaited after timeout seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout:g} s: {what}")
        time.sleep(0.1)


@dataclass(frozen=True)
class LabHost:
    """One host of a lab."""

    lab: Lab
    name: str

    @property
    def files(self) -> Path:
        """The host's own files as this machine sees them: files / "var/lib/novella"."""
        return self.lab.home / "hosts" / self.name / "root"

    @property
    def is_on(self) -> bool:
        return f"{self.name} {self.address} on" in self.lab.control("status").splitlines()

    @property
    def address(self) -> str:
        return self.lab.addresses[self.name]

    def run(self, command: list[str], *, check: bool = True, timeout: float = 180) -> str:
        """Run a command in the host as root and return its output."""
        return self.lab.control("exec", self.name, *command, check=check, timeout=timeout)

    def virsh(self, *arguments: str, check: bool = True) -> str:
        return self.run(["virsh", "--connect", "qemu:///system", *arguments], check=check)

    def power_off(self) -> None:
        """Cut the power: everything in the host dies at once, its files stay."""
        self.lab.control("power-off", self.name)

    def power_on(self) -> None:
        self.lab.control("power-on", self.name)

    def freeze(self) -> None:
        """Stop every process of the host; the kernel goes on answering pings and connects."""
        self.lab.control("freeze", self.name)

    def thaw(self) -> None:
        self.lab.control("thaw", self.name)

    def console(self, domain: str) -> str:
        """All that a domain has written to its serial console, wherever its definition sends that."""
        serial = ET.fromstring(self.virsh("dumpxml", domain)).find("devices/serial")
        assert serial is not None, f"{domain} has no serial console"
        log = serial.find("log")
        path = log.get("file") if log is not None else serial.find("source").get("path")
        written = self.files / path.lstrip("/")
        return written.read_text(errors="replace") if written.exists() else ""

    def wait_for_console(self, domain: str, text: str, timeout: float = 240) -> str:
        """Wait until a domain's console shows a text and return all of the console."""
        wait_until(lambda: text in self.console(domain), timeout, f"{text!r} on the console of {domain}")
        return self.console(domain)


@dataclass(frozen=True)
class Lab:
    """A lab that is up."""

    name: str
    inventory: Path
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return labs.LABS / self.name

    @property
    def images(self) -> Path:
        """Where this machine keeps the guest images that hosts see at /srv/images."""
        declared = re.search(r"(?m)^IMAGES='(.+)'", (self.home / "lab.conf").read_text())
        assert declared is not None, "lab.conf names no IMAGES"
        return Path(declared[1])

    @property
    def hosts(self) -> list[LabHost]:
        return [self.host(name) for name in self.addresses]

    def host(self, name: str) -> LabHost:
        return LabHost(self, name)

    def control(self, *arguments: str, check: bool = True, timeout: float = 180) -> str:
        """Call the lab's own program."""
        done = subprocess.run(
            [str(self.home / "bin/lab"), str(self.home), *arguments],
            capture_output=True,
            text=True,
            # What a guest has said may be in it.
            errors="replace",
            timeout=timeout,
        )
        if check and done.returncode != 0:
            pytest.fail(f"lab {' '.join(arguments)} returned {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout


@pytest.fixture(scope="session")
def bring_up() -> Callable[..., Lab]:
    """Brings up a lab, from nothing, and reads its inventory."""

    def bring_up(name: str, inventory: Path, **settings: Any) -> Lab:
        labs.bring_up(name, inventory, **settings)
        hosts = yaml.safe_load((inventory / "hosts.yml").read_text())["compute"]["hosts"]
        return Lab(name, inventory, {host: facts["ansible_host"] for host, facts in hosts.items()})

    return bring_up


@pytest.fixture(scope="session")
def lab(bring_up: Callable[..., Lab], worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab that all tests share, or all of one worker."""
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    name, inventory = f"e2e{number}", tmp_path_factory.mktemp("lab") / "inventory"
    try:
        yield bring_up(name, inventory, lab_network=f"10.98.{20 + number}", lab_hosts=3)
    finally:
        labs.take_down(name, inventory)
