# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the user data of the declared instances, inline or from files. It is a secret: no message shows it."""

from __future__ import annotations

from pathlib import Path

from . import wording
from .draft import Draft
from .faults import Faults
from .regular_file import read_bytes
from .unreadable import Unreadable

MOST_BYTES = 65_535


def read_user_data(draft: Draft, faults: Faults) -> dict[str, bytes]:
    """Return the user data by name of the entry under ``instances``; an entry without any is left out."""
    found: dict[str, bytes] = {}
    for name, body in draft.section("instances").items():
        inline, file = body.get("user_data"), body.get("user_data_file")
        key = "user_data" if isinstance(inline, str) else "user_data_file"
        path = ("instances", name, key)
        try:
            if isinstance(inline, str):
                found[name] = _check(inline.encode())
            elif isinstance(file, str):
                found[name] = _check(read_bytes(locate(draft, ("instances", name), file), MOST_BYTES))
        except Unreadable as error:
            faults.add(draft.place(path), path, error.message, ": " if key == "user_data" else f": {file}: ")
    return found


def locate(draft: Draft, entry: wording.Path, file: str) -> Path:
    """Return the path of a file that an entry names: beside the file that declares it, unless it is absolute.

    Raises:
        Unreadable: It is not, and inventory variables declare it.
    """
    owner = draft.owner(entry)
    if owner is not None and owner.folder is not None:
        return owner.folder / file
    if Path(file).is_absolute():
        return Path(file)
    raise Unreadable("must be an absolute path, as inventory variables have no folder.")


def _check(data: bytes) -> bytes:
    if not data:
        raise Unreadable("is empty.")
    if len(data) > MOST_BYTES:
        raise Unreadable(f"is larger than {MOST_BYTES:,} bytes.")
    return data
