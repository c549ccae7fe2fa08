# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Telling those who wait how far long work has come: one line in a file, gone when the work is done."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Optional


class ProgressFile(contextlib.AbstractContextManager["ProgressFile"]):
    """The file. It is a comfort: where it cannot be written, the work goes on without it.

    Args:
        path: Where, in a folder that nobody else may write to; None writes nothing.
    """

    def __init__(self, path: Optional[str]) -> None:
        self._path = None if path is None else Path(path)

    def write(self, what: str, ended: int, total: int) -> None:
        """Replace the line: how many of the actions ended, and which was the last."""
        if self._path is None:
            return
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o755, exist_ok=True)
            part.write_text(f"{ended} of {total} done, last: {what}\n", encoding="utf-8")
            part.replace(self._path)

    def __exit__(self, *exception: object) -> None:
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
