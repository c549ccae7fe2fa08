# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the time of one run of ansible-playbook goes, task by task."""

from __future__ import annotations

import json
import time
from pathlib import Path

from playbook_run import CHECKOUT, run_playbook

CALLBACKS = Path(__file__).with_name("callback_plugins")


def read_timeline(
    arguments: list[str], scratch: Path, venv: Path = CHECKOUT / ".venv", **variables: str
) -> list[tuple[str, float]]:
    """Run a playbook and return its parts with their seconds, in order. Their sum is the wall time.

    Args:
        venv: The virtual environment whose Ansible runs.
        variables: Additions to its environment.
    """
    path = scratch / "timeline.json"
    began = time.time()
    run = run_playbook(
        venv,
        "ansible-playbook",
        *arguments,
        ANSIBLE_CALLBACK_PLUGINS=str(CALLBACKS),
        ANSIBLE_CALLBACKS_ENABLED="bench_timeline",
        BENCH_TIMELINE=str(path),
        **variables,
    )
    marks = [("ansible-playbook starts", began), *json.loads(path.read_text()), ("", began + run.seconds)]
    return [(name, after - at) for (name, at), (_next, after) in zip(marks, marks[1:], strict=False)]


def task_seconds(parts: list[tuple[str, float]]) -> float:
    """Return the seconds of its tasks, all together."""
    return sum(seconds for name, seconds in parts if name.startswith("task "))


def timeline_table(title: str, parts: list[tuple[str, float]]) -> str:
    """Return it as text."""
    lines = [f"  {seconds:6.2f} s  {name}" for name, seconds in parts]
    return "\n".join([title, *lines, f"  {sum(seconds for _name, seconds in parts):6.2f} s  in all"])
