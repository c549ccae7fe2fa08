# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a host has been up, and how busy it is (Nova's get_host_uptime).

It differs with each reading, so it stands beside the host document and its fingerprint, and never in them.
"""

from __future__ import annotations

import os
from typing import Any

from .moment import uptime


def read_host_uptime() -> dict[str, Any]:
    """Return ``seconds`` since the host's start, and ``load_averages`` over 1, 5 and 15 minutes."""
    return {"seconds": int(uptime()), "load_averages": [round(load, 2) for load in os.getloadavg()]}
