# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a config drive hands to its guest and no record tells."""

from __future__ import annotations

import base64
import dataclasses
import os
from dataclasses import dataclass, field
from typing import Any, Optional

from .injected_file import InjectedFile

SEED_BYTES = 512


def _new_seed() -> str:
    return base64.b64encode(os.urandom(SEED_BYTES)).decode("ascii")


@dataclass(frozen=True)
class HandedOver:
    """The part of a config drive that is secret.

    Args:
        vendor_data: JSON, a mapping.
        random_seed: What the guest's kernel may stir into its randomness, in base64.
    """

    user_data: Optional[bytes] = field(default=None, repr=False)
    vendor_data: Optional[bytes] = field(default=None, repr=False)
    files: list[InjectedFile] = field(default_factory=list)
    random_seed: str = field(default_factory=_new_seed, repr=False)

    def but(self, **changes: Any) -> HandedOver:
        """Return a copy with some of it changed."""
        return dataclasses.replace(self, **changes)
