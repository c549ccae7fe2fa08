# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules in processes that can be killed. A program: it reads orders from its standard input, one JSON document
per line, and answers each with one line.

    {"module": "reconcile", "arguments": {"host": "kvm1", ...}, "at": 12}
    {"is_killed": true, "moment": "after define", "moments": 12, "output": ""}

It imports everything once and forks for each order, so that a death costs milliseconds; the forked process is one of
its own, with a number and a start time of its own, and it dies of SIGKILL.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import traceback
from typing import Any

import moments
from ansible.module_utils.testing import patch_module_args

MODULES = "ansible_collections.novella.compute.plugins.modules"
# The exit code of a run that no module would end like this.
CRASHED = 70


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(carry_out(json.loads(line))) + "\n")
        sys.stdout.flush()


def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    module = importlib.import_module(f"{MODULES}.{order['module']}")
    output, said = os.memfd_create("output"), os.memfd_create("said")
    try:
        pid = os.fork()
        if pid == 0:
            live(module, order, output, said)
        status = os.waitpid(pid, 0)[1]
        answer = json.loads(_read(said) or "{}")
        return {
            "is_killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
            "is_ended": os.WIFEXITED(status) and os.WEXITSTATUS(status) != CRASHED,
            "output": _read(output),
            **answer,
        }
    finally:
        os.close(output)
        os.close(said)


def live(module: Any, order: dict[str, Any], output: int, said: int) -> None:
    """Be the module's process. Never returns."""
    os.dup2(output, 1)
    os.dup2(output, 2)

    dying = threading.Lock()

    def die(name: str) -> None:
        if not dying.acquire(blocking=False):
            threading.Event().wait()  # another thread's death is this one's too
        os.write(said, json.dumps({"moment": name, "moments": order["at"]}).encode())
        os.kill(os.getpid(), signal.SIGKILL)

    code = 0
    counted = moments.Moments(order["at"], die)
    try:
        with counted.watched(), patch_module_args(order["arguments"]):
            module.main()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        code = CRASHED
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(said, json.dumps({"moments": counted.count}).encode())
    os._exit(code)


def _read(file: int) -> str:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), "r", encoding="utf-8") as stream:
        return stream.read()


if __name__ == "__main__":
    main()
