# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A live audit from where no play runs, such as in an inventory plugin.

It is a process of its own, `ansible-playbook` with the playbook that every user has, and not Ansible's Python classes:
those share options, forks, callbacks and the output of the command that reads the inventory, so that its ``--limit``
or ``--check`` would be obeyed, and what the play prints would stand in what `ansible-inventory --list` prints.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import DeadlineExceeded, NovellaError

from .planner.storage import read_document

PLAYBOOK = "novella.compute.audit"
# Set for the audit's own process: it may read the inventory that wants to audit.
MARK = "NOVELLA_LIVE_AUDIT"
# Most of what a failed run says is about tasks that did well. What comes first here tells most.
TELLING = ("[ERROR]", "ERROR!", "fatal:", "failed:")
MOST_OUTPUT = 1 << 16
MOST_WORDS = 1500
LEAVING_SECONDS = 5.0


def is_auditing() -> bool:
    """Return whether this process is itself such an audit."""
    return MARK in os.environ


def audit_live(
    inventories: Sequence[str], group: str | None, timeout: float, collection_paths: Sequence[str]
) -> dict[str, Any]:
    """Read the compute nodes of inventories, and return the snapshot document. Nothing is changed on them.

    Args:
        inventories: Paths or lists of hosts, as for ``ansible-playbook -i``.
        group: The group of the compute nodes, where it is not the usual one.
        timeout: Seconds that it may take.
        collection_paths: Where this process finds collections.

    Raises:
        NovellaError: No host could be read.
        DeadlineExceeded: It took too long.
    """
    with tempfile.TemporaryDirectory(prefix="novella-audit-") as folder:
        snapshot, output = Path(folder, "snapshot.json"), Path(folder, "output")
        variables = {"save_to": str(snapshot), "read_only": True, **({"novella_group": group} if group else {})}
        sources = [word for inventory in inventories for word in ("-i", inventory)]
        command = [sys.executable, "-m", "ansible", "playbook", *sources, "-e", json.dumps(variables), PLAYBOOK]
        _run(command, _environment(collection_paths), output, timeout)
        document = read_document(str(snapshot)) if snapshot.exists() else {}
        if document.get("hosts"):
            return document
        silent = [f"{host} did not answer: {why}" for host, why in document.get("unreachable", {}).items()]
        reason = " ".join(silent)[:MOST_WORDS] or _last_words(output)
        raise NovellaError(f"The compute nodes of {', '.join(inventories)} could not be read. {reason}")


def _environment(collection_paths: Sequence[str]) -> dict[str, str]:
    return {
        **os.environ,
        MARK: "1",
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(collection_paths),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
    }


def _run(command: Sequence[str], environment: dict[str, str], output: Path, timeout: float) -> None:
    """Run a command to its end. It has no terminal, so nothing in it can wait for a password."""
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise DeadlineExceeded(
                f"The compute nodes were not read within {timeout:g} s.", "Raise the option timeout."
            ) from None
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have a process and its children gone, if it is not over: the deadline has passed, or the user has had enough."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LEAVING_SECONDS)


def _last_words(output: Path) -> str:
    """Return why it failed, as far as it said so, in one line."""
    with output.open("rb") as stream:
        stream.seek(max(0, output.stat().st_size - MOST_OUTPUT))
        lines = [line.strip() for line in stream.read().decode("utf-8", "replace").splitlines() if line.strip()]
    for mark in TELLING:
        told = [line for line in lines if line.startswith(mark)]
        if told:
            return " ".join(told)[:MOST_WORDS]
    return " ".join(lines[-5:])[:MOST_WORDS] or "it said nothing."
