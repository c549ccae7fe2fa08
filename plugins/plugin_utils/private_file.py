# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the controller that are nobody else's to read."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def holds(path: Path, content: bytes) -> bool:
    """Return whether a file is there, with that content and for its owner alone.

    Raises:
        OSError: What is there cannot be read.
    """
    if not path.exists():
        return False
    about = path.stat()
    return about.st_size == len(content) and about.st_mode & 0o777 == 0o600 and path.read_bytes() == content


def write_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, whole or not at all. A link that stands there is replaced, not followed.

    Raises:
        OSError: It cannot be written.
    """
    # A folder in that place would be an error only after all was written.
    if path.is_dir():
        raise IsADirectoryError(21, "It is a directory", str(path))
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
