# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of the module `instance` tell a guest, and what tells that it is ready."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ..objects.errors import OptionInvalid
from ..objects.guest import CONFIG_DRIVE_FORMATS, NOCLOUD, GuestFile, GuestSettings, Readiness
from .config_drive import digest
from .injected_file import MOST_FILES, checked_file

GUEST: dict[str, Any] = {
    "config_drive_format": {"type": "str", "choices": list(CONFIG_DRIVE_FORMATS), "default": "openstack"},
    "hostname": {"type": "str"},
    "dns_domain": {"type": "str"},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "str", "required": True, "no_log": True},
            "mode": {"type": "str"},
        },
    },
    "vendor_data": {"type": "dict", "no_log": True},
    "wait_for": {
        "type": "dict",
        "options": {
            "agent": {"type": "bool"},
            "console": {"type": "str"},
            "timeout": {"type": "int", "default": Readiness.timeout},
        },
        "mutually_exclusive": [("agent", "console")],
        "required_one_of": [("agent", "console")],
    },
}
MOST_SECONDS = 3600
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


@dataclass(frozen=True)
class GuestWish:
    """What the guest is to be told. `contents` are by digest."""

    settings: GuestSettings
    contents: dict[str, bytes] = field(default_factory=dict, repr=False)
    wait_for: Optional[Readiness] = None


def read_guest(options: Mapping[str, Any]) -> GuestWish:
    """Return what the options say.

    Raises:
        OptionInvalid: It names the one that is wrong.
    """
    contents: dict[str, bytes] = {}
    files: list[GuestFile] = []
    form = options["config_drive_format"]
    if len(options["files"]) > MOST_FILES:
        raise OptionInvalid(f"files has {len(options['files'])} items; a guest can be handed {MOST_FILES}.")
    for item in options["files"]:
        if item["mode"] is not None and form != NOCLOUD:
            raise OptionInvalid(f"files: only the config_drive_format {NOCLOUD} has a place for mode, not {form}.")
        file = checked_file(item["path"], item["content"].encode(), item["mode"])
        contents[digest(file.content)] = file.content
        files.append(GuestFile(file.path, digest(file.content), file.mode))
    vendor_data = options["vendor_data"]
    if vendor_data is not None:
        data = json.dumps(vendor_data, indent=1, sort_keys=True).encode()
        contents[digest(data)] = data
    settings = GuestSettings(
        config_drive_format=form,
        hostname=_name("hostname", options["hostname"], _LABEL),
        dns_domain=_name("dns_domain", options["dns_domain"], rf"{_LABEL}(\.{_LABEL})*"),
        files=files,
        vendor_data_sha256=None if vendor_data is None else digest(data),
    )
    return GuestWish(settings, contents, _readiness(options["wait_for"]))


def _name(option: str, value: Optional[str], pattern: str) -> Optional[str]:
    if value is not None and not re.fullmatch(pattern, value):
        raise OptionInvalid(f"{option} is '{value}', which is no such name.", "Use letters, digits and '-'.")
    return value


def _readiness(told: Optional[Mapping[str, Any]]) -> Optional[Readiness]:
    if told is None:
        return None
    if told["agent"] is False or told["console"] == "":
        raise OptionInvalid("wait_for waits for nothing.", "Let agent be true, or console a text; or leave it out.")
    if not 1 <= told["timeout"] <= MOST_SECONDS:
        raise OptionInvalid(f"wait_for.timeout is {told['timeout']}; it must be from 1 to {MOST_SECONDS}.")
    return Readiness(bool(told["agent"]), told["console"], told["timeout"])
