# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest of the lab, which tells of itself: on its console, and through its agent."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any

from support.lab_fleet import LabFleet, await_condition

NAMESPACE = "https://novella.dev/xmlns/compute/1"


@dataclass
class Guest:
    """One guest, asked through its agent."""

    home: Any
    domain: str

    def uptime(self) -> float:
        """How long it has been up by its own clock, in seconds."""
        return float(self.read("/proc/uptime").split()[0])

    def read(self, path: str) -> str:
        """What is in one of its files."""
        handle = self.ask("guest-file-open", path=path, mode="r")
        said = self.ask("guest-file-read", handle=handle, count=8192)["buf-b64"]
        self.ask("guest-file-close", handle=handle)
        return base64.b64decode(said).decode()

    def execute(self, script: str) -> str:
        """Run a shell script in it as root, and return what that printed. It must succeed."""
        script = f"export PATH=/sbin:/bin:/usr/sbin:/usr/bin; {script}"
        pid = self.ask("guest-exec", path="/bin/sh", arg=["-c", script], **{"capture-output": True})["pid"]
        answers: list[Any] = []

        def is_over() -> bool:
            answers.append(self.ask("guest-exec-status", pid=pid))
            return bool(answers[-1]["exited"])

        await_condition(is_over, f"the guest has done {script}", 60)
        printed, errors = (base64.b64decode(answers[-1].get(key, "")).decode() for key in ("out-data", "err-data"))
        assert answers[-1]["exitcode"] == 0, errors
        return printed

    def await_boot(self, number: int) -> None:
        """Wait until it has booted so many times, and its agent answers."""
        await_condition(lambda: self.console.count("READY hostname") >= number, f"boot {number}", 180)
        self.await_answer()

    def await_answer(self) -> None:
        await_condition(lambda: self.answers, "the agent answers", 180)

    def ask(self, command: str, **arguments: Any) -> Any:
        return json.loads(self.said(command, **arguments))["return"]

    def said(self, command: str, **arguments: Any) -> str:
        """What the agent answered within five seconds, or nothing."""
        document = json.dumps({"execute": command, "arguments": arguments})
        return self.home.virsh("qemu-agent-command", "--timeout", "5", self.domain, document, check=False)

    @property
    def answers(self) -> bool:
        return "return" in self.said("guest-ping")

    @property
    def boots(self) -> int:
        return self.console.count("NOVELLA-GUEST boot ")

    @property
    def console(self) -> str:
        """All that it has written to its console."""
        return self.home.console(self.domain)

    @property
    def state(self) -> str:
        return self.home.virsh("domstate", self.domain).strip()

    def life(self) -> str:
        """libvirt's number of this life of the domain; the next start gives it another."""
        return self.home.virsh("domid", self.domain).strip()

    def record(self, *where: str) -> dict[str, Any]:
        """The record, as the running domain has it, or with --config its definition."""
        element = ET.fromstring(self.home.virsh("metadata", self.domain, "--uri", NAMESPACE, *where))
        return json.loads(element.text or "")

    def title(self, *where: str) -> str:
        return self.home.virsh("desc", self.domain, "--title", *where).strip()


def guest_of(fleet: LabFleet, name: str) -> Guest:
    """Return an instance that is on kvm2, as a guest."""
    return Guest(fleet.lab.host("kvm2"), f"{fleet.name}.{name}")


def have_guest(fleet: LabFleet, **body: Any) -> Guest:
    """Have the instance web on kvm2, running and as declared, and wait until it has booted."""
    fleet.declare(web={"host": "kvm2", **body})
    fleet.apply()
    guest = guest_of(fleet, "web")
    guest.await_answer()
    return guest
