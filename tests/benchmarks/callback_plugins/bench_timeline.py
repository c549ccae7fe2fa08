# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write when each task of a run began, to the file that BENCH_TIMELINE names."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: bench_timeline
type: aggregate
short_description: Write when each task began
description:
  - One JSON list of names and times in seconds since the epoch, to the file that E(BENCH_TIMELINE) names.
"""


class CallbackModule(CallbackBase):
    """Remember each task's beginning, and the run's end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_timeline"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._marks: list[tuple[str, float]] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._mark("play begins")

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._mark(f"task {task.get_name()}")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._mark("ansible-playbook ends")
        Path(os.environ["BENCH_TIMELINE"]).write_text(json.dumps(self._marks))

    def _mark(self, name: str) -> None:
        self._marks.append((name, time.time()))
