# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody has changed about a domain outside Novella."""

from dataclasses import dataclass
from typing import Optional

from .base import Record


@dataclass(frozen=True)
class Drift(Record):
    """One thing that a domain has otherwise than its record says.

    `before` is what the record stands for, `after` what was found; None where there is nothing such. `is_live` says
    that the running guest has it so; else only its definition does.
    """

    field: str
    before: Optional[str] = None
    after: Optional[str] = None
    is_live: bool = False
