# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guest is told at boot: the files of the config drive in OpenStack's form (Nova's InstanceMetadata)."""

from __future__ import annotations

import json
from typing import Any, Optional

from ..objects.instance import Instance, InstanceSpec


def config_drive_files(instance: Instance, user_data: Optional[bytes]) -> dict[str, bytes]:
    """Return path to content. `instance-id` is the uuid, so that it stays the same for the instance's life.

    Args:
        user_data: Handed to the guest as it is.
    """
    spec = instance.spec
    files = {
        "openstack/latest/meta_data.json": _json(_meta_data(instance)),
        "openstack/latest/network_data.json": _json(_network_data(spec)),
        "openstack/latest/vendor_data.json": _json({}),
    }
    if user_data is not None:
        files["openstack/latest/user_data"] = user_data
    return files


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
