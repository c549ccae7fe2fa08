# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova in a process of its own, which answers one scenario after the other."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from conformance.nova_env import ensure_nova

HERE = Path(__file__).parent


class NovaFailed(Exception):
    """Nova's side ended without an answer."""


class NovaProcess:
    """Nova's side, to be entered once for many scenarios: its start takes longer than a hundred of them."""

    _process: subprocess.Popen[str]
    _errors: IO[str]

    def __enter__(self) -> NovaProcess:
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [str(ensure_nova()), str(HERE / "nova_side.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # At the end of its input it ends by itself.
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(timeout=30)
        self._errors.close()

    def answer(self, scenario: dict[str, Any]) -> dict[str, Any]:
        """Return what Nova makes of a scenario.

        Raises:
            NovaFailed: It ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(scenario) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise NovaFailed(self._errors.read()[-3000:])
        found: dict[str, Any] = json.loads(line)
        return found
