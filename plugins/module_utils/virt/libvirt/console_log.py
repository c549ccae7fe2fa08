# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest said on its serial console: virtlogd writes it to FILE, and rotates that to FILE.0, FILE.1 and so on."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from .domain_xml import console_log_path

# A link is not followed, and a pipe that somebody has put there is not waited for.
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def find_logs(uuid: str) -> list[Path]:
    """Return where the console log and its rotated parts are, newest first."""
    log = Path(console_log_path(uuid))
    rotated = re.compile(re.escape(log.name) + r"\.([0-9]{1,9})")
    found = {int(match[1]): log.parent / match[0] for match in map(rotated.fullmatch, _names(log.parent)) if match}
    return [log, *(found[number] for number in sorted(found))]


def read_tail(uuid: str, max_bytes: int) -> bytes:
    """Return the last so many bytes of a console, as few as there are."""
    output, seen = b"", set()
    for log in find_logs(uuid):
        if len(output) >= max_bytes:
            break
        try:
            descriptor = os.open(log, FLAGS)
        except OSError:
            # Rotated away since it was listed, or a link.
            continue
        about = os.fstat(descriptor)
        # While this reads, virtlogd may give what was read another name: it comes by a second time.
        if not stat.S_ISREG(about.st_mode) or (about.st_dev, about.st_ino) in seen:
            os.close(descriptor)
            continue
        seen.add((about.st_dev, about.st_ino))
        with os.fdopen(descriptor, "rb") as file:
            wanted = max_bytes - len(output)
            file.seek(max(0, about.st_size - wanted))
            output = file.read(wanted) + output
    return output


def mark_end(uuid: str) -> str:
    """Return a mark for where a console's log ends: the file's number, and its size."""
    try:
        about = Path(console_log_path(uuid)).lstat()
    except OSError:
        return ""
    return f"{about.st_ino}:{about.st_size}"


def read_since(uuid: str, mark: str, max_bytes: int) -> bytes:
    """Return the last so many bytes behind a mark; all that there is, where the marked file has been rotated away."""
    number, _colon, size = mark.partition(":")
    newer = 0
    for log in find_logs(uuid):
        try:
            about = log.lstat()
        except OSError:
            continue
        if str(about.st_ino) == number:
            return read_tail(uuid, min(max_bytes, newer + max(0, about.st_size - int(size))))
        newer += about.st_size
    return read_tail(uuid, max_bytes)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return []
