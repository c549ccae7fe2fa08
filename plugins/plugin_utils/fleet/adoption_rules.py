# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what an adopted instance may declare: it came with a definition and disks of its own."""

from __future__ import annotations

from .draft import Draft
from .faults import Faults
from .wording import Path

# What Novella does to an instance that it makes, and only then.
_OF_MAKING = ("image", "count", "ssh_keys", "user_data", "user_data_file", "where")


def check_adoptions(draft: Draft, faults: Faults) -> None:
    """Add a fault for what adopted instances cannot have.

    One domain can be one instance.
    """
    owners: dict[str, Path] = {}
    for name, body in draft.section("instances").items():
        adopted = body.get("adopted")
        if adopted is None:
            continue
        for key in _OF_MAKING:
            if key in body:
                path: Path = ("instances", name, key)
                sentence = "cannot go together with adopted: Novella does not make this instance."
                faults.add(draft.place(path), path, sentence)
        if not isinstance(adopted, str):
            continue
        path = ("instances", name, "adopted")
        first = owners.setdefault(adopted, path)
        if first != path:
            there = f"{first[0]}.{first[1]} ({draft.place(first)})"
            faults.add(draft.place(path), path, f"{there} is that domain already.")
