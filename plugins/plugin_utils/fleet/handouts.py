# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guests of declared instances are told by their config drives, beside user data. Contents are secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.config_drive import digest
from ansible_collections.novella.compute.plugins.module_utils.compute.injected_file import MOST_BYTES, checked_file
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.guest import (
    CONFIG_DRIVE_FORMATS,
    NOCLOUD,
    OPENSTACK,
    GuestFile,
    GuestSettings,
    Readiness,
)

from .draft import Draft
from .faults import Faults
from .regular_file import read_bytes
from .unreadable import Unreadable
from .user_data import locate
from .wording import Path, quoted

# The keys of an instance that are read here.
HANDOUT_KEYS = ("config_drive", "hostname", "dns_domain", "files", "wait_for")
FORMAT_PROPERTY = "img_config_drive_format"
MOST_VENDOR_BYTES = 65_535


@dataclass(frozen=True)
class Handout:
    """What one entry's guests are told. `contents` are by digest."""

    settings: GuestSettings = field(default_factory=GuestSettings)
    contents: dict[str, bytes] = field(default_factory=dict, repr=False)
    wait_for: Readiness | None = None


def read_handouts(draft: Draft, faults: Faults) -> dict[str, Handout]:
    """Return what they are told, by name of the entry under ``instances``."""
    common = _mapping(draft.content.get("guest"))
    vendor_data = _vendor_data(draft, common, faults)
    formats = _image_formats(draft, faults)
    handouts = {}
    for name, body in draft.section("instances").items():
        chosen = _mapping(body.get("config_drive")).get("format")
        chosen = chosen or formats.get(str(body.get("image"))) or _mapping(common.get("config_drive")).get("format")
        contents = {} if vendor_data is None else {digest(vendor_data): vendor_data}
        files = _files(draft, name, body, chosen or OPENSTACK, contents, faults)
        settings = GuestSettings(
            config_drive_format=chosen or OPENSTACK,
            hostname=_hostname(draft, name, body, faults),
            dns_domain=body.get("dns_domain", common.get("dns_domain")),
            files=files,
            vendor_data_sha256=None if vendor_data is None else digest(vendor_data),
        )
        handouts[name] = Handout(settings, contents, _wait_for(draft, name, body, faults))
    return handouts


def _image_formats(draft: Draft, faults: Faults) -> dict[str, str]:
    formats = {}
    for name, body in draft.section("images").items():
        value = _mapping(body.get("properties")).get(FORMAT_PROPERTY)
        if value is None:
            continue
        formats[name] = str(value)
        if value not in CONFIG_DRIVE_FORMATS:
            path = ("images", name, "properties", FORMAT_PROPERTY)
            known = list(CONFIG_DRIVE_FORMATS)
            hint = nearest(str(value), known)
            faults.add(draft.place(path), path, f"{quoted(str(value))} is none of {', '.join(known)}.{hint}")
    return formats


def _hostname(draft: Draft, name: str, body: Mapping[str, Any], faults: Faults) -> str | None:
    hostname: str | None = body.get("hostname")
    if hostname is not None and body.get("count") is not None:
        path: Path = ("instances", name, "hostname")
        sentence = "would be the same for all; with count, each has its own name, such as web-1. Leave it out."
        faults.add(draft.place(path), path, sentence)
    return hostname


def _files(
    draft: Draft, name: str, body: Mapping[str, Any], form: str, contents: dict[str, bytes], faults: Faults
) -> list[GuestFile]:
    """Return the files that an instance's guest is handed, and add their contents to those that are known."""
    found: dict[str, GuestFile] = {}
    listed = body.get("files")
    for index, item in enumerate(listed if isinstance(listed, list) else []):
        here: Path = ("instances", name, "files", index)
        item = _mapping(item)
        path, mode = item.get("path"), item.get("mode")
        if not isinstance(path, str):
            continue
        if path in found:
            faults.add(draft.place(here), (*here, "path"), f"{quoted(path)} stands in the list twice.")
        if mode is not None and form != NOCLOUD:
            sentence = f"only the config drive format {NOCLOUD} has a place for it, and this is {form}."
            faults.add(draft.place(here), (*here, "mode"), sentence)
        key = "content_file" if "content_file" in item else "content"
        try:
            content = _content(draft, ("instances", name), item)
            checked_file(path, content)
        except Unreadable as error:
            joint = ": " if key == "content" else f": {item[key]}: "
            faults.add(draft.place(here), (*here, key), error.message, joint)
        except InvalidInput as error:
            faults.add(draft.place(here), here, f"{error.message} {error.remedy}".strip())
        else:
            contents[digest(content)] = content
            found[path] = GuestFile(path, digest(content), mode)
    return list(found.values())


def _content(draft: Draft, owner: Path, item: Mapping[str, Any]) -> bytes:
    if isinstance(item.get("content_file"), str):
        return read_bytes(locate(draft, owner, item["content_file"]), MOST_BYTES)
    return str(item.get("content", "")).encode()


def _vendor_data(draft: Draft, common: Mapping[str, Any], faults: Faults) -> bytes | None:
    """Return the vendor data as JSON, in which equal content is equal bytes."""
    told, key = common.get("vendor_data"), "vendor_data"
    path: Path = ("guest", "vendor_data")
    if isinstance(common.get("vendor_data_file"), str):
        key = common["vendor_data_file"]
        path = ("guest", "vendor_data_file")
        try:
            told = json.loads(read_bytes(locate(draft, path, key), MOST_VENDOR_BYTES))
        except Unreadable as error:
            faults.add(draft.place(path), path, error.message, f": {key}: ")
            return None
        except (ValueError, RecursionError):
            faults.add(draft.place(path), path, "is no JSON.", f": {key}: ")
            return None
    if told is None:
        return None
    parts = told.get("cloud-init", []) if isinstance(told, dict) else None
    parts = [parts] if isinstance(parts, str) else parts
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        sentence = "must be a mapping, whose cloud-init, where it has one, is text or a list of texts."
        faults.add(draft.place(path), path, sentence)
        return None
    data = json.dumps(told, indent=1, sort_keys=True).encode()
    if len(data) > MOST_VENDOR_BYTES:
        faults.add(draft.place(path), path, f"is larger than {MOST_VENDOR_BYTES:,} bytes.", " ")
    return data


def _wait_for(draft: Draft, name: str, body: Mapping[str, Any], faults: Faults) -> Readiness | None:
    told = body.get("wait_for")
    if not isinstance(told, dict):
        return None
    if told.get("agent") is False:
        path: Path = ("instances", name, "wait_for", "agent")
        faults.add(draft.place(path), path, "must be true. To wait for nothing, leave wait_for out.")
    timeout = told.get("timeout", Readiness.timeout)
    timeout = int(timeout) if isinstance(timeout, (int, float)) else Readiness.timeout
    console = told.get("console")
    return Readiness(bool(told.get("agent", False)), console if isinstance(console, str) else None, timeout)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
