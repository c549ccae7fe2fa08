# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads files that a user names, with bounds."""

from __future__ import annotations

import stat
from pathlib import Path

from .unreadable import Unreadable


def read_bytes(file: Path, most: int) -> bytes:
    """Return a regular file's content.

    Args:
        most: The most bytes the file may have.

    Raises:
        Unreadable: It is missing, not a file, too large or may not be read.
    """
    try:
        # Asked before it is opened: to open a named pipe would wait for its other end for ever.
        if not stat.S_ISREG(file.stat().st_mode):
            raise Unreadable("is not a regular file.")
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except FileNotFoundError:
        raise Unreadable("there is no such file.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Unreadable(f"cannot be read: {reason}.") from error
    if len(data) > most:
        raise Unreadable(f"is larger than {most:,} bytes.")
    return data
