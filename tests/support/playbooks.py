# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running Novella's playbooks as a user does, and reading what came out."""

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterable
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
        stats: By kind (ok, changed, failures, dark for unreachable) and host: how many.
        results: By task name: the results of its hosts, in order.
    """

    code: int
    text: str
    stats: dict[str, dict[str, int]]
    results: dict[str, list[dict[str, Any]]]

    @property
    def changes(self) -> dict[str, int]:
        """The number of changed tasks by host."""
        return {host: self.stats["changed"].get(host, 0) for host in {**self.stats["ok"], **self.stats["dark"]}}

    @property
    def changed(self) -> int:
        return sum(self.changes.values())

    def result(self, task: str) -> dict[str, Any]:
        """The only, or the last, result of a task."""
        return self.results[task][-1]


def run_playbook(
    playbook: str,
    *options: str,
    inventory: Path | None = None,
    folder: Path = ROOT,
    collections: Iterable[Path] = (),
    facts: Path | None = None,
    **extra_vars: Any,
) -> Outcome:
    """Run a playbook.

    Args:
        playbook: A path, or the short name of one of Novella's, which is run by its full one.
        options: Of ansible-playbook.
        folder: The working directory.
        collections: Folders of collections besides Novella's own.
        facts: The folder of a fact cache that outlives the run.
    """
    printed = io.StringIO()
    # ansible-runner keeps extra variables in its folder: a folder of its own for each run.
    with tempfile.TemporaryDirectory(prefix="novella-run-") as private, contextlib.redirect_stdout(printed):
        run = ansible_runner.run(
            private_data_dir=private,
            playbook=playbook if "/" in playbook else f"novella.compute.{playbook}",
            inventory=str(inventory) if inventory else None,
            cmdline=" ".join(options) or None,
            extravars=extra_vars,
            envvars={
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, [ROOT / "collection", *collections])),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            project_dir=str(folder),
            settings={"idle_timeout": 240, "job_timeout": 600},
            fact_cache=str(facts) if facts else None,
        )
        results = _results(run.events)
        stats = run.stats or {"ok": {}, "changed": {}, "dark": {}}
    return Outcome(run.rc, ANSI.sub("", printed.getvalue()), stats, results)


def _results(events: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    results: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        data = event.get("event_data", {})
        if event["event"].startswith("runner_") and "res" in data:
            results.setdefault(data["task"], []).append(data["res"])
    return results
