# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python whose wall clock is off. Hosts on one machine share its clock, and libfaketime breaks Python's sleeps."""

import shlex
from pathlib import Path

# Python reads this before anything else. Clocks that count from the machine's start are left alone, as on a real host.
CUSTOMISATION = """
import datetime, time
time.time = lambda real=time.time: real() + {shift}
time.time_ns = lambda real=time.time_ns: real() + {shift} * 10**9
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds={shift})
datetime.datetime = Shifted
"""


def write_interpreter(folder: Path, python: str, hours: int, seen_as: Path | None = None) -> Path:
    """Write an interpreter whose clock is so many hours off, and return its path.

    Args:
        folder: Where; made.
        python: The interpreter that does the work.
        seen_as: What the folder is called where the interpreter will run.
    """
    seen_as = seen_as or folder
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CUSTOMISATION.format(shift=hours * 3600))
    interpreter = folder / "python"
    interpreter.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(seen_as))} exec {shlex.quote(python)} "$@"\n')
    interpreter.chmod(0o755)
    return seen_as / "python"
