# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest's agent tells of it, made fit to be shown. A guest may say anything, of any shape and size.

Nothing of it is used to decide anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .console_text import show_text

MOST_ITEMS = 64
MOST_LETTERS = 255
# The largest number that agents have a use for.
MOST = 1 << 63


def tell_guest(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of the guest; null for what its agent did not tell, or not in the shape that it should.

    Args:
        answers: By the agent's command, what it answered.
    """
    os, host_name, zone = (
        _object(answers.get(name)) for name in ("guest-get-osinfo", "guest-get-host-name", "guest-get-timezone")
    )
    return {
        "hostname": _text(host_name.get("host-name")),
        "timezone": _text(zone.get("zone")),
        "os": {
            "id": _text(os.get("id")),
            "name": _text(os.get("pretty-name")) or _text(os.get("name")),
            "version": _text(os.get("version-id")),
            "kernel": _text(os.get("kernel-release")),
            "machine": _text(os.get("machine")),
        },
        "interfaces": [_interface(item) for item in _objects(answers.get("guest-network-get-interfaces"))],
        "users": [
            {
                "user": _text(item.get("user")),
                "domain": _text(item.get("domain")),
                "login_time": _number(item.get("login-time")),
            }
            for item in _objects(answers.get("guest-get-users"))
        ],
        "filesystems": [
            {
                "mountpoint": _text(item.get("mountpoint")),
                "type": _text(item.get("type")),
                "total_bytes": _number(item.get("total-bytes")),
                "used_bytes": _number(item.get("used-bytes")),
            }
            for item in _objects(answers.get("guest-get-fsinfo"))
        ],
    }


def _interface(item: Mapping[str, Any]) -> dict[str, Any]:
    told = [_text(address.get("ip-address")) for address in _objects(item.get("ip-addresses"))]
    return {
        "name": _text(item.get("name")),
        "mac_address": _text(item.get("hardware-address")),
        "addresses": [address for address in told if address is not None],
    }


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value[:MOST_ITEMS] if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> Optional[str]:
    return show_text(value[:MOST_LETTERS]) if isinstance(value, str) else None


def _number(value: Any) -> Optional[int]:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value < MOST else None
