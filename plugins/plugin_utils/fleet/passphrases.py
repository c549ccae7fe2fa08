# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the passphrases of encrypted volumes, inline (from a vault) or from files. No message shows one."""

from __future__ import annotations

from .draft import Draft
from .faults import Faults
from .regular_file import read_bytes
from .unreadable import Unreadable
from .user_data import locate

# As many as QEMU reads of a secret are far more; a file that is longer is another one than was meant.
MOST_BYTES = 1024
LEAST_LETTERS = 8


def read_passphrases(draft: Draft, faults: Faults) -> dict[str, bytes]:
    """Return the passphrases by name of the entry under ``volumes``; one that is not encrypted is left out."""
    found: dict[str, bytes] = {}
    for name, body in draft.section("volumes").items():
        inline, file = body.get("passphrase"), body.get("passphrase_file")
        key = "passphrase" if isinstance(inline, str) else "passphrase_file"
        path = ("volumes", name, key)
        try:
            if isinstance(inline, str):
                found[name] = _check(inline.encode())
            elif isinstance(file, str):
                found[name] = _check(read_bytes(locate(draft, ("volumes", name), file), MOST_BYTES))
        except Unreadable as error:
            faults.add(draft.place(path), path, error.message, ": " if key == "passphrase" else f": {file}: ")
    return found


def _check(data: bytes) -> bytes:
    data = data.removesuffix(b"\n").removesuffix(b"\r")
    try:
        letters = len(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unreadable("is not text in UTF-8, which LUKS wants.") from None
    if letters < LEAST_LETTERS or b"\n" in data or b"\0" in data:
        raise Unreadable(f"must be one line of at least {LEAST_LETTERS} characters.")
    if len(data) > MOST_BYTES:
        raise Unreadable(f"is larger than {MOST_BYTES:,} bytes.")
    return data
