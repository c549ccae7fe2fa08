# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is to be written in a guest, within Nova's limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Optional

from ..objects.errors import OptionInvalid

# Nova's injected_file_path_length and injected_file_content_bytes.
MOST_LETTERS = 255
MOST_BYTES = 10 * 1024
# Nova's injected_files; they share a config drive.
MOST_FILES = 5


@dataclass(frozen=True)
class InjectedFile:
    """Where it is written, and what. The content may be a secret. The `mode` is octal; None leaves it to the guest."""

    path: str
    content: bytes = field(repr=False)
    mode: Optional[str] = None


def read_injected_file(path: str, content: str) -> InjectedFile:
    """Return the file that a module's options describe.

    Raises:
        OptionInvalid: The path is none of a file, or one of the two is too long.
    """
    return checked_file(path, content.encode())


def checked_file(path: str, data: bytes, mode: Optional[str] = None) -> InjectedFile:
    """Return the file, if guests can be handed it.

    Raises:
        OptionInvalid: The path is none of a file, or something is too long.
    """
    is_absolute = path.startswith("/") or path[1:3] == ":\\"
    if not is_absolute or path.endswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/"):
        raise OptionInvalid(
            f"path is '{path}', which is no absolute path of a file.", "Such as /etc/motd, or C:\\motd.txt."
        )
    if len(path) > MOST_LETTERS or not path.isprintable():
        raise OptionInvalid(f"path must have at most {MOST_LETTERS} letters, and no control characters.")
    if len(data) > MOST_BYTES:
        raise OptionInvalid(f"content has {len(data)} bytes; at most {MOST_BYTES} can be written into a guest.")
    if mode is not None and not re.fullmatch(r"0?[0-7]{3}", mode):
        raise OptionInvalid(f"mode is '{mode}', which is no mode of a file.", "Such as '0644', in quotes.")
    return InjectedFile(path, data, mode)
