# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The config drive in OpenStack's form, as cloud-init's ConfigDrive and cloudbase-init read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..objects.instance import Instance
from .guest_names import full_name
from .handed_over import HandedOver
from .injected_file import InjectedFile
from .network_data import network_data

TREE = "openstack/latest/"
META_DATA = TREE + "meta_data.json"
USER_DATA = TREE + "user_data"
VENDOR_DATA = TREE + "vendor_data.json"
CONTENT = "openstack/content/"


def write(instance: Instance, handed: HandedOver) -> dict[str, bytes]:
    """Return the files of the drive, path to content."""
    vendor_data = {} if handed.vendor_data is None else json.loads(handed.vendor_data)
    files = {
        META_DATA: _json(_meta_data(instance, handed)),
        f"{TREE}network_data.json": _json(network_data(instance.spec)),
        VENDOR_DATA: handed.vendor_data or _json({}),
        f"{TREE}vendor_data2.json": _json({"static": vendor_data} if vendor_data else {}),
    }
    if handed.user_data is not None:
        files[USER_DATA] = handed.user_data
    for index, file in enumerate(handed.files):
        files[f"{CONTENT}{index:04}"] = file.content
    return files


def read(files: Mapping[str, bytes]) -> HandedOver:
    """Return what was handed over.

    Raises:
        KeyError, TypeError, ValueError: The drive is damaged.
    """
    meta_data = json.loads(files[META_DATA])
    vendor_data = files.get(VENDOR_DATA, b"{}")
    handed = HandedOver(
        user_data=files.get(USER_DATA),
        vendor_data=vendor_data if json.loads(vendor_data) else None,
        files=[
            InjectedFile(item["path"], files["openstack" + item["content_path"]]) for item in meta_data.get("files", [])
        ],
    )
    # Earlier releases wrote none.
    return handed.but(random_seed=meta_data.get("random_seed", handed.random_seed))


def with_password(files: Mapping[str, bytes], password: str) -> dict[str, bytes]:
    """Return the same files with a password for the guest."""
    return {**files, META_DATA: _json({**json.loads(files[META_DATA]), "admin_pass": password})}


def _meta_data(instance: Instance, handed: HandedOver) -> dict[str, Any]:
    spec = instance.spec
    told = {
        "uuid": instance.uuid,
        "name": spec.name,
        "hostname": full_name(spec),
        "launch_index": 0,
        "availability_zone": spec.availability_zone,
        "random_seed": handed.random_seed,
        "project_id": spec.project_id,
        "meta": dict(spec.metadata),
        "public_keys": {f"key-{index}": key for index, key in enumerate(spec.ssh_keys)},
        "keys": [{"name": f"key-{index}", "type": "ssh", "data": key} for index, key in enumerate(spec.ssh_keys)],
    }
    if handed.files:
        told["files"] = [
            {"path": file.path, "content_path": f"/content/{index:04}"} for index, file in enumerate(handed.files)
        ]
    return told


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode()
