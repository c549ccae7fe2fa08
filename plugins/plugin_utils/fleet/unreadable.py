# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of reading."""

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput


class Unreadable(InvalidInput):
    """A source that cannot be read any further. It becomes a fault of the fleet.

    Args:
        message: What is wrong with it.
        line: Where, from 1; 0 for the whole.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line
