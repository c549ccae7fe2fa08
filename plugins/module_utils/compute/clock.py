# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as they are written: ISO-8601, UTC."""

from __future__ import annotations

import datetime

from ..objects.errors import InvalidInput


def now() -> str:
    """Return the present time, such as ``2026-11-21T10:15:30.123456Z``."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds_since(text: str) -> float:
    """Return how long ago that was; less than 0 where the clock was set back since.

    Raises:
        InvalidInput: It is no time as `now` writes it.
    """
    try:
        then = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()
    except (TypeError, ValueError):
        raise InvalidInput(f"'{text}' is not a time in UTC, such as {now()}.") from None
