# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an instance's intent its guest is told by the config drive, so that a change arrives at its next boot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.instance import InstanceSpec
from ..objects.plan import FieldChange

TOLD_SECRETS = ("files", "vendor_data")
LETTERS = 12


def differ(before: InstanceSpec, after: InstanceSpec) -> bool:
    """Return whether the config drive of the one would tell other things than that of the other.

    Networks are left out: their changes have operations of their own.
    """
    return any(getattr(before, name) != getattr(after, name) for name in ("metadata", "availability_zone", "guest"))


def unfold(guest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a config drive under the names that fleets have for them. Secrets are digests, cut."""
    return {
        "config_drive": {"format": guest["config_drive_format"]},
        "hostname": guest["hostname"],
        "dns_domain": guest["dns_domain"],
        "files": {
            item["path"]: " ".join([_cut(item["sha256"]), item["mode"] or ""]).strip() for item in guest["files"]
        },
        "vendor_data": _cut(guest["vendor_data_sha256"]),
    }


def describe_secret(change: FieldChange) -> str:
    """Return how people are told of a change of something that is a secret."""
    part, _dot, path = change.field.partition(".")
    if part == "files":
        verb = "a new" if change.before is None else "no more" if change.after is None else "a change of the"
        return f"{verb} file {path}"
    return f"a change of {part}"


def _cut(digest: Any) -> Any:
    return None if digest is None else f"sha256:{digest[:LETTERS]}"
