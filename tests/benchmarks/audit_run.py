# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks of one task, which differ by that task: a ping, an audit, an audit of hosts that are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from playbook_run import CHECKOUT, BenchmarkFailed, run_playbook
from timeline import read_timeline, task_seconds

PING, AUDIT, KNOWN = "ansible.builtin.ping", "full audit", "digest check"
# The very tasks of Novella's playbooks.
AUDIT_TASKS = {
    "name": "Audit",
    "ansible.builtin.import_tasks": str(CHECKOUT / "playbooks" / "tasks" / "read_hosts.yml"),
}


@dataclass(frozen=True)
class AuditRuns:
    """Runs against all hosts of the group compute of an inventory.

    Attributes:
        scratch: For playbooks and the fact cache.
    """

    inventory: Path
    scratch: Path

    def prepare(self) -> None:
        """Write the playbooks, open the connections, and fill the cache; untimed."""
        ping = {"name": "Ping", "ansible.builtin.ping": {}}
        for kind, task in ((PING, ping), (AUDIT, AUDIT_TASKS)):
            play = {"hosts": "compute", "gather_facts": False, "tasks": [task]}
            self._playbook(kind).write_text(yaml.safe_dump([play]))
        self.seconds(PING)
        self.seconds(KNOWN)
        self._expect_in_sync()

    def seconds(self, kind: str) -> float:
        """Return the wall time of the whole ansible-playbook process."""
        return run_playbook(
            CHECKOUT / ".venv", "ansible-playbook", *self._arguments(kind), **_cache(self, kind)
        ).seconds

    def task_seconds(self, kind: str) -> float:
        """Return the wall time of the task alone."""
        return task_seconds(read_timeline(self._arguments(kind), self.scratch, **_cache(self, kind)))

    def _arguments(self, kind: str) -> list[str]:
        return [str(self._playbook(kind)), "-i", str(self.inventory)]

    def _playbook(self, kind: str) -> Path:
        return self.scratch / ("ping.yml" if kind == PING else "audit.yml")

    def _expect_in_sync(self) -> None:
        """See that a check finds all as it was: who reads hosts in full would be measured as something else."""
        run = run_playbook(
            CHECKOUT / ".venv", "ansible-playbook", "-vv", *self._arguments(KNOWN), **_cache(self, KNOWN)
        )
        if "in_sync: false" in run.output or "in_sync: true" not in run.output:
            raise BenchmarkFailed(f"The hosts were to be as they were:\n{run.output[-2000:]}")


def _cache(runs: AuditRuns, kind: str) -> dict[str, str]:
    if kind != KNOWN:
        return {}
    return {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(runs.scratch / "facts")}
