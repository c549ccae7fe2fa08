# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controllers that work while a test does something else: ansible-playbook in processes of their own."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from support.playbooks import ANSI, ROOT

ENVIRONMENT = {
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collection"),
    "LC_ALL": "C.UTF-8",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}
CHANGED = re.compile(r"(?m)^\S+ +: ok=.* changed=(\d+)")
MESSAGES = re.compile(r"(?ms)^\[ERROR\]: (.*?)^(?:Origin:|fatal:|$)")


@dataclass(frozen=True)
class Ended:
    """What one run did.

    Args:
        code: Its exit code.
        text: What it printed.
    """

    code: int
    text: str

    @property
    def changed(self) -> int:
        """How many tasks say that they changed a host."""
        return sum(map(int, CHANGED.findall(self.text)))

    @property
    def complaints(self) -> str:
        """The errors that it printed, without the places in playbooks that they come from."""
        return "\n".join(MESSAGES.findall(self.text))


@dataclass(frozen=True)
class Controller:
    """A playbook that runs."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait(self, timeout: float = 600) -> Ended:
        """Wait for its end; one that does not come to it in time is ended, and the test with it."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(f"It did not end within {timeout:g} s:\n{self._text()}") from None
        return Ended(code, self._text())

    def stop(self) -> None:
        """End it and all that it started."""
        if self.is_running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _text(self) -> str:
        return ANSI.sub("", self.output.read_text(errors="replace"))


def start(playbook: str, inventory: Path, folder: Path, name: str = "run", **extra_vars: Any) -> Controller:
    """Start one of Novella's playbooks.

    Args:
        playbook: Its short name.
        folder: Where its variables and its output are kept, under `name`.
    """
    variables, output = folder / f"{name}.vars.yml", folder / f"{name}.out"
    variables.write_text(yaml.safe_dump(extra_vars))
    command = ["ansible-playbook", f"novella.compute.{playbook}", "-i", str(inventory), "-e", f"@{variables}"]
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT},
            cwd=ROOT,
            start_new_session=True,
        )
    return Controller(process, output)
