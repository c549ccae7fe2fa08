# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The networks of a guest as its config drive tells of them: OpenStack's network_data, and cloud-init's version 2."""

from __future__ import annotations

from typing import Any

from ..objects.instance import InstanceSpec


def network_data(spec: InstanceSpec) -> dict[str, Any]:
    """Return OpenStack's ``network_data.json``; empty where there is no NIC."""
    if not spec.networks:
        return {}
    links, networks = [], []
    for index, nic in enumerate(spec.networks):
        link = f"interface{index}"
        links.append({"id": link, "type": "phy", "mtu": None, "ethernet_mac_address": nic.mac_address})
        networks.append({"id": f"network{index}", "type": "ipv4_dhcp", "link": link, "network_id": nic.network})
    return {"links": links, "networks": networks, "services": []}


def network_config(spec: InstanceSpec) -> dict[str, Any]:
    """Return what NoCloud calls ``network-config``, in version 2.

    The interfaces are named ``eth0`` and so on, as not every program that reads this can match by address alone.
    """
    ethernets = {}
    for index, nic in enumerate(spec.networks):
        name = f"eth{index}"
        ethernets[name] = {"match": {"macaddress": nic.mac_address}, "set-name": name, "dhcp4": True}
    return {"version": 2, "ethernets": ethernets}
