# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guest is told at boot: the files of the config drive in OpenStack's form (Nova's InstanceMetadata)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Optional

from ..objects.errors import HypervisorError, OptionInvalid
from ..objects.instance import Instance, InstanceSpec
from .injected_file import MOST_FILES, InjectedFile

META_DATA = "openstack/latest/meta_data.json"
NETWORK_DATA = "openstack/latest/network_data.json"
CONTENT = "openstack/content/"


def config_drive_files(instance: Instance, user_data: Optional[bytes]) -> dict[str, bytes]:
    """Return path to content. `instance-id` is the uuid, so that it stays the same for the instance's life.

    Args:
        user_data: Handed to the guest as it is.
    """
    spec = instance.spec
    files = {
        META_DATA: _json(_meta_data(instance)),
        NETWORK_DATA: _json(_network_data(spec)),
        "openstack/latest/vendor_data.json": _json({}),
    }
    if user_data is not None:
        files["openstack/latest/user_data"] = user_data
    return files


def with_file(files: Mapping[str, bytes], file: InjectedFile) -> dict[str, bytes]:
    """Return the files of a config drive that hands one more to the guest, in the place of one with its path.

    Raises:
        OptionInvalid: It hands as many to the guest already as Nova's limit allows.
        HypervisorError: The config drive is damaged.
    """
    meta_data = _read(files)
    told = [item for item in meta_data.get("files", []) if item.get("path") != file.path]
    if len(told) >= MOST_FILES:
        paths = ", ".join(item["path"] for item in told)
        raise OptionInvalid(
            f"The config drive has {len(told)} files to be written already: {paths}.",
            "Start the instance and write it then, or rebuild it: that writes a new config drive.",
        )
    kept = {path: content for path, content in files.items() if not path.startswith(CONTENT)}
    for index, item in enumerate(told):
        kept[f"{CONTENT}{index:04}"] = files[f"openstack{item['content_path']}"]
    kept[f"{CONTENT}{len(told):04}"] = file.content
    in_order = [*(item["path"] for item in told), file.path]
    listed = [{"path": path, "content_path": f"/content/{index:04}"} for index, path in enumerate(in_order)]
    return {**kept, META_DATA: _json({**meta_data, "files": listed})}


def with_password(files: Mapping[str, bytes], password: str) -> dict[str, bytes]:
    """Return the files of a config drive that hands the guest a password, too (Nova's `admin_pass`)."""
    return {**files, META_DATA: _json({**_read(files), "admin_pass": password})}


def with_networks(files: Mapping[str, bytes], spec: InstanceSpec) -> dict[str, bytes]:
    """Return the files of a config drive that tells the guest of the networks that it is to have now."""
    return {**files, NETWORK_DATA: _json(_network_data(spec))}


def _read(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        meta_data = json.loads(files[META_DATA])
    except (KeyError, ValueError):
        raise HypervisorError(
            "The config drive has no meta_data.json that can be read.", "Rebuild the instance: that writes a new one."
        ) from None
    return dict(meta_data)


def _meta_data(instance: Instance) -> dict[str, Any]:
    spec = instance.spec
    return {
        "uuid": instance.uuid,
        "name": spec.name,
        "hostname": spec.name,
        "launch_index": 0,
        "availability_zone": spec.availability_zone,
        "project_id": spec.project_id,
        "meta": dict(spec.metadata),
        "public_keys": {f"key-{index}": key for index, key in enumerate(spec.ssh_keys)},
        "keys": [{"name": f"key-{index}", "type": "ssh", "data": key} for index, key in enumerate(spec.ssh_keys)],
    }


def _network_data(spec: InstanceSpec) -> dict[str, Any]:
    links, networks = [], []
    for index, nic in enumerate(spec.networks):
        link = f"interface{index}"
        links.append({"id": link, "type": "phy", "mtu": None, "ethernet_mac_address": nic.mac_address})
        networks.append({"id": f"network{index}", "type": "ipv4_dhcp", "link": link, "network_id": nic.network})
    return {"links": links, "networks": networks, "services": []}


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode()
