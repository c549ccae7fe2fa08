# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of Ansible, under the same settings whoever runs."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


class BenchmarkFailed(Exception):
    """Something went otherwise than a fair measurement needs."""


@dataclass(frozen=True)
class Run:
    """A run that succeeded.

    Attributes:
        seconds: Its wall time, from the start of the process to its end.
    """

    seconds: float
    output: str

    def expect_no_change(self) -> Run:
        if " changed=0 " not in self.output or " changed=" in self.output.replace(" changed=0 ", ""):
            raise BenchmarkFailed(f"The second run was to change nothing:\n{self.output[-2000:]}")
        return self


def run_playbook(venv: Path, program: str, *arguments: str, **variables: str) -> Run:
    """Run a program of Ansible's with the checkout's ansible.cfg, and with none of the caller's settings.

    Args:
        venv: The virtual environment whose Ansible runs.
        program: Such as ansible-playbook.
        arguments: Its own.
        variables: Additions to its environment.

    Raises:
        BenchmarkFailed: It failed; with the end of its output.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    settings = {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "LC_ALL": "C.UTF-8", "PWD": str(CHECKOUT)}
    began = time.monotonic()
    done = subprocess.run(
        [str(venv / "bin" / program), *arguments],
        cwd=CHECKOUT,
        env={**kept, **settings, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise BenchmarkFailed(f"{program} {' '.join(arguments)} returned {done.returncode}:\n{done.stdout[-3000:]}")
    return Run(seconds, done.stdout)
