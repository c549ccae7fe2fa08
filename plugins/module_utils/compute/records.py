# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record that a domain carries."""

from __future__ import annotations

from typing import Optional

from ..objects.errors import InvalidInput
from ..objects.instance import Instance
from ..virt.driver import Domain


def read_record(domain: Domain) -> Optional[Instance]:
    """Return the instance that a domain is, or None where it is foreign or its record cannot be read.

    What cannot be read is not ours to touch: it counts, like any foreign domain.
    """
    if domain.record is None:
        return None
    try:
        instance = Instance.from_document(domain.record)
    except InvalidInput:
        return None
    return instance if instance.uuid == domain.uuid else None
