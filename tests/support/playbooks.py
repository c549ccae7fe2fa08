# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running Novella's playbooks as a user does, and reading what came out."""

import contextlib
import io
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner

ROOT = Path(__file__).parents[2]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """What one ansible-playbook run did.

    Args:
        code: Its exit code.
        text: What it printed, without colours.
        stats: By host: ok, changed, failures, dark (unreachable).
        results: By task name: the results of its hosts, in order.
    """

    code: int
    text: str
    stats: dict[str, dict[str, int]]
    results: dict[str, list[dict[str, Any]]]

    @property
    def changed(self) -> int:
        return sum(self.stats["changed"].values())

    def result(self, task: str) -> dict[str, Any]:
        """The only, or the last, result of a task."""
        return self.results[task][-1]


def run_playbook(name: str, inventory: Path, *options: str, folder: Path | None = None, **extra_vars: Any) -> Outcome:
    """Run ``novella.compute.<name>`` with these options and extra variables.

    Args:
        folder: The working directory; the repository's by default.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run = ansible_runner.run(
            private_data_dir=str(_private_folder(inventory)),
            playbook=f"novella.compute.{name}",
            inventory=str(inventory),
            cmdline=" ".join(options) or None,
            extravars=extra_vars,
            envvars={
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collection"),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            project_dir=str(folder or ROOT),
            quiet=False,
            settings={"idle_timeout": 600, "job_timeout": 900},
        )
    results: dict[str, list[dict[str, Any]]] = {}
    for event in run.events:
        data = event.get("event_data", {})
        if event["event"].startswith("runner_") and "res" in data:
            results.setdefault(data["task"], []).append(data["res"])
    return Outcome(run.rc, ANSI.sub("", printed.getvalue()), run.stats or {"changed": {}}, results)


def _private_folder(inventory: Path) -> Path:
    folder = Path(os.environ.get("NOVELLA_TEST_FOLDER", "/tmp")) / f"novella-runner-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    return folder
