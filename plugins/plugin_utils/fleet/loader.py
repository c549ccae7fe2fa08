# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet's door: reads files, folders and variables, and answers with a checked fleet or all its faults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid, VersionNotSupported

from .building import build_fleet
from .draft import Draft, merge
from .faults import Faults
from .fleet import Fleet
from .handouts import read_handouts
from .parts import read_parts
from .passphrases import read_passphrases
from .references import check_references
from .schema import check_structure
from .user_data import read_user_data

_MAJOR = 1


def load_fleet(
    source: str | os.PathLike[str] | Mapping[str, Any] | None,
    inventory: Mapping[str, Any] | None = None,
    where: str = "inventory variable novella_fleet",
) -> Fleet:
    """Load a fleet.

    Args:
        source: The path of a file, or of a folder whose ``*.yml`` and ``*.yaml`` are merged in the order of
            their names, or the content itself.
        inventory: Content from inventory variables, merged after the source.
        where: How messages name content that came from no file.

    Raises:
        FleetInvalid: It has faults. Each is one line that names file, line and key.
        VersionNotSupported: It is written for a newer major version of the format.
    """
    faults = Faults()
    parts = read_parts(source, inventory, where, faults)
    faults.raise_if_unreadable()
    if not parts:
        raise FleetInvalid(["No fleet was given. Name a file or folder, or set the inventory variable novella_fleet."])
    if not any(part.content for part in parts):
        raise FleetInvalid([f"{', '.join(part.name for part in parts)}: the fleet is empty."])
    draft = merge(parts, faults)
    _check_version(draft)
    check_structure(draft, faults)
    check_references(draft, faults)
    user_data = read_user_data(draft, faults)
    handouts = read_handouts(draft, faults)
    passphrases = read_passphrases(draft, faults)
    faults.raise_if_any()
    return build_fleet(draft, user_data, handouts, passphrases)


def _check_version(draft: Draft) -> None:
    """Refuse a newer major first: all that is new in it would be reported as a fault."""
    version = draft.content.get("version")
    written = re.fullmatch(r"([0-9]{1,4})\.[0-9]{1,4}", version) if isinstance(version, str) else None
    if written is not None and int(written[1]) > _MAJOR:
        raise VersionNotSupported(
            f"{draft.place(('version',))}: version: {version} is newer than this release, which reads {_MAJOR}.x.",
            "Upgrade novella.compute here, or write the fleet in an older version.",
        )
